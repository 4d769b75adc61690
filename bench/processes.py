"""Programs that the bench and the tests start; CPU time and memory of a process, as the kernel counts them (proc(5)).

No program's last words are lost: what it says is kept, and told where it ends early or does not get ready.
"""

import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

IsReady = Callable[[str], bool]
"""Whether a program serves; it is given what the program has said so far."""

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_READY_S = 30.0
_END_GRACE_S = 10.0
_MOST_TOLD = 5000


class DidNotServe(RuntimeError):
    """A program ended early or was not ready in time. The message has what it said."""

    def __init__(self, process: "subprocess.Popen[bytes]", log: Path) -> None:
        status = process.poll()
        what = "does not get ready" if status is None else f"ended by itself, with status {status}"
        words = process.args if isinstance(process.args, (list, tuple)) else [process.args]
        super().__init__(f"{' '.join(map(str, words))}: {what}; it said: {_said(log)[-_MOST_TOLD:] or 'nothing'}")


def cpu_s(pid: int) -> float:
    """User and system time of a process and of all its threads, so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


def resident_bytes(pid: int) -> int:
    """Memory of the process's own: what its files and libraries take is shared with others.

    From smaps_rollup, because the counters in ``status`` may be off by many pages.
    """
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Anonymous:"):
            return int(line.split()[1]) * 1024
    raise ProcessLookupError(pid)


@contextmanager
def running(
    command: list[str], is_ready: IsReady = lambda _: True, *, within_s: float = _READY_S, **options: Any
) -> Iterator["subprocess.Popen[bytes]"]:
    """A program that serves while the block runs; ended with it: asked at first, then killed.

    Raises `DidNotServe` when it ends before that.
    """
    with tempfile.TemporaryDirectory(prefix="sshore-said-") as made:
        log = Path(made) / "said"
        with log.open("wb") as said:
            outputs = {"stdin": subprocess.DEVNULL, "stdout": said, "stderr": said}
            process = subprocess.Popen(command, **{**outputs, **options})
        try:
            wait_ready(process, is_ready, log, within_s)
            yield process
            if process.poll() is not None:
                raise DidNotServe(process, log)
        except Exception as error:
            if process.poll() is not None and not isinstance(error, DidNotServe):
                error.add_note(str(DidNotServe(process, log)))
            raise
        finally:
            _end(process)


def wait_ready(process: "subprocess.Popen[bytes]", is_ready: IsReady, log: Path, within_s: float = _READY_S) -> None:
    """Return when a program serves whose output goes to `log`; `DidNotServe` when it does not in time, or ends."""
    deadline = time.monotonic() + within_s
    while not is_ready(_said(log)):
        if process.poll() is not None or time.monotonic() > deadline:
            raise DidNotServe(process, log)
        time.sleep(0.02)
    # Another program may have answered in its place, at a port that this one could not have.
    if process.poll() is not None:
        raise DidNotServe(process, log)


def hear(process: "subprocess.Popen[bytes]", line: bytes) -> None:
    """Read the first line of a program that writes to pipes. `AssertionError`, with what it said, if it is another."""
    assert process.stdout is not None
    heard = process.stdout.readline()
    if heard != line:
        process.kill()
        output, errors = process.communicate()
        raise AssertionError(f"not {line!r} but {heard!r}, and then: {output!r} {errors!r}")


def listens(port: int) -> bool:
    """Whether something listens at a port of the loopback."""
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def _said(log: Path) -> str:
    return log.read_text(errors="replace").strip()


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(_END_GRACE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
