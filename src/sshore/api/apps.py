"""Launching apps, and how to open a stream."""

from typing import Literal

from sshore.api.answers import app_message
from sshore.api.auth import Own, Use
from sshore.api.route import Router
from sshore.core.errors import InvalidInput
from sshore.schema.session_messages import AppMessage
from sshore.wire.heads import STREAM_PROTOCOL
from sshore.wire.problems import Code

router = Router(prefix="/api/v1/sessions/{ref}/apps", tags=["apps"])


@router.get("")
async def list_apps(session: Own, services: Use) -> list[AppMessage]:
    return [app_message(status) for status in await services.apps.list(session)]


@router.post("/{app}/start")
async def start_app(session: Own, app: str, services: Use) -> AppMessage:
    return app_message(await services.apps.start(session, app))


@router.post("/{app}/stop")
async def stop_app(session: Own, app: str, services: Use) -> AppMessage:
    return app_message(await services.apps.stop(session, app))


@router.get("/{app}/stream", status_code=101, responses={426: {"description": "The upgrade was not asked for."}})
async def open_stream(
    session: Own, app: str, host_key: Literal["plain"] | None = None, host_keys: Literal["all"] | None = None
) -> None:
    """Open a stream: send this with ``Connection: Upgrade`` and ``Upgrade: sshore-stream/1`` as the
    connection's first request. With ``host_key=plain`` SSH offers its host key of Ed25519 alone, without a
    certificate; with ``host_keys=all``, too, those of other types as well. The gateway answers it; what comes here has
    not asked for the upgrade."""
    raise InvalidInput(
        f"a stream to {app} is opened with 'Upgrade: {STREAM_PROTOCOL}' on a connection of its own",
        code=Code.UPGRADE_REQUIRED,
    )
