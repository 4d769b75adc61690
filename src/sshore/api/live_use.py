"""What running sessions use, now and in the last minutes."""

from typing import Annotated

from fastapi import Query

from sshore.api.answers import live_use_message
from sshore.api.auth import Caller, Use
from sshore.api.route import Router
from sshore.core.live_use import MOST_POINTS
from sshore.core.states import SessionState
from sshore.schema.live_use_messages import LiveUseMessage

router = Router(prefix="/api/v1/live-use", tags=["sessions"])

Points = Annotated[int, Query(ge=0, le=MOST_POINTS, description="How many points of the history, at most.")]


@router.get("")
async def live_use(
    caller: Caller, services: Use, everyone: Annotated[bool, Query(alias="all")] = False, points: Points = MOST_POINTS
) -> list[LiveUseMessage]:
    """The caller's running sessions; all (``all``) for admins."""
    found = await services.sessions.list(caller, everyone=everyone)
    running = [(session, owner) for session, owner in found if session.state is SessionState.RUNNING]
    return [live_use_message(session, owner, services.live_use.of(session), points) for session, owner in running]
