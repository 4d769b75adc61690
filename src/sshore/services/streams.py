"""Who may open a stream or park a link; implements `core.ports.StreamAuthority`."""

from dataclasses import replace

from sshore.core.apps import CHECK, SSH, title_of
from sshore.core.callers import KnownCallers
from sshore.core.choices import Scope
from sshore.core.errors import Conflict, Forbidden, NotFound, Unauthenticated
from sshore.core.folders import FolderApp, FolderView
from sshore.core.keys import public_line
from sshore.core.ports import Store
from sshore.core.sessions import LinkGrant, LoginCertificate, StreamGrant
from sshore.core.states import SessionState
from sshore.core.users import Token, hash_secret
from sshore.services.folders.streams import FolderStreams
from sshore.services.people.accounts import Accounts
from sshore.services.people.allowances import Allowances
from sshore.services.sessions.apps import find_app, require_running
from sshore.services.sessions.sessions import SessionService
from sshore.wire.problems import Code

_MOST_COMING = 256
"""Links of one owner that wait to be known."""


class StreamAuthorisation:
    def __init__(
        self,
        accounts: Accounts,
        sessions: SessionService,
        store: Store,
        host_ca: str,
        allowances: Allowances,
        folders: FolderStreams | None = None,
    ) -> None:
        """`host_ca` is its public key's line."""
        self._accounts = accounts
        self._allowances = allowances
        self._folders = folders
        self._sessions = sessions
        self._store = store
        self._host_ca = host_ca
        self._callers = KnownCallers(_MOST_COMING)

    async def authorise_stream(self, token: str, ref: str, app: str) -> StreamGrant:
        identity = await self._accounts.authenticate(token)
        require_streams(identity.token)
        user = identity.user
        session = await self._sessions.find_own(user, ref)
        needed = SSH if app == CHECK else find_app(app).name
        require_running(session)
        if needed not in session.launched:
            raise Conflict(
                f"{title_of(needed)} is not launched in session {session.name!r}; "
                f"launch it with: sshore app start {session.name} {needed}",
                code=Code.APP_NOT_LAUNCHED,
            )
        most = (await self._allowances.of(user)).streams
        grant = StreamGrant(session.id, user.name, user.id, identity.token.id, session=session.name, most=most)
        if app != SSH:
            return grant
        further = tuple(public_line(key) for key in session.further_host_keys)
        return replace(grant, host_key=public_line(session.host_private_key), further_host_keys=further)

    def certify(self, grant: StreamGrant, public_key: str) -> LoginCertificate:
        # Every scope that opens streams has the route for certificates, too (api/scopes.py).
        certificate, _ = self._sessions.certify(grant.user, grant.session_id, public_key)
        return LoginCertificate(certificate, self._host_ca, grant.session, grant.host_key, grant.further_host_keys)

    async def authorise_folder(
        self, token: str, ref: str, app: str, *, all_host_keys: bool = False
    ) -> tuple[StreamGrant, FolderView, FolderApp]:
        identity = await self._accounts.authenticate(token)
        require_streams(identity.token)
        if self._folders is None:
            raise NotFound("this server has no streams to folders")
        grant, view, program = await self._folders.authorise(identity, ref, app, all_host_keys=all_host_keys)
        return replace(grant, most=(await self._allowances.of(identity.user)).streams), view, program

    async def authorise_link(self, token: str) -> LinkGrant:
        secret_hash = hash_secret(token)
        with self._callers.coming(secret_hash):
            session = await self._store.sessions.by_agent_token_hash(secret_hash) if token else None
        if session is None:
            raise Unauthenticated("this is no session's agent token")
        self._callers.are_known(secret_hash, session.owner_id)
        if session.state not in (SessionState.STARTING, SessionState.RUNNING):
            raise Unauthenticated(f"the session is {session.state}: it has no links")
        return LinkGrant(session.id, session.owner_id, await self._allowances.links_of(session.owner_id))


def require_streams(token: Token) -> None:
    """Let tokens pass that may open streams.

    Raises:
        Forbidden: its scope has none (``token_scope``).
    """
    if token.scope is Scope.READ:
        raise Forbidden(f"the API token {token.name!r} may only read, not open streams", code=Code.TOKEN_SCOPE)
