"""Many connections at once at one local port: each hears sshd, and a neighbour does not wait for them all."""

import os
import selectors
import signal
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing

import pytest
from deployment import Deployment, Owner

CROWD = 300
"""More than a queue of 256 holds, which is what the local proxy had; few enough for seconds."""
DEADLINE_S = 60.0
QUEUE_DEADLINE_S = 5.0
SSHD = b"SSH-2.0-OpenSSH"


@pytest.fixture(scope="module")
def mob(shared: Deployment) -> Iterator[Owner]:
    """An owner of two sessions with a forward each."""
    mob = shared.member("mob")
    mob.proxy.start()
    for name in ("busy", "quiet"):
        mob.run_session(name, "--network", "none")
    yield mob
    mob.remove("busy", "quiet")
    mob.proxy.stop()


def call(stack: ExitStack, port: int, count: int) -> list[socket.socket]:
    """So many connections, begun at once."""
    callers = [stack.enter_context(closing(socket.socket())) for _ in range(count)]
    for caller in callers:
        caller.setblocking(False)
        caller.connect_ex(("127.0.0.1", port))
    return callers


def stand(callers: Sequence[socket.socket]) -> None:
    """Wait until each has its TCP handshake behind it."""
    with selectors.DefaultSelector() as selector:
        for caller in callers:
            selector.register(caller, selectors.EVENT_WRITE)
        deadline = time.monotonic() + QUEUE_DEADLINE_S
        while waiting := len(selector.get_map()):
            assert time.monotonic() < deadline, f"{waiting} of {len(callers)} find no place in the queue"
            for key, _ in selector.select(1):
                assert isinstance(key.fileobj, socket.socket)
                assert not key.fileobj.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                selector.unregister(key.fileobj)


def hear(callers: Sequence[socket.socket], order: list[socket.socket]) -> None:
    """Wait until each has heard the first line; `order` is in which."""
    with selectors.DefaultSelector() as selector:
        for caller in callers:
            selector.register(caller, selectors.EVENT_READ)
        deadline = time.monotonic() + DEADLINE_S
        while selector.get_map():
            assert time.monotonic() < deadline, f"{len(order)} of {len(callers)} have heard anything"
            for key, _ in selector.select(1):
                assert isinstance(key.fileobj, socket.socket)
                assert key.fileobj.recv(256).startswith(SSHD)
                order.append(key.fileobj)
                selector.unregister(key.fileobj)


def test_all_of_a_crowd_hear_sshd_and_a_neighbour_before_the_last_of_them(mob: Owner) -> None:
    busy, quiet = mob.connect("busy").port, mob.connect("quiet").port
    with ExitStack() as stack:
        # They all come before the first is served: what the kernel's queue does not hold would never be answered.
        os.kill(mob.proxy.pid, signal.SIGSTOP)
        try:
            crowd = call(stack, busy, CROWD)
            neighbours = call(stack, quiet, 1)
            stand(crowd)
        finally:
            os.kill(mob.proxy.pid, signal.SIGCONT)
        order: list[socket.socket] = []
        hear([*crowd, *neighbours], order)
        assert order.index(neighbours[0]) < CROWD, "a forward does not wait for another's crowd"
        more = call(stack, busy, 1)
        hear(more, order)
        health = {status["session"]: (status["health"], status["connections"]) for status in mob.json("forwards")}
        assert health == {"busy": ("ok", CROWD + 1), "quiet": ("ok", 1)}
