"""A session's keys, its run files, and what the engine is told."""

import asyncio
import dataclasses
from dataclasses import dataclass
from pathlib import Path
from weakref import WeakValueDictionary

from sshore.core import layout
from sshore.core.choices import KeyType, Network, Role
from sshore.core.errors import Unavailable
from sshore.core.ids import SessionId, new_id
from sshore.core.keys import CertificateAuthority, fingerprint, further_host_keys, new_private_key, public_line
from sshore.core.names import HOST_SUFFIX
from sshore.core.ports import Clock, SessionFiles, Store
from sshore.core.run_files import (
    agent_config,
    authorized_keys,
    certificate_file,
    host_key_files,
    late_variables,
    sshd_config,
)
from sshore.core.sessions import ImageFacts, Mount, Resources, Session, SessionSpec
from sshore.core.settings import SHELL
from sshore.core.states import SessionState
from sshore.core.users import User, hash_secret, new_secret
from sshore.services.folders.folders import FolderService
from sshore.services.sessions.homes import Homes

NO_IMAGE = ImageFacts()


@dataclass(frozen=True, slots=True)
class Premises:
    """Where the server keeps what every session gets: the kit and the link directory.

    `runs_as_root`: whether sessions run under their owner's own uid instead of the server's.
    """

    kit: Path
    link: Path
    runs_as_root: bool
    cpu_has_aes: bool


@dataclass(frozen=True, slots=True)
class NewSession:
    """What a user asked for, checked."""

    name: str
    engine: str
    image: str = ""
    resources: Resources = dataclasses.field(default_factory=Resources)
    network: Network = Network.NAT
    key_type: KeyType = KeyType.ED25519
    mounts: tuple[Mount, ...] = ()
    apps: tuple[str, ...] = ()
    idle_timeout_s: float | None = None
    ttl_s: float | None = None
    root: bool = False
    entrypoint: bool = False


