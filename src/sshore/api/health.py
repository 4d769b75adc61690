"""Whether the server lives and serves, what it is, and whom clients may trust."""

from fastapi import Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from sshore import __version__
from sshore.api.auth import Caller, Use
from sshore.api.route import Router
from sshore.schema.key_messages import TrustMessage
from sshore.schema.version_message import VersionMessage

router = Router(tags=["server"])


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    return {"status": "ok"}


@router.get("/readyz")
async def readyz(services: Use, response: Response) -> dict[str, str]:
    """Ready when the database answers."""
    if await services.is_ready():
        return {"status": "ok"}
    response.status_code = 503
    return {"status": "the database does not answer"}


@router.get("/metrics")
async def metrics() -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


@router.get("/api/v1/version")
async def version(services: Use) -> VersionMessage:
    return VersionMessage(__version__, list(services.engines), services.kit, services.oidc.is_configured)


@router.get("/api/v1/trust")
async def trust(caller: Caller, services: Use) -> TrustMessage:
    return TrustMessage(services.host_ca.public_line)
