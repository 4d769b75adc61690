"""How long a request waits, as a dependency of the routes that may; it is counted as its caller's meanwhile."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Query

from sshore.api.auth import Caller, Use

WaitSeconds = Annotated[float, Query(ge=0, le=120, description="Wait up to so many seconds until it is settled.")]


async def _counted(caller: Caller, services: Use, wait_s: WaitSeconds = 0) -> AsyncIterator[float]:
    if wait_s <= 0:
        yield 0
        return
    with services.waits.one(caller):
        yield wait_s


Wait = Annotated[float, Depends(_counted)]
