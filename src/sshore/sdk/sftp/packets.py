"""Requests and answers of SFTP, version 3 (draft-ietf-secsh-filexfer-02), as far as transfers need them."""

import stat
import struct
from dataclasses import dataclass
from enum import IntEnum, IntFlag


class Kind(IntEnum):
    INIT = 1
    VERSION = 2
    OPEN = 3
    CLOSE = 4
    READ = 5
    WRITE = 6
    LSTAT = 7
    FSTAT = 8
    SETSTAT = 9
    FSETSTAT = 10
    OPENDIR = 11
    READDIR = 12
    REMOVE = 13
    MKDIR = 14
    REALPATH = 16
    STAT = 17
    STATUS = 101
    HANDLE = 102
    DATA = 103
    NAME = 104
    ATTRS = 105
    EXTENDED = 200
    EXTENDED_REPLY = 201


class Status(IntEnum):
    OK = 0
    EOF = 1
    NO_SUCH_FILE = 2
    PERMISSION_DENIED = 3
    FAILURE = 4


class Open(IntFlag):
    READ = 1
    WRITE = 2
    CREATE = 8
    TRUNCATE = 16


_SIZE, _OWNERS, _PERMISSIONS, _TIMES = 1, 2, 4, 8
VERSION = 3
_A_DAY_S = 86400


class Malformed(ValueError):
    """The peer does not speak SFTP."""


@dataclass(frozen=True, slots=True)
class Attributes:
    """`modified_at` is what the packet says: seconds since 1970, of which there are 32 bits."""

    size: int = 0
    mode: int = 0
    modified_at: int = 0

    @property
    def is_directory(self) -> bool:
        return stat.S_ISDIR(self.mode)

    @property
    def is_link(self) -> bool:
        return stat.S_ISLNK(self.mode)

    @property
    def is_file(self) -> bool:
        return stat.S_ISREG(self.mode)


@dataclass
class Reader:
    """Reads an answer's fields, one after the other."""

    data: memoryview
    at: int = 0

    def u32(self) -> int:
        return int(self._unpack(">I", 4))

    def u64(self) -> int:
        return int(self._unpack(">Q", 8))

    def string(self) -> memoryview:
        length = self.u32()
        if self.at + length > len(self.data):
            raise Malformed("a string is longer than its packet")
        self.at += length
        return self.data[self.at - length : self.at]

    def attributes(self) -> Attributes:
        flags = self.u32()
        size = self.u64() if flags & _SIZE else 0
        if flags & _OWNERS:
            self.u64()
        mode = self.u32() if flags & _PERMISSIONS else 0
        modified_at = (self.u32(), self.u32())[1] if flags & _TIMES else 0
        return Attributes(size, mode, modified_at)

    def _unpack(self, form: str, length: int) -> int:
        if self.at + length > len(self.data):
            raise Malformed("a packet is too short")
        (value,) = struct.unpack_from(form, self.data, self.at)
        self.at += length
        return int(value)


def string(value: bytes) -> bytes:
    return struct.pack(">I", len(value)) + value


def frame(kind: Kind, request_id: int, body: bytes, more: int = 0) -> bytes:
    """A packet; `more` bytes of it follow by themselves."""
    return struct.pack(">IBI", 5 + len(body) + more, kind, request_id) + body


def init() -> bytes:
    return struct.pack(">IBI", 5, Kind.INIT, VERSION)


def open_body(path: bytes, flags: Open, mode: int) -> bytes:
    """`mode` is that of a file which is made by it."""
    return string(path) + struct.pack(">III", flags, _PERMISSIONS, mode)


def read_body(handle: bytes, offset: int, length: int) -> bytes:
    return string(handle) + struct.pack(">QI", offset, length)


def write_head(handle: bytes, offset: int, length: int) -> bytes:
    """The body of a write, up to its data."""
    return string(handle) + struct.pack(">QI", offset, length)


def time_sent(modified_at: int) -> int:
    """What can be said of a time: nothing that lies before 1970 or after 2106."""
    return min(max(modified_at, 0), 0xFFFFFFFF)


def time_received(modified_at: int, now: float) -> int:
    """OpenSSH's server sends the low half of a time before 1970 (sftp-common.c): what would be yet to come is one."""
    return modified_at - (1 << 32) if modified_at >= 1 << 31 and modified_at > now + _A_DAY_S else modified_at


def times_body(of: bytes, modified_at: int) -> bytes:
    """The times of a path or a handle."""
    time = time_sent(modified_at)
    return string(of) + struct.pack(">III", _TIMES, time, time)


def mode_body(of: bytes, mode: int) -> bytes:
    return string(of) + struct.pack(">II", _PERMISSIONS, mode & 0o777)


def size_body(of: bytes, size: int) -> bytes:
    return string(of) + struct.pack(">IQ", _SIZE, size)


def mkdir_body(path: bytes, mode: int) -> bytes:
    return string(path) + struct.pack(">II", _PERMISSIONS, mode & 0o777)


def rename_body(old: bytes, new: bytes) -> bytes:
    """OpenSSH's extension, which replaces what has the new name (PROTOCOL, 4.3)."""
    return string(b"posix-rename@openssh.com") + string(old) + string(new)


def free_space_body(path: bytes) -> bytes:
    """OpenSSH's extension (PROTOCOL, 4.4); the answer's sixth number counts the blocks free to this user."""
    return string(b"statvfs@openssh.com") + string(path)
