"""The end of a session: killing what is left, cleaning up, and saying why it ended. Blocking."""

import contextlib
import json
import signal
from dataclasses import replace
from pathlib import Path

from sshore.core.names import format_bytes
from sshore.engines.sandbox import cgroups
from sshore.engines.sandbox.processes import Process, boot_id, identify, reap, send, wait_ended
from sshore.engines.sandbox.records import Record, Records

_KILL_TIMEOUT_S = 10.0
_STATUS_TIMEOUT_S = 1.0
STOPPED = "stopped"


def runs(record: Record) -> bool:
    """Whether a session's agent was started, and is alive."""
    return record.started and record.end_reason is None and record.agent is not None and _is_alive(record, record.agent)


def end(records: Records, record: Record, reason: str = "") -> Record:
    """Kill what is left of a session, remove its groups, and remember why it ended (`reason`, or what is found out)."""
    processes = _processes(records, record)
    agent_was_alive = any(_is_alive(record, process) for process in processes if process == record.agent)
    if not agent_was_alive and record.monitor:
        # bwrap outside is about to write the exit status.
        wait_ended(record.monitor, _STATUS_TIMEOUT_S)
    for process in processes:
        if _is_alive(record, process):
            send(process, signal.SIGKILL)
    for process in processes:
        if _is_alive(record, process):
            wait_ended(process, _KILL_TIMEOUT_S)
        reap(process)
    oom_kills = cgroups.out_of_memory_kills(record.cgroups)
    cgroups.remove(record.cgroups)
    ended = replace(record, end_reason=reason or _reason(records, record, oom_kills))
    records.write(ended)
    return ended


def _processes(records: Records, record: Record) -> list[Process]:
    if record.agent:
        return record.processes
    found = _half_started(records.status_path(record.id))
    return [*record.processes, *([found] if found else [])]


def _half_started(status: Path) -> Process | None:
    """The pid 1 of a session whose server died before it could write the record: bwrap's own word, checked
    against the command line, because no start time is known."""
    for line in _status(status):
        with contextlib.suppress(OSError, KeyError):
            process = identify(line["child-pid"])
            if status.stem in Path(f"/proc/{process.pid}/cmdline").read_text():
                return process
    return None


def _is_alive(record: Record, process: Process) -> bool:
    return record.boot_id == boot_id() and process.alive


def _reason(records: Records, record: Record, oom_kills: int) -> str:
    if record.boot_id != boot_id():
        return "the machine was restarted"
    if not record.started:
        return "the server ended while it started the session"
    statuses = [line["exit-code"] for line in _status(records.status_path(record.id)) if "exit-code" in line]
    if not statuses:
        return "its processes were killed"
    return _exit_phrase(statuses[-1], oom_kills, record.memory_bytes)


def _exit_phrase(status: int, oom_kills: int, memory_bytes: int | None) -> str:
    """bwrap reports an end by a signal as a shell does: 128 and the signal's number."""
    if status == 128 + signal.SIGKILL and oom_kills and memory_bytes:
        return f"out of memory: its limit is {format_bytes(memory_bytes)}, and the kernel killed the agent"
    if status > 128:
        with contextlib.suppress(ValueError):
            return f"the agent was ended by {signal.Signals(status - 128).name}"
    return f"the agent ended with exit status {status}"


def _status(path: Path) -> list[dict[str, int]]:
    try:
        return [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
    except (OSError, ValueError):
        return []
