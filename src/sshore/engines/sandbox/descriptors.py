"""File descriptors by which the server, bwrap and a network's program tell each other how far they are."""

import fcntl
import json
import os
import select
import socket
import time
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from typing import Any


def closing(stack: ExitStack, descriptor: int) -> int:
    """The descriptor, which is closed with the stack."""
    stack.callback(os.close, descriptor)
    return descriptor


def memory_file(name: str, contents: str | bytes) -> int:
    """A descriptor of a file in memory with these contents, at its beginning."""
    descriptor = os.memfd_create(name)
    os.write(descriptor, contents.encode() if isinstance(contents, str) else contents)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def arguments_file(arguments: Iterable[str]) -> int:
    """A descriptor for bwrap's ``--args``, which closes it: every user of the machine can read a command line (proc(5),
    /proc/[pid]/cmdline), and these have names and paths of a user's own."""
    return memory_file("arguments", b"".join(os.fsencode(argument) + b"\0" for argument in arguments))


def full_file(name: str, size_bytes: int) -> int:
    """A descriptor of a file in memory that takes so many bytes and no more, whoever writes; the rest is zeros."""
    descriptor = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(descriptor, size_bytes)
    # What does not fit is refused with EPERM (memfd_create(2), F_SEAL_GROW).
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK)
    return descriptor


def own_pipe() -> int:
    """A pipe in one descriptor, for reading and writing, of which the end of another process is no end.

    A bwrap that waits at one for a server that died goes on waiting, instead of letting an agent start that
    nobody has put in its limits; one that writes to it does not die half-way of SIGPIPE.
    """
    reader, writer = os.pipe()
    try:
        return os.open(f"/proc/self/fd/{reader}", os.O_RDWR | os.O_CLOEXEC)
    finally:
        os.close(reader)
        os.close(writer)


def read_until_word(descriptor: int, last: bytes, deadline: float) -> bytes:
    """What came until the word `last`, the end of the file or the deadline (of time.monotonic())."""
    data = b""
    while not data.endswith(last) and _readable(descriptor, deadline):
        more = os.read(descriptor, 4096)
        if not more:
            break
        data += more
    return data


def read_json(descriptor: int, writer: int, deadline: float) -> Any:
    """Read one JSON document from an `own_pipe`; None when the writer (a pidfd) ends or the time is over before."""
    data = b""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    poll.register(writer, select.POLLIN)
    while (remaining := deadline - time.monotonic()) > 0:
        ready = dict(poll.poll(remaining * 1000))
        if descriptor in ready:
            data += os.read(descriptor, 4096)
            with suppress(ValueError):
                return json.loads(data)
        elif ready:
            return None
    return None


def wait_until_read(writer: socket.socket, deadline: float) -> bool:
    """Wait until bwrap has read a file that is the other end of this socket; false if it has failed before.

    bwrap reads each file when everything before it is mounted, and closes it: our end then sees an end of file.
    One that fails earlier leaves the file unread, and closing such a socket is a reset (unix(7)).
    """
    try:
        writer.settimeout(max(0.001, deadline - time.monotonic()))
        return writer.recv(1) == b""
    except (ConnectionResetError, TimeoutError):
        return False


def speaks(peer: socket.socket, deadline: float) -> bool:
    """Whether something comes from a socket, which stays there to be read, before it ends."""
    try:
        peer.settimeout(max(0.001, deadline - time.monotonic()))
        return peer.recv(1, socket.MSG_PEEK) != b""
    except (ConnectionResetError, TimeoutError):
        return False


def _readable(descriptor: int, deadline: float) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(max(0, int((deadline - time.monotonic()) * 1000))))
