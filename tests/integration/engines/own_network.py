"""A network namespace that is "the host's" for a while: what a test sends from it cannot leave the machine."""

import ctypes
import os
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

CLONE_NEWNS, CLONE_NEWNET = 0x00020000, 0x40000000
_CLIENT_TIMEOUT_S = 5.0
HOST_ADDRESS, HOST_ADDRESS_6 = "198.18.77.1", "fd00:77::1"


@contextmanager
def own_network(*, routed: bool) -> Iterator[None]:
    """Put this thread, and what it starts, in a network namespace with `HOST_ADDRESS` on an interface that leads
    nowhere. `routed`: with default routes to it, and with IPv6; else without any."""
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    unshare(CLONE_NEWNET)
    try:
        _ip("link set lo up")
        _ip("link add nowhere type veth peer name end")
        _ip(f"address add {HOST_ADDRESS}/30 dev nowhere")
        if routed:
            _ip(f"address add {HOST_ADDRESS_6}/64 dev nowhere nodad")
        _ip("link set nowhere up")
        _ip("link set end up")
        if routed:
            for gateway in ("198.18.77.2", "fd00:77::2"):
                _ip(f"neighbour add {gateway} lladdr 02:00:00:00:00:02 dev nowhere")
            _ip("route add default via 198.18.77.2 dev nowhere")
            _ip("-6 route add default via fd00:77::2 dev nowhere")
        yield
    finally:
        _check(ctypes.CDLL(None, use_errno=True).setns(before, CLONE_NEWNET))
        os.close(before)


def unshare(namespaces: int) -> None:
    _check(ctypes.CDLL(None, use_errno=True).unshare(namespaces))


@contextmanager
def listener(address: str, port: int = 0) -> Iterator[int]:
    """A server that answers every connection with a greeting; its port."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, port), family=family) as server, _thread(_greet, server):
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)


@contextmanager
def answerer(address: str, port: int = 0) -> Iterator[int]:
    """A server that answers every datagram with a greeting; its port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((address, port))
        with _thread(_answer, server):
            try:
                yield server.getsockname()[1]
            finally:
                # Of a socket without a peer, too, it wakes who waits for a datagram.
                with suppress(OSError):
                    server.shutdown(socket.SHUT_RDWR)


def _greet(server: socket.socket) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        with connection, suppress(OSError):
            connection.settimeout(_CLIENT_TIMEOUT_S)
            connection.sendall(b"greetings\n")
            connection.shutdown(socket.SHUT_WR)
            # Closed before all is read, it would be reset.
            while connection.recv(4096):
                pass


def _answer(server: socket.socket) -> None:
    while True:
        datagram, client = server.recvfrom(4096)
        if not datagram:
            return
        server.sendto(b"greetings\n", client)


@contextmanager
def _thread(serve: Callable[[socket.socket], None], server: socket.socket) -> Iterator[None]:
    thread = threading.Thread(target=serve, args=(server,))
    thread.start()
    try:
        yield
    finally:
        thread.join()


def _ip(words: str) -> None:
    subprocess.run(["ip", *words.split()], check=True)


def _check(result: int) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
