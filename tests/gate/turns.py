"""Turns at what a machine has once: the mode of a device, an address of the loopback, its firewall.

    with whole_machine("tun"): …               # nobody else has it
    with whole_machine("tun", shared=True): …  # others may have it, too, as it is

The locks lie outside the run: workers wait for each other, and for another run on the same machine.
"""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path


@contextmanager
def whole_machine(what: str, *, shared: bool = False) -> Iterator[None]:
    """Hold something of the machine; the kernel lets go of it where the holder dies."""
    with ExitStack() as held:
        with _locked(f"{what}-next", fcntl.LOCK_EX):  # those who come while one waits to be alone come after it
            held.enter_context(_locked(what, fcntl.LOCK_SH if shared else fcntl.LOCK_EX))
        yield


def directory_of_turns() -> Path:
    """Where the locks are, and what those who hold them leave for others."""
    directory = Path(tempfile.gettempdir(), f"sshore-tests-{os.geteuid()}")
    directory.mkdir(mode=0o700, exist_ok=True)
    assert directory.lstat().st_uid == os.geteuid(), f"{directory} is somebody else's"
    return directory


@contextmanager
def _locked(name: str, how: int) -> Iterator[None]:
    with (directory_of_turns() / name).open("w") as file:
        fcntl.flock(file, how)
        yield
