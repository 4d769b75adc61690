"""A forward that fails begins again, and takes nothing else with it."""

import asyncio
from typing import Any

import pytest

from sshore.proxy import forwarder
from sshore.proxy.forwarder import Forwarder
from sshore.proxy.forwards import Forward, ForwardKey

pytestmark = pytest.mark.anyio


class BadListener:
    """A listener whose descriptor is none, which no retry would mend."""

    closed = False

    def fileno(self) -> int:
        raise ValueError("no descriptor")

    def gettimeout(self) -> float:
        raise ValueError("no descriptor")

    def close(self) -> None:
        self.closed = True


async def test_a_forward_that_fails_binds_its_port_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    bad, bound = BadListener(), asyncio.Event()

    def bind(port: int) -> list[Any]:
        bound.set()
        raise forwarder.ports.PortTaken("another program has it")

    monkeypatch.setattr(forwarder, "_RETRY_BIND_S", 0)
    monkeypatch.setattr(forwarder.ports, "bind", bind)
    listeners: list[Any] = [bad]
    failing = Forwarder(Forward(ForwardKey("http://server", "id", "ssh"), "demo", 10022), lambda _: None, listeners)  # type: ignore[arg-type, return-value]
    async with asyncio.TaskGroup() as group:
        running = group.create_task(failing.run())
        async with asyncio.timeout(5):
            await bound.wait()
        assert bad.closed and not running.done()
        running.cancel()
