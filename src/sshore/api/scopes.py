"""What a token may do by its scope: one table for all routes, asked wherever a caller is identified.

A route that the table does not name is closed to `streams`, and open to `read` when it is a GET. `read` is for what
there is and how it does, not for what a user's own files and programs say.
"""

from sshore.core.choices import Scope
from sshore.core.errors import Forbidden
from sshore.core.users import Token
from sshore.wire.problems import Code

_SESSION = "/api/v1/sessions/{ref}"

FOR_ALL: frozenset[tuple[str, str]] = frozenset({("GET", "/api/v1/me"), ("DELETE", "/api/v1/login")})
"""What every token may do: learn whose it is, and end itself."""

STREAMS: frozenset[tuple[str, str]] = frozenset(
    {
        ("GET", "/api/v1/trust"),
        ("GET", "/api/v1/settings"),
        ("GET", "/api/v1/settings/{name}"),
        ("GET", "/api/v1/sessions"),
        ("GET", _SESSION),
        ("GET", f"{_SESSION}/apps"),
        ("GET", f"{_SESSION}/apps/{{app}}/stream"),
        ("GET", f"{_SESSION}/key"),
        ("POST", f"{_SESSION}/certificate"),
        ("POST", "/api/v1/folder-key"),
        ("GET", "/api/v1/folders"),
    }
)
"""What a client needs to connect to apps that are launched, and to folders."""

NOT_FOR_READING: frozenset[tuple[str, str]] = frozenset(
    {
        ("GET", f"{_SESSION}/key"),
        ("GET", f"{_SESSION}/apps/{{app}}/stream"),
        ("GET", "/api/v1/files/{name}"),
        ("GET", "/api/v1/bootstrap"),
    }
)
"""GETs that give away a secret or open something."""


def check_scope(token: Token, method: str, route: str) -> None:
    """Let a request pass that the token's scope allows; `route` is the path with its parameters' names.

    Raises:
        Forbidden: it does not (``token_scope``).
    """
    if not _allows(token.scope, (method, route)):
        raise _refusal(token)


def check_reads_all(token: Token) -> None:
    """Let what reads what a user's own programs wrote pass: it may hold secrets, as the files themselves may.

    Raises:
        Forbidden: the token's scope does not allow it (``token_scope``).
    """
    if token.scope is not Scope.ALL:
        raise _refusal(token)


def _refusal(token: Token) -> Forbidden:
    return Forbidden(
        f"the API token {token.name!r} has the scope {token.scope}, which does not allow this: "
        "use one whose scope is all",
        code=Code.TOKEN_SCOPE,
        scope=str(token.scope),
    )


def _allows(scope: Scope, wanted: tuple[str, str]) -> bool:
    if scope is Scope.ALL or wanted in FOR_ALL:
        return True
    if scope is Scope.STREAMS:
        return wanted in STREAMS
    return wanted[0] == "GET" and wanted not in NOT_FOR_READING
