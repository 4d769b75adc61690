"""Serves one directory by SFTP version 3, whose listing says what it is told to; every file holds ``planted``.

python lying_sftp_server.py NAME…       each in hexadecimal digits
"""

import struct
import sys

_DIRECTORY, _FILE = 0o040755, 0o100666


def main(names: list[bytes]) -> None:
    said, got = sys.stdout.buffer, sys.stdin.buffer  # noqa: TID251
    left = [names]
    while len(head := got.read(4)) == 4:
        packet = got.read(struct.unpack(">I", head)[0])
        answer = struct.pack(">BI", 2, 3) if packet[0] == 1 else _answer(packet, left, names)
        said.write(struct.pack(">I", len(answer)) + answer)
        said.flush()


def _answer(packet: bytes, left: list[list[bytes]], names: list[bytes]) -> bytes:
    kind, request = packet[0], packet[1:5]
    (length,) = struct.unpack_from(">I", packet, 5)
    about = packet[9 : 9 + length]
    if kind == 17 and b"*" in about:
        return b"\x65" + request + struct.pack(">I", 2) + _string(b"") * 2
    if kind in (17, 7, 8):  # STAT, LSTAT, FSTAT
        return b"\x69" + request + _attributes(is_directory=about in (b".", b"d"))
    if kind == 16:  # REALPATH
        return b"\x68" + request + struct.pack(">I", 1) + _string(b"/" + about) * 2 + struct.pack(">I", 0)
    if kind in (3, 11):  # OPEN, OPENDIR
        left[0] = list(names)
        return b"\x66" + request + _string(b"handle")
    if kind == 12 and left[0]:  # READDIR
        listed, left[0] = left[0], []
        entries = b"".join(_string(name) * 2 + _attributes(is_directory=False) for name in listed)
        return b"\x68" + request + struct.pack(">I", len(listed)) + entries
    if kind == 5 and struct.unpack_from(">Q", packet, 9 + length) == (0,):  # READ
        return b"\x67" + request + _string(b"planted")
    status = 1 if kind in (5, 12) else 0
    return b"\x65" + request + struct.pack(">I", status) + _string(b"") * 2


def _attributes(*, is_directory: bool) -> bytes:
    return struct.pack(">IQI", 1 | 4, 7, _DIRECTORY if is_directory else _FILE)


def _string(value: bytes) -> bytes:
    return struct.pack(">I", len(value)) + value


main([bytes.fromhex(word) for word in sys.argv[1:]])
