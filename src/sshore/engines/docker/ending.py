"""What the daemon says of a container, as the port's states and the owner's phrases; pure functions."""

import signal
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from sshore.core.names import format_bytes
from sshore.core.sessions import EngineState, RunState

STOPPED = "stopped"
_ALIVE = ("running", "paused", "restarting")


def state_of(container: Mapping[str, Any], *, stopped_by_us: bool) -> EngineState:
    """The state of a container as `docker inspect` shows it."""
    state = container["State"]
    if state.get("Status") in _ALIVE:
        return EngineState(RunState.RUNNING)
    return EngineState(RunState.EXITED, STOPPED if stopped_by_us else _reason(container))


def _reason(container: Mapping[str, Any]) -> str:
    state, status = container["State"], int(container["State"].get("ExitCode", 0))
    if state.get("Status") in ("created", "configured", "initialized"):
        return "the server ended while it started the session"
    if state.get("OOMKilled") and status == 128 + signal.SIGKILL:
        limit = container.get("HostConfig", {}).get("Memory") or 0
        its_limit = f": its limit is {format_bytes(limit)}, and" if limit else ":"
        return f"out of memory{its_limit} the kernel killed the agent"
    if state.get("Error"):
        return f"the agent could not start: {state['Error']}"
    return _exit_phrase(status)


def _exit_phrase(status: int) -> str:
    if status == 0:
        return "the agent was asked to end"
    if status == 255:
        return "its processes were ended with the machine or with the Docker daemon"
    if status > 128:
        with suppress(ValueError):
            return f"the agent was ended by {signal.Signals(status - 128).name}"
    return f"the agent ended with exit status {status}"
