"""A route that asks first and reads then: FastAPI reads all of a body into memory before it asks who is calling.

head ──▶ who is it, may they ──▶ body, as long as the route allows (body_limit.py) ──▶ text ──▶ the route
"""

import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter, Request, Response  # noqa: TID251 - the one place
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect

from sshore.api.auth import get_identity, get_services, require_oidc
from sshore.core.errors import InvalidInput

_FIRST = (get_identity, require_oidc)
"""What is asked before the body is read, of routes that depend on it; its answer is kept with the request."""


class Route(APIRoute):
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        first = [check for check in _FIRST if _depends_on(self.dependant, check)]
        takes_body = self.body_field is not None

        async def ask_first(request: Request) -> Response:
            for check in first:
                await check(request, get_services(request))
            if takes_body:
                await _check_text(request)
            return await handle(request)

        return ask_first


class Router(APIRouter):
    """A router of such routes."""

    def __init__(self, **options: Any) -> None:
        super().__init__(route_class=Route, **options)


def _depends_on(dependant: Dependant, check: Callable[..., Any]) -> bool:
    return dependant.call is check or any(_depends_on(part, check) for part in dependant.dependencies)


async def _check_text(request: Request) -> None:
    """JSON can spell half a character (``\\ud800``, RFC 8259 §8.2), which no database and no file can hold.

    Raises:
        InvalidInput: the body does so.
    """
    try:
        json.dumps(await request.json(), ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise InvalidInput("the request holds half a character (a lone surrogate): send whole ones") from error
    except (ValueError, RecursionError, ClientDisconnect):
        return  # it is no JSON, or not whole: FastAPI has words for that
