"""The processes that come from this one, as the kernel lists them (proc(5), `children`).

psutil looks at every process of the machine for that, of which a run has hundreds, before and after each of its tests.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil


def descendants() -> list[psutil.Process]:
    found = []
    for pid in _below(os.getpid()):
        with suppress(psutil.NoSuchProcess):
            found.append(psutil.Process(pid))
    return found


def _below(pid: int) -> Iterator[int]:
    with suppress(OSError):  # it has ended
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield int(child)
                yield from _below(int(child))
