"""All forwards: open, close, restore, watch.

open ──▶ setup (the server launches) ──▶ port ──▶ Forwarder in the task group ──▶ state file, known_hosts
every few seconds: one listing per server ──▶ each forward's health
"""

import asyncio
import logging
import socket
from collections import defaultdict
from dataclasses import replace

from sshore.core.apps import SSH
from sshore.core.errors import NotFound, SshoreError
from sshore.core.names import FOLDER_PREFIX, suggestion
from sshore.core.settings import port_warning
from sshore.profiles.known_hosts import forward_line
from sshore.proxy import ports
from sshore.proxy.forwarder import Forwarder
from sshore.proxy.forwards import (
    Card,
    Forward,
    ForwardKey,
    ForwardStatus,
    make_card,
    make_folder_card,
    make_plain_card,
    without_former_key,
)
from sshore.proxy.health import HEALTHY, report_of_error, report_of_folder, report_of_removed, report_of_session
from sshore.proxy.setup import Listing, Prepared, list_all, prepare
from sshore.proxy.state_file import State, read_state, write_state
from sshore.sdk.config_dir import ConfigDir
from sshore.sdk.credentials import Login, read_credentials
from sshore.sdk.private_files import write_private
from sshore.sdk.stream_head import StreamTarget
from sshore.wire.heads import ALL_HOST_KEYS, PLAIN_HOST_KEY

_log = logging.getLogger(__name__)
POLL_S = 4.0


