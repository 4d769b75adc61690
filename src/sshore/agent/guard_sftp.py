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
            self._room = 0  # nor is a smaller piece of the same file to be taken after this one
            return _status(request_id, _FAILURE, _FULL)
        self._room -= size
        return None


class Answers:
    """What goes to the client: answers in the order of the requests, as a server gives them that does one at a time.
    OpenSSH's client relies on it: of the writes under way it keeps the last one's status."""

    def __init__(self, client: IO[bytes]) -> None:
        self._client = client
        self._changed = threading.Condition()
        self._under_way = 0

    def expect(self) -> None:
        """A request goes to the server, which will answer it."""
        with self._changed:
            self._under_way += 1

    def pass_on(self, packet: bytes) -> None:
        with self._changed:
            self._send(packet)
            self._under_way -= 1
            self._changed.notify()

    def add(self, packet: bytes) -> None:
        """An answer of the guard's own, when the server has answered all that came before."""
        with self._changed:
            self._changed.wait_for(lambda: self._under_way <= 0)
            self._send(packet)

    def server_ended(self) -> None:
        with self._changed:
            self._under_way = 0
            self._changed.notify()

    def _send(self, packet: bytes) -> None:
        self._client.write(_framed(packet))
        self._client.flush()


def main(argv: list[str]) -> int:
    """Run the command until it ends; the exit status is its own."""
    server = subprocess.Popen(argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert server.stdin is not None and server.stdout is not None
    answers = Answers(sys.stdout.buffer)  # noqa: TID251 - a protocol, no terminal
    down = threading.Thread(target=_pass_answers, args=(server.stdout, answers), daemon=True)
    down.start()
    _pass_requests(Quota(int(argv[0])), server.stdin, answers)
    down.join()
    return server.wait()


def _pass_requests(quota: Quota, server: IO[bytes], answers: Answers) -> None:
    with suppress(OSError):  # the server has ended
        while (packet := _read_packet(sys.stdin.buffer)) is not None:
            refusal = quota.refusal(packet)
            if refusal is None:
                answers.expect()
                server.write(_framed(packet))
                server.flush()
            else:
                answers.add(refusal)
    with suppress(OSError):
        server.close()


def _pass_answers(server: IO[bytes], answers: Answers) -> None:
    with suppress(OSError):  # the client has gone
        while (packet := _read_packet(server)) is not None:
            answers.pass_on(packet)
    answers.server_ended()
    # The client's end of the stream is what `_pass_requests` waits for.
    os.close(1)


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
