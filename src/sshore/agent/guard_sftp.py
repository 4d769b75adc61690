"""``guard-sftp ROOM COMMAND…``: an SFTP server that lets so many bytes be written, and then no more.

OpenSSH's server knows no quota, and a directory has none of its own. This stands between it and the client,
reads the frames (draft-ietf-secsh-filexfer-02, which is version 3), counts what is written, and answers by itself
what would be too much.

    client ──▶ guard ──▶ sftp-server
       ◀── answers, the guard's own among them ──┘

What is overwritten counts again, and what is removed is not given back before the next connection.
"""

import os
import struct
import subprocess
import sys
import threading
from contextlib import suppress
from typing import IO

_WRITE, _STATUS, _EXTENDED = 6, 101, 200
_FAILURE, _UNSUPPORTED = 4, 8
_COPY = b"copy-data"
_MAX_PACKET_BYTES = 1 << 20
"""Four times what OpenSSH takes (sftp-common.h, SFTP_MAX_MSG_LENGTH)."""
_FULL = b"the quota of this folder's owner is reached: remove something, or empty the trash, and connect again"
_NO_COPY = b"copies cannot be made on the server where there is a quota"


class Quota:
    """How much may still be written."""

    def __init__(self, room_bytes: int) -> None:
        self._room = room_bytes

    def refusal(self, packet: bytes) -> bytes | None:
        """The answer to a packet that must not reach the server; None when it may."""
        if len(packet) < 9:
            return None
        kind, request_id = packet[0], packet[1:5]
        if kind == _EXTENDED and _string(packet, 5) == _COPY:
            return _status(request_id, _UNSUPPORTED, _NO_COPY)
        if kind != _WRITE:
            return None
        size = len(_string(packet, 5 + 4 + len(_string(packet, 5)) + 8))
        if size > self._room:
            return _status(request_id, _FAILURE, _FULL)
        self._room -= size
        return None


def main(argv: list[str]) -> int:
    """Run the command until it ends; the exit status is its own."""
    server = subprocess.Popen(argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert server.stdin is not None and server.stdout is not None
    answering = threading.Lock()
    down = threading.Thread(target=_pass_answers, args=(server.stdout, answering), daemon=True)
    down.start()
    _pass_requests(Quota(int(argv[0])), server.stdin, answering)
    down.join()
    return server.wait()


def _pass_requests(quota: Quota, server: IO[bytes], answering: threading.Lock) -> None:
    with suppress(OSError):  # the server has ended
        while (packet := _read_packet(sys.stdin.buffer)) is not None:
            refusal = quota.refusal(packet)
            if refusal is None:
                server.write(_framed(packet))
                server.flush()
            else:
                _answer(refusal, answering)
    with suppress(OSError):
        server.close()


def _pass_answers(server: IO[bytes], answering: threading.Lock) -> None:
    with suppress(OSError):  # the client has gone
        while (packet := _read_packet(server)) is not None:
            _answer(packet, answering)
    # The client's end of the stream is what `_pass_requests` waits for.
    os.close(1)


def _answer(packet: bytes, answering: threading.Lock) -> None:
    with answering:
        sys.stdout.buffer.write(_framed(packet))
        sys.stdout.buffer.flush()


def _read_packet(source: IO[bytes]) -> bytes | None:
    head = source.read(4)
    if len(head) < 4:
        return None
    (length,) = struct.unpack(">I", head)
    packet = source.read(length) if 0 < length <= _MAX_PACKET_BYTES else b""
    return packet if packet and len(packet) == length else None


def _framed(packet: bytes) -> bytes:
    return struct.pack(">I", len(packet)) + packet


def _string(packet: bytes, at: int) -> bytes:
    (length,) = struct.unpack_from(">I", packet, at) if len(packet) >= at + 4 else (0,)
    return packet[at + 4 : at + 4 + length]


def _status(request_id: bytes, code: int, message: bytes) -> bytes:
    tail = struct.pack(">I", len(message)) + message + struct.pack(">I", 0)
    return bytes([_STATUS]) + request_id + struct.pack(">I", code) + tail
