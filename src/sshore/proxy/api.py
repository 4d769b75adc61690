"""The local HTTP API: what the CLI and the console ask of the local proxy.

GET    /api/v1/status                       LocalStatus
GET    /api/v1/forwards[?fresh=true]        [ForwardStatus]; fresh: the servers are asked first
POST   /api/v1/forwards                     {"server","handed","session","app","port"} → Card
                                            (handed: see handed_tokens.py)
DELETE /api/v1/forwards/{session}[?app=A&server=URL]  [ForwardStatus] of what was closed
POST   /api/v1/stop                         202; the forwards stay in the state file
"""

import asyncio
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sshore import __version__
from sshore.core.apps import SSH, check_app_name
from sshore.core.errors import InvalidInput, SshoreError
from sshore.core.settings import parse_port
from sshore.proxy.engine import ForwardEngine
from sshore.proxy.guard import problem_answer
from sshore.proxy.handed_tokens import take_token
from sshore.sdk.address import parse_server_url
from sshore.sdk.config_dir import ConfigDir
from sshore.sdk.credentials import Login


@dataclass(frozen=True, slots=True)
class LocalStatus:
    """A running local proxy; `host` says whose process it runs in: ``proxy`` (its own) or ``up``."""

    pid: int
    version: str
    host: str
    forwards: int


@dataclass(frozen=True, slots=True)
class LocalApi:
    """The routes, over an engine. `stop` ends the local proxy; it may refuse by an SshoreError."""

    engine: ForwardEngine
    config: ConfigDir
    host: str
    stop: Callable[[], None]

    def app(self) -> Starlette:
        routes = [
            Route("/api/v1/status", self._status),
            Route("/api/v1/forwards", self._list),
            Route("/api/v1/forwards", self._open, methods=["POST"]),
            Route("/api/v1/forwards/{session:path}", self._close, methods=["DELETE"]),
            Route("/api/v1/stop", self._stop, methods=["POST"]),
        ]
        return Starlette(routes=routes, exception_handlers={SshoreError: _refuse})

    async def _status(self, request: Request) -> Response:
        status = LocalStatus(os.getpid(), __version__, self.host, len(self.engine.forwards()))
        return JSONResponse(asdict(status))

    async def _list(self, request: Request) -> Response:
        if request.query_params.get("fresh") == "true":
            await self.engine.refresh()
        return JSONResponse([asdict(status) for status in self.engine.forwards()])

    async def _open(self, request: Request) -> Response:
        body = await _json(request)
        token = await asyncio.to_thread(take_token, self.config, str(body.get("handed", "")))
        login = Login(parse_server_url(str(body.get("server", ""))), token)
        app = check_app_name(str(body.get("app") or SSH))
        port = parse_port(str(body["port"])) if body.get("port") is not None else None
        return _Ascii(asdict(await self.engine.open(login, str(body.get("session", "")), app, port)))

    async def _close(self, request: Request) -> Response:
        query = request.query_params
        closed = await self.engine.close(request.path_params["session"], query.get("app", ""), query.get("server", ""))
        return JSONResponse([asdict(status) for status in closed])

    async def _stop(self, request: Request) -> Response:
        self.stop()
        return JSONResponse({}, 202)


class _Ascii(JSONResponse):
    """A card names files, whose names need not be text (os.fsdecode): JSON has an escape for what UTF-8 has not."""

    def render(self, content: Any) -> bytes:
        return json.dumps(content).encode()


async def _refuse(request: Request, error: Exception) -> Response:
    assert isinstance(error, SshoreError)
    return problem_answer(error.problem)


async def _json(request: Request) -> dict[str, Any]:
    try:
        body = await request.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise InvalidInput("the request's body is to be a JSON object")
    return body
