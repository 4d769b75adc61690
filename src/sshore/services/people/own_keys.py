"""Own keys: registered public keys, valid in all running sessions of their owner at once, and gone from them at once.

    add, remove ──▶ Store ──▶ authorized_keys of each session ──▶ its agent ends what a removed key has opened

Where an agent is out of touch, or the disk is full, `run` catches up; after a restart of the server, with all.
"""

import asyncio
import logging

from sshore.core.errors import Conflict, InvalidInput, QuotaExceeded, SshoreError, Unavailable
from sshore.core.ids import OwnKeyId, SessionId, new_id
from sshore.core.own_keys import MAX_OWN_KEYS, OwnKey, find_own_key
from sshore.core.ports import Clock, Links, Store
from sshore.core.public_keys import KEY_TYPES, PublicKey, clean_comment, read_public_key_text
from sshore.core.sessions import Session
from sshore.core.states import SessionState
from sshore.core.users import User
from sshore.services.sessions.setup import SessionSetup
from sshore.wire.problems import Code

log = logging.getLogger("sshore.own_keys")

RETRY_S = 2.0
_LINK_PATIENCE_S = 30.0
_TELL_PATIENCE_S = 4.0
"""How long the user waits for an agent that does not answer; it hears of it later."""


class OwnKeyService:
    """A user's own keys, of the types that the sessions' sshd lets in. `run` is to run beside."""

    def __init__(
        self, store: Store, setup: SessionSetup, links: Links, clock: Clock, key_types: frozenset[str] = KEY_TYPES
    ) -> None:
        self._store = store
        self._setup = setup
        self._links = links
        self._clock = clock
        self._key_types = key_types
        self._late: set[SessionId] = set()
        self._wake = asyncio.Event()

    async def list(self, owner: User) -> list[OwnKey]:
        return await self._store.own_keys.list(owner.id)

    async def add(self, owner: User, text: str, name: str = "") -> tuple[OwnKey, bool]:
        """Register the key of a ``.pub`` file's text; the key, and whether it is new.

        Raises:
            InvalidInput: it is no public key, or one that OpenSSH would not take. QuotaExceeded: there are too many.
        """
        key = read_public_key_text(text)
        if key.type not in self._key_types:
            raise InvalidInput(
                f"this server's OpenSSH takes no {key.type} keys: give one of another type, such as ssh-ed25519",
                field="public_key",
            )
        known = await self._known(owner, key)
        if known is not None:
            return known, False
        if len(await self.list(owner)) >= MAX_OWN_KEYS:
            raise QuotaExceeded(
                f"you have {MAX_OWN_KEYS} own keys, which is the most: remove one with: sshore keys rm ID"
            )
        added = OwnKey(
            id=OwnKeyId(new_id()),
            owner_id=owner.id,
            name=clean_comment(name) or key.comment or key.type,
            type=key.type,
            bits=key.bits,
            public_key=key.line,
            fingerprint=key.fingerprint,
            created_at=self._clock.now(),
        )
        try:
            await self._store.own_keys.add(added)
        except Conflict:  # another request came first
            known = await self._known(owner, key)
            if known is None:
                raise
            return known, False
        await self._publish(owner)
        return added, True

    async def remove(self, owner: User, ref: str) -> OwnKey:
        """Remove a key by its id, fingerprint or name; what it has opened has ended when this returns, wherever
        the session's agent is in touch.

        Raises:
            NotFound: there is no such key. Conflict: several have this name.
            Unavailable: the disk is full; sessions follow as soon as there is room (``storage_full``).
        """
        key = find_own_key(await self.list(owner), ref)
        await self._store.own_keys.remove(owner.id, key.id)
        await self._publish(owner)
        return key

    async def run(self) -> None:
        """Bring all running sessions up to date, then those that could not be at once, until cancelled."""
        self._late |= {session.id for session in await self._store.sessions.list()}
        self._wake.set()
        async with asyncio.TaskGroup() as group:
            while True:
                await self._wake.wait()
                self._wake.clear()
                late, self._late = self._late, set()
                for session_id in late:
                    group.create_task(self._catch_up(session_id), name=f"own keys of {session_id}")

    async def _known(self, owner: User, key: PublicKey) -> OwnKey | None:
        return next((known for known in await self.list(owner) if known.fingerprint == key.fingerprint), None)

    async def _publish(self, owner: User) -> None:
        """Tell all sessions of an owner, and start again later with those that did not hear.

        Raises:
            Unavailable: a file could not be written.
        """
        failures: list[SshoreError] = []

        async def tell(session: Session) -> None:
            try:
                async with asyncio.timeout(_TELL_PATIENCE_S):
                    await self._tell(session)
            except (TimeoutError, SshoreError) as error:
                log.warning("a session is told of own keys later", extra={"session": session.id, "reason": str(error)})
                self._late.add(session.id)
                self._wake.set()
                if isinstance(error, SshoreError) and error.problem.code is Code.STORAGE_FULL:
                    failures.append(error)

        async with asyncio.TaskGroup() as group:
            for session in await self._store.sessions.list(owner.id):
                group.create_task(tell(session))
        if failures:
            raise failures[0]

    async def _tell(self, session: Session) -> None:
        """Write a session's keys, and have its agent end what a removed one has opened."""
        written = await self._setup.publish_keys(session)
        if written and session.state in (SessionState.STARTING, SessionState.RUNNING):
            if session.state is SessionState.STARTING and not self._links.is_linked(session.id):
                return  # nobody has been let in yet
            await self._links.call(session.id, "ssh.end_revoked")

    async def _catch_up(self, session_id: SessionId) -> None:
        while True:
            try:
                session = await self._store.sessions.get(session_id)
                if session is None or not session.state.holds_resources:
                    return
                async with asyncio.timeout(_LINK_PATIENCE_S):
                    await self._links.wait_linked(session_id)
                await self._tell(session)
            except TimeoutError:
                continue
            except Unavailable:
                await asyncio.sleep(RETRY_S)
            except SshoreError as error:
                # An agent of an older version knows no such call.
                log.warning("a session cannot be told of own keys", extra={"session": session_id, "reason": str(error)})
                return
            except Exception:
                log.exception("a session cannot be told of own keys", extra={"session": session_id})
                return
            else:
                return
