"""Sessions, their keys, certificates and logs."""

import dataclasses
from typing import Annotated, Literal

from fastapi import Query, Response
from starlette.responses import PlainTextResponse

from sshore.api.answers import session_message, time_text
from sshore.api.auth import Caller, Found, Identified, Own, Use
from sshore.api.new_session import wanted_session
from sshore.api.route import Router
from sshore.api.scopes import check_reads_all
from sshore.api.services import Services
from sshore.api.waits import Wait
from sshore.core.sessions import Session
from sshore.core.users import User
from sshore.schema.key_messages import CertificateMessage, CertificateRequest, SessionKeyMessage
from sshore.schema.session_messages import ChangeSession, CreateSession, SessionMessage
from sshore.services.sessions.details import NO_DETAILS, SessionDetails

router = Router(prefix="/api/v1/sessions", tags=["sessions"])

Seen = Annotated[str | None, Query(description="Answer, too, as soon as its reason is another than this.")]
LogName = Literal["session", "bootstrap", "entrypoint"]
TailBytes = Annotated[int, Query(ge=1, le=8 << 20)]


@router.get("")
async def list_sessions(
    caller: Caller, services: Use, everyone: Annotated[bool, Query(alias="all")] = False
) -> list[SessionMessage]:
    found = await services.sessions.list(caller, everyone=everyone)
    return [_said(session, owner, services) for session, owner in found]


@router.post("", status_code=201)
async def create_session(
    body: CreateSession, caller: Caller, services: Use, wait_s: Wait, seen: Seen = None
) -> SessionMessage:
    session = await services.sessions.create(caller, await wanted_session(body, caller, services), wait_s, seen)
    return await _message(session, caller, services, SessionDetails(notes=await services.details.notes(session)))


@router.get("/{ref}")
async def show_session(
    session: Found, caller: Caller, services: Use, wait_s: Wait, seen: Seen = None
) -> SessionMessage:
    settled = await services.sessions.settled(session, wait_s, seen)
    return await _message(settled, caller, services, await services.details.of(settled))


@router.patch("/{ref}")
async def change_session(session: Found, body: ChangeSession, caller: Caller, services: Use) -> SessionMessage:
    """Change when a session stops by itself."""
    changed = await services.sessions.change(caller, session, idle_timeout_s=body.idle_timeout_s, ttl_s=body.ttl_s)
    return await _message(changed, caller, services)


@router.post("/{ref}/start")
async def start_session(session: Own, caller: Caller, services: Use, wait_s: Wait, seen: Seen = None) -> SessionMessage:
    started = await services.sessions.start(session, wait_s, seen)
    details = SessionDetails(
        missing=await services.details.missing(started), notes=await services.details.notes(started)
    )
    return await _message(started, caller, services, details)


@router.post("/{ref}/stop")
async def stop_session(session: Found, caller: Caller, services: Use) -> SessionMessage:
    return await _message(await services.sessions.stop(session), caller, services)


@router.delete("/{ref}", status_code=204)
async def remove_session(session: Found, services: Use, force: bool = False) -> Response:
    await services.sessions.remove(session, force=force)
    return Response(status_code=204)


@router.get("/{ref}/logs", response_class=PlainTextResponse)
async def session_log(
    session: Found, identity: Identified, services: Use, tail_bytes: TailBytes = 64 << 10, of: LogName = "session"
) -> PlainTextResponse:
    """What the session's agent and daemons wrote; or its owner's bootstrap script, or its image's entrypoint: these
    are the owner's alone."""
    if of != "session":
        check_reads_all(identity.token)
        own = await services.sessions.find_own(identity.user, session.id)
        log = await services.sessions.program_log(own, of, tail_bytes)
    else:
        log = await services.sessions.log(session, tail_bytes)
    return PlainTextResponse(log.decode(errors="replace"))


@router.get("/{ref}/key")
async def session_key(session: Own, services: Use) -> SessionKeyMessage:
    keys = services.sessions.keys(session)
    return SessionKeyMessage(session.id, session.name, **dataclasses.asdict(keys))


@router.post("/{ref}/certificate")
async def certify(session: Own, body: CertificateRequest, caller: Caller, services: Use) -> CertificateMessage:
    certificate, until = services.sessions.certify(caller.name, session.id, body.public_key)
    keys = services.sessions.keys(session)
    told = session.id, session.name, certificate, time_text(until)
    return CertificateMessage(*told, keys.host_key, keys.further_host_keys)


async def _message(
    session: Session, caller: User, services: Services, details: SessionDetails = NO_DETAILS
) -> SessionMessage:
    owner = await services.sessions.owner_name(caller, session)
    return _said(session, owner, services, details)


def _said(session: Session, owner: str, services: Services, details: SessionDetails = NO_DETAILS) -> SessionMessage:
    linked = services.sessions.is_linked(session)
    report, pull = services.watch.report(session), services.sessions.pull(session)
    return session_message(session, owner, linked=linked, report=report, details=details, pull=pull)
