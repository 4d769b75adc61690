"""The line on a taken link, and its answer."""

import os
import socket
from contextlib import suppress
from typing import Any

from sshore import __version__
from sshore.agent.apps import Apps
from sshore.agent.daemon_configs import UNKNOWN, ClientFacts, are_addresses
from sshore.agent.journal import say
from sshore.agent.link import answer
from sshore.agent.locales import welcome_names
from sshore.agent.logged_program import LoggedProgram
from sshore.agent.port_app import refuse
from sshore.agent.replies import Problem, Reply, ok
from sshore.agent.ssh_app import HostKeyOffer
from sshore.agent.terminals import write_line
from sshore.wire.heads import ALL_HOST_KEYS, PLAIN_HOST_KEY
from sshore.wire.lines import LineError
from sshore.wire.problems import Code


class Requests:
    """Serves what the gateway asks. Whatever it asks, the agent goes on."""

    def __init__(self, apps: Apps, entrypoint: LoggedProgram) -> None:
        self._apps = apps
        self._entrypoint = entrypoint

    def serve(self, connection: socket.socket, message: dict[str, Any] | LineError) -> None:
        """Serve one link; its socket is closed or given away, now or later."""
        try:
            self._serve(connection, message)
        except Problem as problem:
            _drain(connection)
            refuse(connection, problem)
        except OSError as error:
            say(f"a stream or call failed: {error}")
            connection.close()

    def _serve(self, connection: socket.socket, message: dict[str, Any] | LineError) -> None:
        if isinstance(message, LineError):
            raise Problem(Code.INVALID_INPUT, f"the line is malformed: {message}")
        if "open" in message:
            client = ClientFacts(_addresses(message), _locale(message))
            self._apps.open(_word(message, "open"), connection, client, _offer(message))
        else:
            self._call(_word(message, "call"), message, _reply_on(connection))

    def _call(self, call: str, message: dict[str, Any], reply: Reply) -> None:
        if call == "app.start":
            self._apps.start(message, reply)
        elif call == "app.stop":
            self._apps.stop(_word(message, "app"), reply)
        elif call == "app.list":
            reply(ok(apps=self._apps.list()))
        elif call == "ssh.end_revoked":
            self._apps.end_revoked(reply)
        elif call == "ssh.notes":
            reply(ok(notes=self._apps.notes()))
        elif call == "entrypoint":
            reply(ok(state=self._entrypoint.state))
        elif call == "warn":
            reply(ok(terminals=write_line(_word(message, "text"))))
        elif call == "ping":
            reply(ok(version=__version__, rss_bytes=_rss_bytes()))
        else:
            raise Problem(Code.INVALID_INPUT, f"this agent knows no call {call!r}")


def _word(message: dict[str, Any], key: str) -> str:
    word = message.get(key)
    if not isinstance(word, str) or not word:
        raise Problem(Code.INVALID_INPUT, f"the line has no {key!r}")
    return word


def _offer(message: dict[str, Any]) -> tuple[str, ...]:
    plain, keys = message.get("host_key"), message.get("host_keys")
    if plain not in (None, PLAIN_HOST_KEY) or keys not in (None, ALL_HOST_KEYS):
        raise Problem(Code.INVALID_INPUT, f"this agent knows no host key that is {plain!r}, {keys!r}")
    if plain is None:
        return HostKeyOffer.CERTIFIED
    return HostKeyOffer.ED25519 if keys is None else HostKeyOffer.PLAIN


def _addresses(message: dict[str, Any]) -> str:
    addresses = message.get("connection", UNKNOWN)  # an older gateway says nothing
    if not isinstance(addresses, str) or not are_addresses(addresses):
        raise Problem(Code.INVALID_INPUT, "the line's 'connection' is not two addresses, each with its port")
    return addresses


def _locale(message: dict[str, Any]) -> str:
    told = message.get("locale", "")  # likewise
    if not isinstance(told, str):
        raise Problem(Code.INVALID_INPUT, "the line's 'locale' is no text")
    return welcome_names(told)


def _reply_on(connection: socket.socket) -> Reply:
    def reply(message: dict[str, Any]) -> None:
        try:
            answer(connection, message)
        except OSError as error:
            say(f"a call's answer was not wanted: {error}")
        connection.close()

    return reply


def _drain(connection: socket.socket) -> None:
    # A socket closed with unread bytes resets the connection, and the answer may be lost (unix(7), tcp(7)).
    with suppress(OSError):
        connection.recv(1 << 20)


def _rss_bytes() -> int:
    with open("/proc/self/statm") as file:  # noqa: PTH123 - pathlib costs a megabyte
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
