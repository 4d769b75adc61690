"""Who connected to what."""

import asyncio
from typing import Annotated

from fastapi import Query

from sshore.api.answers import time_text
from sshore.api.auth import Caller, Use
from sshore.api.route import Router
from sshore.core.audit import StreamRecord
from sshore.schema.audit_messages import StreamMessage
from sshore.services.audit import MOST_ROWS

router = Router(prefix="/api/v1/audit", tags=["audit"])

_AT_ONCE = 100


@router.get("")
async def list_streams(
    caller: Caller,
    services: Use,
    session: Annotated[str, Query(description="A session's name or id.")] = "",
    user: Annotated[str, Query(description="A user's name; somebody else's for admins only.")] = "",
    since_s: Annotated[float | None, Query(ge=0, le=1e9, description="Streams that began so many seconds ago.")] = None,
    limit: Annotated[int, Query(ge=1, le=MOST_ROWS)] = 100,
) -> list[StreamMessage]:
    """The caller's streams, the newest first; for an admin, everybody's."""
    found = await services.audit.list(caller, user=user, session=session, since_s=since_s, limit=limit)
    messages: list[StreamMessage] = []
    for start in range(0, len(found), _AT_ONCE):  # there may be ten thousand, and others want an answer, too
        messages += map(_message, found[start : start + _AT_ONCE])
        await asyncio.sleep(0)
    return messages


def _message(record: StreamRecord) -> StreamMessage:
    return StreamMessage(
        user=record.user,
        session_id=record.session_id,
        session=record.session,
        app=record.app,
        address=record.address,
        client=record.client,
        started_at=time_text(record.started_at),
        ended_at=time_text(record.ended_at) if record.ended_at else None,
        bytes_in=record.bytes_in,
        bytes_out=record.bytes_out,
        end=record.end or "",
    )
