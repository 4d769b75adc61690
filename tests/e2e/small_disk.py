"""A state directory on a disk of its own, small enough to be filled."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from programs import need_that

_FILLER = "filler"


class SmallDisk:
    def __init__(self, path: Path) -> None:
        self.path = path

    def fill(self) -> None:
        """Leave no free byte."""
        with (self.path / _FILLER).open("ab", buffering=0) as file:
            for size in (1 << 20, 4096, 1):
                self._write_until_full(file.fileno(), bytes(size))

    def fill_to_leave(self, free: int) -> None:
        """Leave so many bytes, or a few less."""
        status = os.statvfs(self.path)
        with (self.path / _FILLER).open("ab") as file:
            os.posix_fallocate(file.fileno(), 0, status.f_bavail * status.f_frsize - free)

    def make_room(self) -> None:
        (self.path / _FILLER).unlink()

    @staticmethod
    def _write_until_full(descriptor: int, block: bytes) -> None:
        try:
            while True:
                os.write(descriptor, block)
        except OSError:  # ENOSPC
            return


@contextmanager
def small_disk(path: Path, size: str) -> Iterator[SmallDisk]:
    """Mount a file system in memory at `path`, which is made."""
    need_that(os.geteuid() == 0, "only root can mount a disk that can be filled")
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0711", "none", path], check=True)
    try:
        yield SmallDisk(path)
    finally:
        # Lazily, because a session's processes may be a moment in ending.
        subprocess.run(["umount", "--lazy", path], check=True)
