"""Trees of files as nobody would make them on purpose, the same for the same seed; and what a copy of one must be.

tree = RandomTree(random.Random(seed), root)
with tree.growing():
    …copy it…
tree.check(copy, said, umask=…)     each file is there, the same; or what was said names it
"""

# pathlib has no names of any bytes.
# ruff: noqa: PTH101, PTH102, PTH109, PTH112, PTH116, PTH118, PTH119, PTH120, PTH123, PTH208, PTH211

import os
import random
import socket
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sshore.sdk.sftp.names import shown

_SOME_NAMES = (
    *(b"a", b"a.part", b"a.part.part", b"-rf", b"new\nline", b"'\" $HOME;*", b"[x]", b"caf\xe9.txt", b"\x1b[31m"),
    *("한글".encode(), b"x" * 255, b"%h%%", b" ", b"\\", b"~", b"#", b".bashrc", b"...", b"con", b"a:b"),
)
_SIZES = (0, 1, 4096, 261_120, 261_121, 300_000)
_TIMES = (-2_000_000_000, -1, 0, 1, 1_600_000_000, 2_500_000_000, 4_000_000_000)
_MODES = (0o644, 0o600, 0o755, 0o444, 0o400, 0o666, 0o4755)


class RandomTree:
    """`unreadable`: whether it has what its reader may not read, which nobody can make for root."""

    def __init__(self, rng: random.Random, root: Path, *, unreadable: bool = False, owner: int = -1) -> None:
        self.root = os.fsencode(root)
        self._rng = rng
        self._unreadable = unreadable
        self._owner = owner
        self._growing: list[bytes] = []
        self._names: list[bytes] = []
        self._fill(self.root, rng.choice((1, 2, 3, 40)), rng.randrange(1, 12))
        self._finish()

    @contextmanager
    def growing(self) -> Iterator[None]:
        """Some of its files grow meanwhile."""
        over = threading.Event()
        writer = threading.Thread(target=self._grow, args=(over,))
        writer.start()
        try:
            yield
        finally:
            over.set()
            writer.join()

    def check(self, copy: Path, said: str, *, umask: int = 0) -> None:
        """What has come of it at `copy`, and what was said on the way."""
        expected: set[bytes] = set()
        for source, below in _followed(self.root, b"", frozenset()):
            target = os.path.join(os.fsencode(copy), below) if below else os.fsencode(copy)
            if not os.path.lexists(target):
                assert _is_told(below, said), (below, said)
                continue
            expected.add(target)
            self._check_one(source, target, said, umask)
        found = {os.path.join(at, name) for at, dirs, files in os.walk(os.fsencode(copy)) for name in [*dirs, *files]}
        assert found - {os.fsencode(copy)} <= expected, found - expected

    def _check_one(self, source: bytes, target: bytes, said: str, umask: int) -> None:
        before, after = os.stat(source), os.lstat(target)
        assert stat.S_IFMT(before.st_mode) == stat.S_IFMT(after.st_mode)
        if stat.S_ISDIR(before.st_mode) and before.st_mode & 0o500 != 0o500:
            return
        assert stat.S_IMODE(after.st_mode) == stat.S_IMODE(before.st_mode) & 0o777 & ~umask, (
            source,
            oct(after.st_mode),
        )
        if not stat.S_ISREG(before.st_mode):
            return
        content, grew = _read(source), os.path.realpath(source) in self._growing
        assert _read(target) == (content[: after.st_size] if grew else content), source
        if grew:
            return
        assert int(after.st_mtime) == int(before.st_mtime) or "SFTP has no times" in said, (source, after.st_mtime)
        assert after.st_blocks * 512 <= max(before.st_blocks * 512 + 2 * 261_120, 4096)

    def _fill(self, directory: bytes, depth: int, width: int) -> None:
        os.mkdir(directory)
        self._names.append(directory)
        if depth > 3:  # deep, and nothing else
            self._fill(os.path.join(directory, b"d"), depth - 1, 1)
            return
        for _ in range(self._rng.randrange(width + 1)):
            path = os.path.join(directory, self._name())
            if len(path) < 3000 and not os.path.lexists(path):
                self._make(path, depth, width)

    def _name(self) -> bytes:
        if self._rng.random() < 0.6:
            return self._rng.choice(_SOME_NAMES)
        length = self._rng.choice((1, 2, 5, 30, 251, 255))
        name = bytes(self._rng.choice([*range(1, 47), *range(48, 256)]) for _ in range(length))
        return name if name not in (b".", b"..") else b"dots"

    def _make(self, path: bytes, depth: int, width: int) -> None:
        kinds: list[Callable[[bytes], None]] = [
            *[self._file] * 6, self._sparse, self._growing_file, self._dangling, self._link, self._circle, self._loop,
            self._pipe, self._socket,
        ]  # fmt: skip
        kinds += [self._closed_file, self._closed_directory] if self._unreadable else []
        if depth > 1 and self._rng.random() < 0.3:
            self._fill(path, depth - 1, width)
        else:
            self._rng.choice(kinds)(path)

    def _file(self, path: bytes) -> None:
        self._write(path, self._rng.randbytes(self._rng.choice(_SIZES)))
        time_s = self._rng.choice(_TIMES)
        os.utime(path, (time_s, time_s))
        os.chmod(path, self._rng.choice(_MODES))

    def _sparse(self, path: bytes) -> None:
        with open(path, "wb") as file:
            for _ in range(self._rng.randrange(3)):
                file.seek(self._rng.randrange(4 << 20), os.SEEK_CUR)
                file.write(self._rng.randbytes(self._rng.randrange(5000)))
            file.truncate(file.tell() + self._rng.choice((0, 1, 2 << 20)))
        self._names.append(path)

    def _growing_file(self, path: bytes) -> None:
        self._write(path, self._rng.randbytes(self._rng.choice(_SIZES)))
        self._growing.append(path)

    def _dangling(self, path: bytes) -> None:
        os.symlink(b"nowhere", path)

    def _link(self, path: bytes) -> None:
        os.symlink(os.path.relpath(self._rng.choice(self._names), os.path.dirname(path)), path)

    def _circle(self, path: bytes) -> None:
        os.symlink(b".", path)

    def _loop(self, path: bytes) -> None:
        os.symlink(os.path.basename(path), path)

    def _pipe(self, path: bytes) -> None:
        os.mkfifo(path)

    def _socket(self, path: bytes) -> None:
        here = os.getcwd()
        os.chdir(os.path.dirname(path))  # a socket's path has 107 bytes at most
        try:
            with socket.socket(socket.AF_UNIX) as listener:
                listener.bind(os.path.basename(path)[:100])
        finally:
            os.chdir(here)

    def _closed_file(self, path: bytes) -> None:
        self._write(path, b"secret")
        os.chmod(path, 0)

    def _closed_directory(self, path: bytes) -> None:
        os.mkdir(path, 0o700)
        os.chmod(path, 0)

    def _write(self, path: bytes, content: bytes) -> None:
        with open(path, "wb") as file:
            file.write(content)
        self._names.append(path)

    def _finish(self) -> None:
        for at, dirs, files in os.walk(self.root, topdown=False):
            for name in [*dirs, *files]:
                if self._owner >= 0:
                    os.chown(os.path.join(at, name), self._owner, self._owner, follow_symlinks=False)
            if stat.S_IMODE(os.stat(at).st_mode):
                os.chmod(at, self._rng.choice((0o755, 0o700, 0o750)))
                os.utime(at, (1_500_000_000, 1_500_000_000))
        if self._owner >= 0:
            os.chown(self.root, self._owner, self._owner)

    def _grow(self, over: threading.Event) -> None:
        while not over.wait(0.002):
            for path in self._growing:
                with open(path, "ab") as file:
                    file.write(b"one more line\n")


def _followed(path: bytes, below: bytes, above: frozenset[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Every file and directory, links followed, and its place in a copy; what nobody can open, too."""
    yield path, below
    real = os.path.realpath(path)
    if not os.path.isdir(path) or real in above:
        return
    for name in sorted(os.listdir(path)):
        yield from _followed(os.path.join(path, name), os.path.join(below, name), above | {real})


def _is_told(below: bytes, said: str) -> bool:
    """Whether it, or a directory above it, is named."""
    words = below.split(b"/")
    return any(shown(b"/".join(words[: count + 1])) in said for count in range(len(words)))


def _read(path: bytes) -> bytes:
    with open(path, "rb") as file:
        return file.read()
