"""Whether an agent would hear that it is asked to end."""

import asyncio
import contextlib
import signal
from pathlib import Path

_POLL_S = 0.02


async def until_it_listens(pid: int, patience_s: float) -> None:
    """Wait until an agent that has just started would hear SIGTERM: pid 1 of a container hears only what it has a
    handler for (pid_namespaces(7)), and nothing tells when it has."""
    with contextlib.suppress(TimeoutError, OSError):
        async with asyncio.timeout(patience_s):
            while not _catches(pid, signal.SIGTERM):  # noqa: ASYNC110
                await asyncio.sleep(_POLL_S)


def _catches(pid: int, number: signal.Signals) -> bool:
    """Whether a process has a handler (proc(5), SigCgt). Raises OSError when it is gone."""
    status = Path(f"/proc/{pid}/status").read_text()
    mask = next(line for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(mask.split()[1], 16) >> (number - 1) & 1)
