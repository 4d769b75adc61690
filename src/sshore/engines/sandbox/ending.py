"""The end of a session: killing what is left, cleaning up, and saying why it ended. Blocking."""

import contextlib
import json
import signal
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from sshore.core import layout
from sshore.core.errors import EngineFailed
from sshore.core.ids import SessionId
from sshore.core.names import format_bytes
from sshore.engines.sandbox import cgroups
from sshore.engines.sandbox.logs import Logs
from sshore.engines.sandbox.processes import Process, boot_id, identify, reap, send, wait_ended
from sshore.engines.sandbox.records import Record, Records

STOPPED = "stopped"
_KILL_TIMEOUT_S = 10.0
_FOLLOW_TIMEOUT_S = 1.0
_FIRST_WORD_TIMEOUT_S = 0.5
_LAST_WORDS_BYTES = 500


def runs(record: Record) -> bool:
    """Whether a session's agent was started, and is alive."""
    return record.started and record.end_reason is None and bool(record.agent) and bool(_alive(record, [record.agent]))


def end(records: Records, logs: Logs, record: Record, reason: str = "") -> Record:
    """Kill what is left of a session, remove its groups, and remember why it ended: `reason`, or what is found out.

    Idempotent; returns the record as it is kept.

    Raises:
        EngineFailed: a process or a group of the session cannot be got rid of; try again later.
    """
    agent = record.agent or _half_started(records, record)
    followers = [process for process in (record.monitor, record.network) if process]
    _kill(_alive(record, [agent]), _KILL_TIMEOUT_S)
    # bwrap outside ends when pid 1 has, reaps it, and writes the exit status; the network's process ends, too.
    for process in _alive(record, followers):
        wait_ended(process, _FOLLOW_TIMEOUT_S)
    _kill(_alive(record, followers), _KILL_TIMEOUT_S)
    _check_all_gone(_alive(record, [agent, *followers]))
    for process in followers:
        reap(process)
    out_of_memory = cgroups.out_of_memory_kills(record.cgroups) > 0
    _remove_groups(record)
    ended = replace(record, end_reason=reason or _reason(records, logs, record, out_of_memory))
    logs.close(record.id)
    # On a full disk the end is not remembered, and will be found out again.
    with contextlib.suppress(OSError):
        records.write(ended)
    return ended


def forget(records: Records, logs: Logs, session_id: SessionId) -> None:
    """Leave nothing of a session but its log."""
    record = records.read(session_id)
    if record:
        end(records, logs, record)
        records.remove(session_id)


def _alive(record: Record, processes: Sequence[Process | None]) -> list[Process]:
    if record.boot_id != boot_id():
        return []
    return [process for process in processes if process and process.alive]


def _kill(processes: Sequence[Process], timeout_s: float) -> None:
    for process in processes:
        send(process, signal.SIGKILL)
    for process in processes:
        wait_ended(process, timeout_s)


def _check_all_gone(stuck: Sequence[Process]) -> None:
    if stuck:
        pids = ", ".join(str(process.pid) for process in stuck)
        raise EngineFailed(f"processes do not end though killed ({pids}): they wait for a device or a network disk")


def _remove_groups(record: Record) -> None:
    try:
        cgroups.remove(record.cgroups)
    except OSError as error:
        raise EngineFailed(f"the session's limits cannot be removed: {error}") from error


def _half_started(records: Records, record: Record) -> Process | None:
    """The pid 1 of a session whose server died before it could write the record. A bwrap that was just being
    started gets a moment to say it."""
    deadline = time.monotonic() + (_FIRST_WORD_TIMEOUT_S if record.boot_id == boot_id() else 0)
    while not (words := _status(records.status_path(record.id))) and time.monotonic() < deadline:
        time.sleep(0.01)
    for word in words:
        with contextlib.suppress(OSError, KeyError):
            # No start time is known: the environment, which has the session's id, tells it from others.
            process = identify(word["child-pid"])
            mark = f"{layout.ID_VARIABLE}={record.id}".encode()
            if mark in Path(f"/proc/{process.pid}/environ").read_bytes().split(b"\0"):
                return process
    return None


def _reason(records: Records, logs: Logs, record: Record, out_of_memory: bool) -> str:
    if record.boot_id != boot_id():
        return "the machine was restarted"
    if not record.started:
        return "the server ended while it started the session"
    statuses = [line["exit-code"] for line in _status(records.status_path(record.id)) if "exit-code" in line]
    if not statuses:
        # bwrap reports no status when it could not make itself into the agent, and says why in the log.
        last_words = logs.tail(record.id, _LAST_WORDS_BYTES).decode(errors="replace").rstrip().rpartition("\n")[2]
        failed = last_words.startswith("bwrap: ")
        return f"the agent could not start: {last_words}" if failed else "its processes were killed"
    return _exit_phrase(statuses[-1], record.memory_bytes if out_of_memory else None)


def _exit_phrase(status: int, exceeded_bytes: int | None) -> str:
    """bwrap reports an end by a signal as a shell does: 128 and the signal's number."""
    if status == 128 + signal.SIGKILL and exceeded_bytes:
        return f"out of memory: its limit is {format_bytes(exceeded_bytes)}, and the kernel killed the agent"
    if status > 128:
        with contextlib.suppress(ValueError):
            return f"the agent was ended by {signal.Signals(status - 128).name}"
    return f"the agent ended with exit status {status}"


def _status(path: Path) -> list[dict[str, int]]:
    try:
        return [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
    except (OSError, ValueError):
        return []
