"""Streams and links, as services see them and are asked about them: implemented by `gateway`, but for the
authority and the journal, which are services that the gateway asks and tells."""

from typing import Any, Protocol

from sshore.core.audit import StreamEnd
from sshore.core.folders import FolderApp, FolderView
from sshore.core.ids import FolderId, SessionId, StreamId, TokenId, UserId
from sshore.core.sessions import LinkGrant, LoginCertificate, StreamGrant


class Links(Protocol):
    """The parked links of the sessions' agents."""

    def is_linked(self, session_id: SessionId) -> bool:
        """Whether an agent of the session has a link parked now."""

    async def wait_linked(self, session_id: SessionId) -> None:
        """Return as soon as one is parked. Without a time limit: the caller sets one."""

    async def call(self, session_id: SessionId, call: str, **arguments: Any) -> dict[str, Any]:
        """Make a call over a parked link and return the reply.

        Raises:
            Unavailable: no link was parked within the gateway's patience, or the agent fell silent (``no_link``).
            SshoreError: the agent refused; has the agent's code.
        """

    def drop(self, session_id: SessionId) -> None:
        """Close all links and streams of a session that is no more."""


class OpenStreams(Protocol):
    """The streams that are open, or about to be."""

    def open_by(self, user_id: UserId) -> int:
        """How many a user has, those included that are just being opened."""

    def revoke(self, holder: TokenId | UserId | FolderId) -> int:
        """Break off every stream that a token or a user has opened or is opening, or that leads to a folder; how
        many there were."""


class Traffic(Protocol):
    """What streams move, counted by the gateway."""

    def take_moved(self) -> dict[SessionId, int]:
        """Bytes moved through streams, both ways, since this was asked last, by session; without sessions that
        moved none. One asks: the watch over idle sessions."""


class StreamJournal(Protocol):
    """Told of each stream by the gateway. Returns at once: no stream waits for what is written about it."""

    def opened(self, grant: StreamGrant, app: str, address: str, client: str) -> StreamId:
        """A stream has been opened; by the id its end is told."""

    def ended(self, stream_id: StreamId, bytes_in: int, bytes_out: int, end: StreamEnd) -> None: ...


class StreamAuthority(Protocol):
    """Who may open a stream, and whose link it is. Asked by the gateway at every connection: cheap."""

    async def authorise_stream(self, token: str, ref: str, app: str) -> StreamGrant:
        """Whether the token's user owns a session of this name or id that runs.

        Raises:
            Unauthenticated: the token is none, unknown or expired, or its user disabled.
            Forbidden: its scope has no streams (``token_scope``).
            NotFound: the user has no such session.
            Conflict: it does not run (``session_not_running``), or the app is not launched (``app_not_launched``).
        """

    def certify(self, grant: StreamGrant, public_key: str) -> LoginCertificate:
        """The certificate that whoever may open this stream may have as well.

        Raises:
            InvalidInput: the key is no public key that can be certified.
        """

    async def authorise_folder(
        self, token: str, ref: str, app: str, *, all_host_keys: bool = False
    ) -> tuple[StreamGrant, FolderView, FolderApp]:
        """Whether the token's user may use a folder, ``NAME`` or ``OWNER/NAME``, and how. Its sshd offers a host key of
        Ed25519 alone, or `all_host_keys`.

        Raises:
            Unauthenticated, Forbidden: as above. NotFound: the user has no such folder, or it has no such app.
        """

    async def authorise_link(self, token: str) -> LinkGrant:
        """The session that starts or runs and whose agent token this is, and how many links it may park.

        Raises:
            Unauthenticated: there is none.
        """
