"""`run_server`: build the kit, wire the parts, serve until told to stop; sessions go on."""

import asyncio
import gc
import ipaddress
import logging
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sshore.api.app import create_app
from sshore.core import layout
from sshore.core.errors import first_failure
from sshore.gateway.front_door import FrontDoor
from sshore.kit.build import build_kit
from sshore.server.http import HttpServer, listen
from sshore.server.notify import READY, STOPPING, ServiceManager
from sshore.server.open_files import raise_open_files
from sshore.server.settings import Settings
from sshore.server.state import hold_state_directory
from sshore.server.wiring import Parts, wire
from sshore.services.people.accounts import Accounts

log = logging.getLogger("sshore.server")


@dataclass(frozen=True, slots=True)
class Ready:
    """The server listens. `mint_admin_token` makes a new API token for the first admin and returns its secret;
    `mint_first_token` one that lives a day; `is_new` says whether that admin has no way to log in yet."""

    url: str
    mint_admin_token: Callable[[str], Awaitable[str]]
    mint_first_token: Callable[[], Awaitable[str]]
    is_new: Callable[[], Awaitable[bool]]


async def run_server(settings: Settings, on_ready: Callable[[Ready], Awaitable[None]] | None = None) -> None:
    """Serve until cancelled, or until SIGINT or SIGTERM. `on_ready` runs beside it as soon as it listens.

    Raises:
        SshoreError: it cannot start, for a reason that the user can mend.
    """
    with hold_state_directory(settings.state_dir) as state, listen(settings.host, settings.port) as sock:
        kit = await asyncio.to_thread(build_kit, state / "kit", KitProgress())
        async with wire(settings, state, kit) as parts:
            raise_open_files()  # the engines are made: they give sessions what was before
            http = HttpServer(create_app(parts.services), parts.gateway)
            unix = await _listen_for_agents(parts)
            url = _url(settings, sock.getsockname()[1])
            _leave_out_of_collections()
            manager = ServiceManager()
            with _stop_on_signals(http, manager), first_failure():
                async with asyncio.TaskGroup() as tasks:
                    services = parts.services
                    running = (parts.lifecycle, parts.own_keys, parts.audit, parts.old_kits)
                    of_services = (services.watch, services.trash, services.live_mounts)
                    beside = [tasks.create_task(part.run()) for part in (*running, *of_services)]
                    if parts.database_lock is not None:
                        beside.append(tasks.create_task(parts.database_lock.run()))
                    serving = tasks.create_task(http.serve([sock]))
                    await http.ready.wait()
                    beside.append(tasks.create_task(manager.stay_alive()))
                    manager.tell(READY)
                    log.info("serving", extra={"url": url, "state": str(state)})
                    _warn_of_plain_http(settings, sock)
                    if on_ready is not None:
                        accounts = services.accounts
                        ready = Ready(url, _minter(accounts), accounts.create_first_token, accounts.is_new)
                        beside.append(tasks.create_task(_call(on_ready, ready)))
                    await asyncio.wait([serving])
                    for task in beside:
                        task.cancel()
            unix.close()
    log.info("stopped; sessions go on")


class KitProgress:
    """Shows the building of the kit, as one line on a terminal; silent when the kit is there already."""

    def __call__(self, phase: str, fraction: float) -> None:
        terminal = sys.__stderr__  # noqa: TID251 - our own words, and orders
        if terminal is not None and terminal.isatty():
            end = "\n" if fraction >= 1 else ""
            terminal.write(f"\r\033[Kbuilding the kit: {phase} {fraction:4.0%}{end}")
            terminal.flush()


async def _listen_for_agents(parts: Parts) -> asyncio.Server:
    path = parts.link / layout.LINK_SOCKET_NAME
    path.unlink(missing_ok=True)
    loop = asyncio.get_running_loop()
    server = await loop.create_unix_server(lambda: FrontDoor(parts.gateway, None, links_only=True), path, backlog=1024)
    path.chmod(0o666)  # any session may connect; its agent token says which one it is
    return server


def _leave_out_of_collections() -> None:
    """What is loaded now stays: a full collection that looks through all of it holds every answer up for 0.1 s."""
    gc.collect()
    gc.freeze()


@contextmanager
def _stop_on_signals(http: HttpServer, manager: ServiceManager) -> Iterator[None]:
    loop = asyncio.get_running_loop()

    def stop() -> None:
        manager.tell(STOPPING)
        http.should_exit = True

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


def _minter(accounts: Accounts) -> Callable[[str], Awaitable[str]]:
    async def mint(name: str) -> str:
        _, secret = await accounts.create_token(await accounts.ensure_admin(), name)
        return secret

    return mint


async def _call(on_ready: Callable[[Ready], Awaitable[None]], ready: Ready) -> None:
    await on_ready(ready)


def _warn_of_plain_http(settings: Settings, sock: socket.socket) -> None:
    if sock.family == socket.AF_UNIX:  # the service manager's
        return
    host = ipaddress.ip_address(sock.getsockname()[0].partition("%")[0])
    if not host.is_loopback and not settings.public_url.startswith("https:"):
        log.warning(
            "this server listens beyond the loopback in plain HTTP: everyone on the way can read passwords, tokens and "
            "file names. Put a TLS proxy before it and tell its address by SSHORE_URL=https://…, or listen on 127.0.0.1"
        )


def _url(settings: Settings, port: int) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}:{port}"
