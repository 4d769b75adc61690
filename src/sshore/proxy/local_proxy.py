"""Everything put together, for `sshore proxy` (a process of its own) and `sshore up` (in the server's)."""

import asyncio
import os
import secrets
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from starlette.types import ASGIApp

from sshore.core.errors import Conflict, first_failure
from sshore.proxy.api import LocalApi
from sshore.proxy.engine import ForwardEngine
from sshore.proxy.guard import Guard
from sshore.proxy.instance import LocalAddress, announced, only_instance
from sshore.proxy.way import own_listener
from sshore.sdk.config_dir import ConfigDir
from sshore.sdk.locale_words import locale_words


class LocalProxy:
    """A local proxy that runs: its forwards, and its API at `url`."""

    def __init__(self, engine: ForwardEngine, url: str) -> None:
        self.engine = engine
        self.url = url
        self.stop_asked = asyncio.Event()


@asynccontextmanager
async def run_local_proxy(config: ConfigDir, *, host: str = "proxy") -> AsyncIterator[LocalProxy]:
    """Run the local proxy for as long as the context is open; its forwards are restored and stay in the state file.

    `host` is the command whose process this is: ``proxy`` stops when it is asked to (`stop_asked`), ``up`` refuses.

    Raises:
        Conflict: the user has a local proxy already.
    """
    async with only_instance(config), _running(config, host) as local:
        yield local


@asynccontextmanager
async def _running(config: ConfigDir, host: str) -> AsyncIterator[LocalProxy]:
    with _listener() as listener, own_listener(config) as own, first_failure():
        async with asyncio.TaskGroup() as group:
            for_all = os.environ.get("SSHORE_LOCAL_PORTS", "") == "all"
            engine = ForwardEngine(config, group, locale_words(os.environ), for_all=for_all)
            port, token = listener.getsockname()[1], secrets.token_urlsafe(32)
            local = LocalProxy(engine, f"http://127.0.0.1:{port}")
            app = LocalApi(engine, config, host, _stopper(local, host)).app()
            servers = [(_Server(_server_config(Guard(app, port, token))), listener)]
            if own is not None:
                servers.append((_Server(_server_config(app)), own))
            engine.restore()
            watching = group.create_task(engine.watch())
            serving = [group.create_task(server.serve(sockets=[sock])) for server, sock in servers]
            address = LocalAddress(os.getpid(), port, token, str(config.proxy_socket) if own is not None else "")
            try:
                with announced(config, address):
                    yield local
            finally:
                for server, _ in servers:
                    server.should_exit = True
                watching.cancel()
                await engine.stop()
                await asyncio.wait(serving)


def _stopper(local: LocalProxy, host: str) -> Callable[[], None]:
    def stop() -> None:
        if host != "proxy":
            raise Conflict(f"the local proxy runs inside `sshore {host}`: end that one with Ctrl-C")
        local.stop_asked.set()

    return stop


def _server_config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(app, log_config=None, log_level="warning", access_log=False, lifespan="off", ws="none")


class _Server(uvicorn.Server):
    """Leaves the signals to whoever runs the process."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextmanager
def _listener() -> Iterator[socket.socket]:
    # Listening from here on: whoever reads the address file is served, if a moment later.
    with socket.create_server(("127.0.0.1", 0)) as listener:
        # Inherited by what it accepts; asyncio sets it only on sockets that were made for TCP by number.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield listener
