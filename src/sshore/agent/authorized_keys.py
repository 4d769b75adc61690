"""`~/.ssh/authorized_keys` as its owner meant it: sshd reads UTF-8 alone, and Windows' editors save other things, too.

    the file ──▶ a thread that reads it ──▶ what sshd can read, if that is another text ──▶ a file in memory
                                        └─▶ notes for the owner

It is anybody's file on anybody's disk, a folder's as a rule: so much is read and no more, nothing but a regular file,
with the account's rights, and nobody waits longer than `PATIENCE_S`.
"""

import _thread
import os
import stat

from sshore.agent.journal import say
from sshore.agent.memory_files import path_of, sealed_file

FILE = ".ssh/authorized_keys"
PATIENCE_S = 0.5
MAX_BYTES = 256 << 10
MAX_NOTES = 5
_MARKS = ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"), (b"\xef\xbb\xbf", "utf-8"))
_NAMES = {"utf-16-le": "UTF-16", "utf-16-be": "UTF-16", "utf-8": "UTF-8 with a byte order mark"}
_ANYONE = ("*", "unknown")


class Reading:
    """Of a file: the `text` that sshd is to read instead, None where it can read the file itself; and the `notes`."""

    __slots__ = ("notes", "text")

    def __init__(self, text: bytes | None = None, notes: tuple[str, ...] = ()) -> None:
        self.text, self.notes = text, notes


_NOTHING = Reading()


class AuthorizedKeys:
    """The account's own file. `look` before each connection."""

    def __init__(self, home: str) -> None:
        self._path = f"{home}/{FILE}"
        self._seen: tuple[int, ...] = ()
        self._reading = self._kept = _NOTHING
        self._looking = False
        self._copy = -1

    @property
    def copy(self) -> str:
        """Where sshd finds what it is to read instead of the file; empty where it reads the file."""
        return path_of(self._copy) if self._copy >= 0 else ""

    def look(self) -> tuple[str, ...]:
        """Read the file if it has changed; its notes."""
        if self._looking:
            return self._reading.notes  # on a disk that does not answer
        self._looking, done = True, _thread.allocate_lock()
        done.acquire()
        _thread.start_new_thread(self._look, (done,))
        if not done.acquire(timeout=PATIENCE_S):
            say(f"~/{FILE} cannot be read: its disk does not answer")
        elif self._reading is not self._kept:
            self._keep(self._reading)
        return self._reading.notes

    def _look(self, done: "_thread.LockType") -> None:
        try:
            facts = os.stat(self._path)  # noqa: PTH116 - pathlib costs a megabyte
            # The inode's own time, too, which nobody can set back.
            seen = (facts.st_dev, facts.st_ino, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_size)
            if seen != self._seen:
                self._seen, self._reading = seen, read_as_meant(_read(self._path))
        except FileNotFoundError:
            self._seen, self._reading = (), _NOTHING
        except OSError as error:
            self._seen, self._reading = (), Reading(notes=(f"~/{FILE} cannot be read: {error.strerror}",))
        finally:
            self._looking = False
            done.release()

    def _keep(self, reading: Reading) -> None:
        self._kept = reading
        for note in reading.notes:
            say(note)
        if self._copy >= 0:
            os.close(self._copy)
            self._copy = -1
        if reading.text is not None:
            self._copy = sealed_file("authorized_keys", reading.text)


def read_as_meant(data: bytes) -> Reading:
    """What sshd is to make of a file, and what its owner is to know of it."""
    if len(data) > MAX_BYTES:
        return Reading(notes=(f"~/{FILE} is longer than {MAX_BYTES >> 10} KiB: sshd alone reads it",))
    coding = next((coding for mark, coding in _MARKS if data.startswith(mark)), "") or _without_mark(data)
    text = data.decode(coding or "utf-8", "replace").removeprefix("\ufeff")
    lines = text.replace("\r\n", "\n").split("\n")
    notes = [note for number, line in enumerate(lines, 1) if (note := _never_matches(number, line))]
    if not coding:
        return Reading(notes=tuple(notes[:MAX_NOTES]))
    told = f"~/{FILE} is {_NAMES[coding]}, which sshd cannot read; it gets a copy: save the file as plain UTF-8"
    return Reading("\n".join([*lines, ""]).encode(), (told, *notes[: MAX_NOTES - 1]))


def _without_mark(data: bytes) -> str:
    """UTF-16 by its zeros, for the first character of such a file is a Latin one."""
    return {(False, True): "utf-16-le", (True, False): "utf-16-be"}.get(
        (data[:1] == b"\0", data[1:2] == b"\0") if len(data) > 1 else (False, False), ""
    )


def _never_matches(number: int, line: str) -> str:
    """The note on a line with a ``from=`` that nobody matches; empty on any other line."""
    for option in _options(line.strip()):
        name, _, value = option.partition("=")
        patterns = [pattern.strip().lower() for pattern in value.strip('"').split(",")]
        if name.lower() == "from" and not any(pattern in _ANYONE for pattern in patterns):
            return (
                f"line {number} of ~/{FILE} lets nobody in: it has from=, and sshd knows no client's address here, "
                "for connections come through the gateway: take the option out"
            )
    return ""


def _options(line: str) -> list[str]:
    """The options before a key (sshd(8), AUTHORIZED_KEYS FILE FORMAT); what is none of them does not matter."""
    if line.startswith("#"):
        return []
    options, begin, quoted, escaped = [], 0, False, False
    for at, char in enumerate(line):
        if not quoted and char in ", \t":
            options.append(line[begin:at])
            begin = at + 1
            if char != ",":
                return options
        quoted = quoted ^ (char == '"' and not escaped)
        escaped = char == "\\" and not escaped
    return [*options, line[begin:]]


def _read(path: str) -> bytes:
    """A little more than `MAX_BYTES` of a regular file.

    Raises:
        OSError: it cannot be read, or is something else, such as a pipe, which would have us wait.
    """
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise OSError(0, "it is no file")
        return os.read(fd, MAX_BYTES + 1)
    finally:
        os.close(fd)
