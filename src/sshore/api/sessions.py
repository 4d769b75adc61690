"""Sessions, their keys, certificates and logs."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from starlette.responses import PlainTextResponse

from sshore.api.answers import session_message, time_text
from sshore.api.auth import Caller, Found, Own, Use
from sshore.api.services import Services
from sshore.core.apps import check_app_name
from sshore.core.folders import make_mount
from sshore.core.sessions import KeyType, Network, Resources, Session
from sshore.core.settings import KEY_TYPE
from sshore.core.users import User
from sshore.schema.messages import (
    CertificateMessage,
    CertificateRequest,
    CreateSession,
    SessionKeyMessage,
    SessionMessage,
)
from sshore.services.apps import find_app
from sshore.services.setup import NewSession

router = APIRouter(prefix="/api/v1/sessions", tags=["sessions"])

WaitSeconds = Annotated[float, Query(ge=0, le=120, description="Wait up to so many seconds until it is settled.")]
LogName = Literal["session", "bootstrap"]
TailBytes = Annotated[int, Query(ge=1, le=8 << 20)]


@router.get("")
async def list_sessions(
    caller: Caller, services: Use, everyone: Annotated[bool, Query(alias="all")] = False
) -> list[SessionMessage]:
    found = await services.sessions.list(caller, everyone=everyone)
    return [session_message(session, owner, linked=services.sessions.is_linked(session)) for session, owner in found]


@router.post("", status_code=201)
async def create_session(body: CreateSession, caller: Caller, services: Use, wait_s: WaitSeconds = 0) -> SessionMessage:
    session = await services.sessions.create(caller, _wanted(body, caller, services), wait_s)
    return _message(session, caller, services)


@router.get("/{ref}")
async def show_session(session: Found, caller: Caller, services: Use, wait_s: WaitSeconds = 0) -> SessionMessage:
    return _message(await services.sessions.settled(session, wait_s), caller, services)


@router.post("/{ref}/start")
async def start_session(session: Own, caller: Caller, services: Use, wait_s: WaitSeconds = 0) -> SessionMessage:
    return _message(await services.sessions.start(session, wait_s), caller, services)


@router.post("/{ref}/stop")
async def stop_session(session: Found, caller: Caller, services: Use) -> SessionMessage:
    return _message(await services.sessions.stop(session), caller, services)


@router.delete("/{ref}", status_code=204)
async def remove_session(session: Found, services: Use, force: bool = False) -> Response:
    await services.sessions.remove(session, force=force)
    return Response(status_code=204)


@router.get("/{ref}/logs", response_class=PlainTextResponse)
async def session_log(
    session: Found, caller: Caller, services: Use, tail_bytes: TailBytes = 64 << 10, of: LogName = "session"
) -> PlainTextResponse:
    """What the session's agent and daemons wrote, or its owner's bootstrap script: that is the owner's alone."""
    if of == "bootstrap":
        own = await services.sessions.find_own(caller, session.id)
        log = await services.sessions.bootstrap_log(own, tail_bytes)
    else:
        log = await services.sessions.log(session, tail_bytes)
    return PlainTextResponse(log.decode(errors="replace"))


@router.get("/{ref}/key")
async def session_key(session: Own, services: Use) -> SessionKeyMessage:
    keys = services.sessions.keys(session)
    return SessionKeyMessage(session.id, session.name, keys.private_key, keys.public_key, keys.host_key)


@router.post("/{ref}/certificate")
async def certify(session: Own, body: CertificateRequest, caller: Caller, services: Use) -> CertificateMessage:
    certificate, until = services.sessions.certify(caller, session, body.public_key)
    return CertificateMessage(session.id, session.name, certificate, time_text(until))


def _message(session: Session, caller: User, services: Services) -> SessionMessage:
    owner = caller.name if session.owner_id == caller.id else session.owner_id
    return session_message(session, owner, linked=services.sessions.is_linked(session))


def _wanted(body: CreateSession, caller: User, services: Services) -> NewSession:
    """The request with the caller's settings and the server's defaults filled in, checked."""
    wanted = body.resources
    key_type = body.key_type or KeyType(services.settings.get(caller, KEY_TYPE).effective)
    return NewSession(
        name=body.name,
        engine=body.engine or services.engines[0],
        image=body.image,
        resources=Resources(wanted.cpus, wanted.memory_bytes, wanted.pids, wanted.gpus),
        network=body.network or Network.NAT,
        key_type=key_type,
        mounts=tuple(make_mount(mount.folder, mount.target, read_only=mount.read_only) for mount in body.mounts),
        apps=tuple(find_app(check_app_name(app)).name for app in body.apps),
    )
