"""Calls to the daemon that are not to be left half done, whoever cancels."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any

from anyio import CancelScope


async def to_its_end(
    work: Coroutine[Any, Any, None], undo: Callable[[], Coroutine[Any, Any, None]] | None = None
) -> None:
    """Do something to its end, even when the caller is cancelled; then undo it, and only then be cancelled.

    The daemon goes on with a request whose caller has hung up: what it makes could not be found again at once.
    """
    # Not in a task group, which would cancel it; it never outlives this function.
    task = asyncio.get_running_loop().create_task(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await _finished(task)
        if undo is not None:
            await _finished(asyncio.get_running_loop().create_task(undo()))
        raise


async def _finished(task: "asyncio.Task[None]") -> None:
    """Wait for a task, whoever cancels meanwhile: anyio again and again, asyncio once each time."""
    with CancelScope(shield=True):
        while not task.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([task])
    if not task.cancelled():
        task.exception()
