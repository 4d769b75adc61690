"""Who may speak to the local API at its port: programs of this user, who have read the token; never a web page.

A page in the user's browser can reach 127.0.0.1. It cannot read the token; its requests carry an ``Origin``;
and a name that was made to resolve to 127.0.0.1 (DNS rebinding) stands in ``Host``.
"""

import secrets

from starlette.datastructures import Headers, QueryParams
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from sshore.proxy.way import PROOF_PATH, proof
from sshore.wire.problems import Code, Problem

_NAMES = ("127.0.0.1", "localhost")


def refusal(host: str, origin: str | None, authorization: str, *, port: int, token: str) -> Problem | None:
    """Why a request is refused; None when it is allowed."""
    own_hosts = [f"{name}:{port}" for name in _NAMES]
    if host.lower() not in own_hosts:
        return Problem(Code.FORBIDDEN, f"the Host of a request to the local proxy is 127.0.0.1:{port}")
    if origin is not None and origin.lower() not in [f"http://{own}" for own in own_hosts]:
        return Problem(Code.FORBIDDEN, "web pages may not speak to the local proxy")
    scheme, _, given = authorization.partition(" ")
    # latin-1, as the field came: compare_digest takes text of ASCII only.
    if scheme.lower() != "bearer" or not secrets.compare_digest(given.encode("latin-1"), token.encode()):
        return Problem(Code.UNAUTHENTICATED, "the local proxy's token is in proxy.json in your config directory")
    return None


class Guard:
    """ASGI middleware that lets nothing through without `refusal`'s consent."""

    def __init__(self, app: ASGIApp, port: int, token: str) -> None:
        self._app = app
        self._port = port
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        problem = refusal(
            headers.get("host", ""),
            headers.get("origin"),
            headers.get("authorization", ""),
            port=self._port,
            token=self._token,
        )
        if scope.get("path") == PROOF_PATH and (problem is None or problem.code is Code.UNAUTHENTICATED):
            await _proof(self._token, QueryParams(scope["query_string"]).get("nonce", ""))(scope, receive, send)
        elif problem is None:
            await self._app(scope, receive, send)
        else:
            await problem_answer(problem)(scope, receive, send)


def _proof(token: str, nonce: str) -> Response:
    """For one who has yet to learn that this is the user's local proxy, before it shows the token."""
    try:
        return PlainTextResponse(proof(token, nonce))
    except ValueError as error:
        return problem_answer(Problem(Code.INVALID_INPUT, str(error)))


def problem_answer(problem: Problem) -> JSONResponse:
    """A problem document (RFC 9457)."""
    return JSONResponse(problem.document(), problem.status, media_type="application/problem+json")