class ForwardEngine:
    """The forwards of one user, run in `group` until it is cancelled; `locale` is that of whoever connects to them, who
    is another user of this machine only where they are `for_all`."""

    def __init__(self, config: ConfigDir, group: asyncio.TaskGroup, locale: str = "", *, for_all: bool = False) -> None:
        self._config = config
        self._locale = locale
        self._for_all = for_all
        self._group = group
        self._running: dict[ForwardKey, tuple[Forwarder, asyncio.Task[None]]] = {}
        self._last_ports: dict[ForwardKey, int] = {}
        self._changing = asyncio.Lock()

    def restore(self) -> None:
        """Take up the forwards of the state file, each on its own port; call it once."""
        state = read_state(self._config.forwards)
        self._last_ports = dict(state.last_ports)
        for forward in state.forwards:
            self._run(forward, [])

    async def open(self, login: Login, ref: str, app: str = SSH, port: int | None = None) -> Card:
        """Launch the app, bind a port for it and return the card; a forward that is open keeps its port,
        unless another is asked for.

        Raises:
            ApiError, ServerUnreachable: the server refused, or did not answer.
            Unavailable: no port is free.
        """
        prepared = await asyncio.to_thread(prepare, login, ref, app, self._config)
        async with self._changing:
            wanted = self._forward(login, app, prepared)
            before = dict(self._last_ports)
            forward, note = await self._bind(wanted, port, prepared.preferred_port)
            await asyncio.to_thread(self._save)
        return self._card(forward, prepared, [note] if note else [], forget=_was_anothers(forward, before))

    async def close(self, ref: str, app: str = "", server: str = "") -> list[ForwardStatus]:
        """Close the forwards of a session (by name or id), of one app or of all, on one server or on any.

        Raises:
            NotFound: there are none.
        """
        async with self._changing:
            running = [forwarder for forwarder, _ in self._running.values()]
            found = [forwarder for forwarder in running if _leads_to(forwarder.forward, ref, app, server)]
            if not found:
                names = [forwarder.forward.name for forwarder in running]
                raise NotFound(f"there is no forward to {ref!r}{suggestion(ref, names) or '; see: sshore forwards'}")
            closed = [forwarder.status for forwarder in found]
            for forwarder in found:
                await self._stop(forwarder.forward.key)
            await asyncio.to_thread(self._save)
        return closed

    def forwards(self) -> list[ForwardStatus]:
        """The forwards by name, with the health that was last seen."""
        return sorted((f.status for f, _ in self._running.values()), key=lambda status: (status.session, status.app))

    async def refresh(self) -> None:
        """Ask each server, once, how the sessions are."""
        by_login: dict[tuple[str, str], list[Forwarder]] = defaultdict(list)
        for forwarder, _ in self._running.values():
            by_login[forwarder.forward.key.server, forwarder.forward.token].append(forwarder)
        async with asyncio.TaskGroup() as group:
            for (server, token), forwarders in by_login.items():
                group.create_task(self._refresh_server(server, token, forwarders))

    async def watch(self) -> None:
        """Refresh for ever."""
        while True:
            await self.refresh()
            await asyncio.sleep(POLL_S)

    async def stop(self) -> None:
        """Close every forward; the state file keeps them."""
        for key in list(self._running):
            await self._stop(key)

    async def _refresh_server(self, server: str, token: str, forwarders: list[Forwarder]) -> None:
        try:
            some = any(forwarder.forward.is_folder for forwarder in forwarders)
            listing = await asyncio.to_thread(lambda: list_all(self._login(server, token), folders=some))
        except SshoreError as error:
            for forwarder in forwarders:
                forwarder.note(report_of_error(error))
            return
        except Exception:  # the other servers' forwards are none of this one's business
            _log.exception("the forwards of %s could not be looked after", server)
            return
        for forwarder in forwarders:
            key = forwarder.forward.key
            if forwarder.forward.is_folder:
                await self._refresh_folder(forwarder, listing)
            elif (session := listing.sessions.get(key.session_id)) is not None:
                forwarder.note(report_of_session(session, key.app))
            else:
                forwarder.note(report_of_removed(forwarder.forward.name))

    async def _refresh_folder(self, forwarder: Forwarder, listing: Listing) -> None:
        """A forward follows its folder: under whatever name it finds it, it has that name from now on."""
        forward = forwarder.forward
        found = listing.find_folder(forward.key.session_id.removeprefix(FOLDER_PREFIX))
        forwarder.note(report_of_folder(forward.name, is_there=found is not None))
        if found is None:
            return
        target, name = (FOLDER_PREFIX + word for word in found)
        if (target, name) != (forward.key.session_id, forward.name):
            async with self._changing:
                self._rename(forwarder, replace(forward.key, session_id=target), name)
                await asyncio.to_thread(self._save)

    def _rename(self, forwarder: Forwarder, key: ForwardKey, name: str) -> None:
        before = forwarder.forward.key
        running = self._running.get(before)
        if running is None or running[0] is not forwarder or (key != before and key in self._running):
            return  # it was closed meanwhile, or there is another one to the folder
        forwarder.forward = replace(forwarder.forward, key=key, name=name)
        self._running[key] = self._running.pop(before)
        self._last_ports[key] = self._last_ports.pop(before)

    async def _bind(self, wanted: Forward, asked: int | None, preferred: int | None) -> tuple[Forward, str]:
        """Put a forward to work; returns it with its port, and what the user is to be told."""
        if self._is_bound(wanted.key):
            return await self._rebind(wanted, asked)
        if waiting := await self._give_up_waiting(wanted.key):
            preferred = waiting
        last = await self._supersede(wanted) or self._last_port(wanted)
        port, listeners, note = ports.bind_first(asked or preferred, last, self._reserved(), self._used(wanted.key))
        forward = replace(wanted, port=port)
        self._run(forward, listeners)
        return forward, note

    def _last_port(self, wanted: Forward) -> int | None:
        """An older local proxy has kept a folder's port by its name."""
        by_name = replace(wanted.key, session_id=wanted.name)
        return self._last_ports.get(wanted.key) or self._last_ports.get(by_name)

    def _is_bound(self, key: ForwardKey) -> bool:
        return key in self._running and not self._running[key][0].bind_note

    async def _give_up_waiting(self, key: ForwardKey) -> int | None:
        """A forward that came back to a taken port waits for it until its user connects: a card that leads to
        another program is of no use. The port is returned."""
        if key not in self._running:
            return None
        port = self._running[key][0].forward.port
        await self._stop(key)
        return port

    async def _supersede(self, wanted: Forward) -> int | None:
        """A session that was made anew under an old name takes over its forward: the port is returned."""
        for forwarder, _ in list(self._running.values()):
            if _is_former(forwarder.forward, wanted):
                await self._stop(forwarder.forward.key)
                return forwarder.forward.port
        return None

    async def _rebind(self, wanted: Forward, asked: int | None) -> tuple[Forward, str]:
        """A forward that is open stays where it is, unless another port is asked for and can be had."""
        forwarder, _ = self._running[wanted.key]
        old, note = forwarder.forward.port, ""
        if asked is not None and asked != old:
            try:
                listeners = ports.bind(asked)
            except ports.PortTaken as taken:
                note = f"port {asked} is taken ({taken}); it stays at port {old}"
            else:
                await self._stop(wanted.key)
                forward = replace(wanted, port=asked)
                self._run(forward, listeners)
                return forward, port_warning(asked)
        forwarder.forward = replace(wanted, port=old)
        forwarder.note(HEALTHY)
        return forwarder.forward, note

    def _used(self, key: ForwardKey) -> list[int]:
        """The ports of others, now and before, the latest last."""
        return [port for other, port in self._last_ports.items() if other != key]

    def _reserved(self) -> set[int]:
        return {forwarder.forward.port for forwarder, _ in self._running.values()}

    def _run(self, forward: Forward, listeners: list[socket.socket]) -> None:
        forwarder = Forwarder(forward, self._target, listeners, for_all=self._for_all)
        self._last_ports.pop(forward.key, None)  # the latest comes last
        self._last_ports[forward.key] = forward.port
        self._running[forward.key] = (forwarder, self._group.create_task(forwarder.run()))

    async def _stop(self, key: ForwardKey) -> None:
        _, task = self._running.pop(key)
        task.cancel()
        await asyncio.wait([task])

    def _forward(self, login: Login, app: str, prepared: Prepared) -> Forward:
        url = login.address.url
        stored = read_credentials(self._config.credentials).tokens.get(url)
        return Forward(
            ForwardKey(url, prepared.ref, app),
            prepared.name,
            0,
            prepared.host_key,
            prepared.host_key_fingerprint,
            "" if stored == login.token else login.token,
            prepared.further_host_keys,
        )

    def _card(self, forward: Forward, prepared: Prepared, notes: list[str], *, forget: bool) -> Card:
        if prepared.key_file is None:
            return make_plain_card(forward, notes)
        words = forward, prepared.key_file, self._config.forwards_known_hosts
        card = make_folder_card(*words, prepared.path, notes) if forward.is_folder else make_card(*words, notes)
        return without_former_key(card) if forget else card

    def _login(self, server: str, token: str) -> Login:
        return read_credentials(self._config.credentials).choose(server, token)

    def _target(self, forward: Forward) -> StreamTarget:
        login = self._login(forward.key.server, forward.token)
        # What known_hosts_forwards says of the port, and nothing else. Go's SSH, once offered a certificate, takes no
        # plain key, and asks for one of ECDSA before it looks which it knows.
        plain = PLAIN_HOST_KEY if forward.key.app == SSH else ""
        every = ALL_HOST_KEYS if forward.further_host_keys else ""
        words = login.address, login.token, forward.key.session_id, forward.key.app
        return StreamTarget(*words, host_key=plain, host_keys=every, locale=self._locale)

    def _save(self) -> None:
        forwards = [forwarder.forward for forwarder, _ in self._running.values()]
        write_state(self._config.forwards, State(forwards, self._last_ports))
        lines = [forward_line(forward.port, key) for forward in forwards for key in forward.host_keys]
        write_private(self._config.forwards_known_hosts, "".join(f"{line}\n" for line in lines))


def _leads_to(forward: Forward, ref: str, app: str, server: str) -> bool:
    key = forward.key
    return ref in (forward.name, key.session_id) and app in ("", key.app) and server in ("", key.server)


def _was_anothers(forward: Forward, last_ports: dict[ForwardKey, int]) -> bool:
    """Whether clients may remember another host key behind a forward's port: whoever has a port told of it when
    getting it, and what had it since then counts."""
    holders = [key for key, port in last_ports.items() if port == forward.port and key.app == SSH]
    same = forward.key, replace(forward.key, session_id=forward.name)  # as an older local proxy knew a folder
    return forward.key.app == SSH and bool(holders) and holders[-1] not in same


def _is_former(old: Forward, new: Forward) -> bool:
    """Whether two forwards lead to sessions that one owner has had under one name, which is free only when the
    former session is gone."""
    same_place = (old.key.server, old.key.app, old.name, old.token) == (
        new.key.server,
        new.key.app,
        new.name,
        new.token,
    )
    return same_place and old.key.session_id != new.key.session_id