class SessionSetup:
    """Makes what a session needs before its engine can start it."""

    def __init__(
        self,
        store: Store,
        files: SessionFiles,
        folders: FolderService,
        host_ca: CertificateAuthority,
        user_ca: CertificateAuthority,
        premises: Premises,
        clock: Clock,
        homes: Homes,
    ) -> None:
        self._store = store
        self._files = files
        self._folders = folders
        self._host_ca = host_ca
        self._user_ca = user_ca
        self._premises = premises
        self._clock = clock
        self._homes = homes
        self._locks: WeakValueDictionary[SessionId, asyncio.Lock] = WeakValueDictionary()

    async def new(self, owner: User, wanted: NewSession) -> Session:
        """A session that exists nowhere yet, with its keys."""
        comment = f"{layout.ACCOUNT}@{wanted.name}{HOST_SUFFIX}"
        private_key = await asyncio.to_thread(new_private_key, wanted.key_type, comment)
        host_private_key = new_private_key(KeyType.ED25519)
        return Session(
            id=SessionId(new_id()),
            owner_id=owner.id,
            name=wanted.name,
            state=SessionState.PENDING,
            created_at=self._clock.now(),
            engine=wanted.engine,
            image=wanted.image,
            resources=wanted.resources,
            network=wanted.network,
            key_type=wanted.key_type,
            mounts=wanted.mounts,
            launched=wanted.apps,
            idle_timeout_s=wanted.idle_timeout_s,
            ttl_s=wanted.ttl_s,
            root=wanted.root,
            entrypoint=wanted.entrypoint,
            private_key=private_key,
            host_private_key=host_private_key,
            further_host_keys=await asyncio.to_thread(further_host_keys, wanted.key_type),
            host_key_fingerprint=fingerprint(public_line(host_private_key)),
        )

    async def spec(self, session: Session, image: ImageFacts = NO_IMAGE) -> SessionSpec:
        """What the engine is told of a session; `image` is what it is told to start with."""
        owner = await self._owner(session)
        home, run = self._files.paths(session.id)
        return SessionSpec(
            id=session.id,
            name=session.name,
            home=home,
            run=run,
            link=self._premises.link,
            kit=self._premises.kit,
            host_uid=self._host_uid(owner),
            image=session.image,
            resources=session.resources,
            network=session.network,
            mounts=await self._folders.bind_mounts(owner, session.mounts),
            root=session.root,
            entrypoint=session.entrypoint,
            for_admin=owner.role is Role.ADMIN,
            owner_id=owner.id,
            image_id=session.image_id,
            shell=owner.settings.get(SHELL, ""),
            late_variables=bool(late_variables(_variables(session, image))),
        )

    async def prepare(self, session: Session, image: ImageFacts = NO_IMAGE) -> Session:
        """Write home and run directory with a new agent token, bound the home; the session with that token's hash.

        `image` is what the session's image says of itself.

        Raises:
            Unavailable: the disk is full.
        """
        owner = await self._owner(session)
        token = new_secret()
        # A home is made before the first start, and is the user's from then on.
        user_files = [] if session.started_at else await self._store.user_files.contents(owner.id)
        async with self._locks.setdefault(session.id, asyncio.Lock()):
            run_files = await self._run_files(session, owner, token, image)
            await self._files.prepare(session, run_files, self._host_uid(owner), user_files)
        await self._homes.hold(session)
        return dataclasses.replace(session, agent_token_hash=hash_secret(token))

    async def publish_keys(self, session: Session) -> bool:
        """Write the keys that open a session anew; false when it has not been prepared yet, or is no more.

        Raises:
            Unavailable: the disk is full.
        """
        owner = await self._owner(session)
        # Reading and writing are one, lest an older list be written over a newer one.
        async with self._locks.setdefault(session.id, asyncio.Lock()):
            text = await self._authorized_keys(session)
            name = Path(layout.AUTHORIZED_KEYS).name
            return await self._files.write_run_file(session.id, name, text, self._host_uid(owner))

    async def _authorized_keys(self, session: Session) -> str:
        session_key = public_line(session.private_key, layout.KEY_FILE_NAME)
        return authorized_keys(session_key, await self._store.own_keys.list(session.owner_id))

    async def _run_files(self, session: Session, owner: User, agent_token: str, image: ImageFacts) -> dict[str, str]:
        bootstrap = await self._store.bootstraps.get(session.owner_id)
        script = bootstrap.script if bootstrap and bootstrap.enabled else ""
        host_keys = host_key_files(session.host_private_key, session.further_host_keys)
        names = [f"{session.name}{HOST_SUFFIX}", f"{session.id}{HOST_SUFFIX}"]
        environment = _variables(session, image)
        config = agent_config(
            session.id,
            agent_token,
            session.launched,
            environment,
            bootstrap=bool(script),
            entrypoint=image.entrypoint if session.entrypoint else (),
            working_dir=image.working_dir,
            shell=owner.settings.get(SHELL, ""),
            notes=[
                *(f"the image's variable {name[:40]!r} is left out: {why}" for name, why in image.left_out.items()),
                *(
                    f"the folder {name!r} is mounted for reading: its owner's allowance of folders is used up"
                    for name in await self._folders.full(owner, session.mounts)
                ),
            ],
        )
        files = {
            layout.AGENT_CONFIG: config,
            layout.SSHD_CONFIG: sshd_config(
                environment, host_keys, cpu_has_aes=self._premises.cpu_has_aes, root=session.root
            ),
            **host_keys,
            **{certificate_file(path): self._certified(session, key, names) for path, key in host_keys.items()},
            layout.AUTHORIZED_KEYS: await self._authorized_keys(session),
            layout.BOOTSTRAP: script,
            layout.USER_CA: self._user_ca.public_line + "\n",
            layout.PRINCIPALS: session.id + "\n",
            layout.WRONG_USER: f"The user of this session is {layout.ACCOUNT}: {layout.ACCOUNT}@{names[0]}\n",
        }
        return {Path(path).name: text for path, text in files.items()}

    def _certified(self, session: Session, host_private_key: str, names: list[str]) -> str:
        return self._host_ca.sign_host_key(public_line(host_private_key), names, f"session {session.id}") + "\n"

    async def _owner(self, session: Session) -> User:
        owner = await self._store.users.get(session.owner_id)
        if owner is None:
            raise Unavailable(f"the owner of session {session.name!r} is no more")
        return owner

    def _host_uid(self, owner: User) -> int | None:
        return owner.host_uid if self._premises.runs_as_root else None


def _variables(session: Session, image: ImageFacts) -> dict[str, str]:
    """What all programs of a session find in their environment, beside what tells of the account."""
    own = image.environment.get("TERMINFO_DIRS")
    return {
        # Without it, names in scripts other than Latin show as question marks. Every libc of today has it.
        "LANG": "C.UTF-8",
        **image.environment,
        "TERMINFO_DIRS": f"{own}:{layout.TERMINFO}" if own else layout.TERMINFO_PATH,
        "SSHORE_SESSION": session.name,
        layout.ID_VARIABLE: session.id,
        "PATH": f"{image.environment.get('PATH', layout.PATH)}:{layout.KIT_BIN}",
    }
