"""The apps of the session by name: ssh with its checksums, and those that were started by a command."""

import socket
from typing import Any

from sshore.agent.check_app import CheckApp
from sshore.agent.children import Children
from sshore.agent.config import AppConfig, ConfigError, read_app
from sshore.agent.daemon_configs import NOT_KNOWN, ClientFacts
from sshore.agent.journal import say
from sshore.agent.loop import Loop
from sshore.agent.port_app import PortApp
from sshore.agent.replies import Problem, Reply, ok
from sshore.agent.ssh_app import HostKeyOffer, SshApp
from sshore.wire.problems import Code


class Apps:
    """Starts, stops, opens and lists apps. Each verb but `open` is idempotent."""

    def __init__(
        self, loop: Loop, children: Children, ssh: SshApp, check: CheckApp, notes: tuple[str, ...] = ()
    ) -> None:
        """`notes`: what the owner should know from the start on."""
        self._loop, self._children, self._ssh, self._check, self._notes = loop, children, ssh, check, notes
        self._others: dict[str, PortApp] = {}

    def launch(self, apps: tuple[AppConfig, ...]) -> None:
        """Launch what the configuration names, without waiting; what fails is logged and stays unlaunched."""
        for app in apps:
            try:
                if app.name == SshApp.name:
                    self._ssh.launch()
                else:
                    self._start_other(app)
            except Problem as problem:
                say(str(problem))

    def start(self, request: dict[str, Any], reply: Reply) -> None:
        """Start an app; answers when it is ready.

        Raises:
            Problem: the request is malformed, or the app cannot be started.
        """
        try:
            app = read_app({**request, "name": request.get("app")})
        except ConfigError as error:
            raise Problem(Code.INVALID_INPUT, str(error)) from error
        if app.name == SshApp.name:
            self._ssh.start(reply)
        else:
            self._start_other(app).ready(reply)

    def stop(self, name: str, reply: Reply) -> None:
        """Stop an app; answers when its processes are gone. An app that is not there is stopped already."""
        if name == SshApp.name:
            self._check.stop()
            self._ssh.stop(reply)
        elif name in self._others:
            self._others.pop(name).stop(lambda: reply(ok()))
        else:
            reply(ok())

    def end_revoked(self, reply: Reply) -> None:
        """End the ssh connections of keys that have been removed."""
        self._ssh.end_revoked(reply)

    def notes(self) -> list[str]:
        return [*self._notes, *self._ssh.notes()]

    def open(
        self,
        name: str,
        connection: socket.socket,
        client: ClientFacts = NOT_KNOWN,
        offer: tuple[str, ...] = HostKeyOffer.CERTIFIED,
    ) -> None:
        """Give a stream to an app, which answers it. `client` and `offer` concern ssh alone.

        Raises:
            Problem: there is no such app, it is not launched, or it has ended.
            OSError: the gateway is gone.
        """
        if name == SshApp.name:
            self._ssh.open(connection, client, offer)
        elif name == CheckApp.name:
            self._check.open(connection)
        elif name in self._others:
            self._others[name].open(connection)
        else:
            raise Problem(Code.NOT_FOUND, f"no app {name!r} has been launched in this session")

    def list(self) -> list[dict[str, Any]]:
        return [self._ssh.status(), *(app.status() for app in self._others.values())]

    def _start_other(self, config: AppConfig) -> PortApp:
        running = self._others.get(config.name)
        if running is not None and running.exit_status is None:
            return running
        if not config.command:
            raise Problem(Code.NOT_FOUND, f"this session knows no app {config.name!r}, and no command came with it")
        self._others[config.name] = PortApp(self._loop, self._children, config)
        return self._others[config.name]
