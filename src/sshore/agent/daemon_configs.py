"""sshd's configuration for a connection: the session's, and where the client comes from."""

import os
from typing import NamedTuple

from sshore.agent.memory_files import path_of, sealed_file

UNKNOWN = "UNKNOWN 65535 UNKNOWN 65535"
"""In sshd's own words for addresses and ports that it does not know; `SSH_CONNECTION` are four words."""
_MOST = 64


class ClientFacts(NamedTuple):
    """What is known of a client: its addresses, which become `SSH_CONNECTION`, and which of its locale variables are
    welcome, as patterns for ``AcceptEnv``."""

    addresses: str
    locale: str = ""


NOT_KNOWN = ClientFacts(UNKNOWN)


def are_addresses(words: str) -> bool:
    """Whether these are a client's address and port and a server's, as `SSH_CONNECTION` has them (ssh(1))."""
    parts = words.split(" ")
    # An IPv6 address may have the name of an interface at its end (RFC 4007 §11).
    letters = "".join(parts[::2]).translate(dict.fromkeys(map(ord, ".:%-_")))
    return (
        len(parts) == 4
        and all(parts)
        and letters.isascii()
        and letters.isalnum()
        and all(port.isdecimal() and int(port) <= 65535 for port in parts[1::2])
    )


class DaemonConfigs:
    """Keeps a copy of the configuration for each address that clients come from, and each locale of theirs.

    It is the only way to give a connection variables: of several `SetEnv` sshd takes the first, and on a command line
    the session's own could be read by everyone on the host. A file in memory needs no place to write; one for each
    connection would use up the descriptors that the agent may have.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._kept: dict[tuple[ClientFacts, int, int], int] = {}

    def path(self, client: ClientFacts) -> str:
        """Where a daemon finds the configuration; the session's own where no copy can be made."""
        try:
            facts = os.stat(self._path)  # noqa: PTH116 - pathlib costs a megabyte
            key = (client, facts.st_ino, facts.st_mtime_ns)
            copy = self._kept.pop(key, -1)
            self._kept[key] = copy if copy >= 0 else _copy(self._path, client)
        except OSError:
            return self._path
        if len(self._kept) > _MOST:
            os.close(self._kept.pop(next(iter(self._kept))))
        return path_of(self._kept[key])


def with_client(config: str, client: ClientFacts) -> str:
    """Add the two variables to those that the configuration sets, of which the first of a name counts, and the locale's
    to those that it accepts, which add up (sshd_config(5))."""
    address, port, _, server_port = client.addresses.split(" ")
    variables = f'"SSH_CONNECTION={client.addresses}" "SSH_CLIENT={address} {port} {server_port}"'
    before, found, after = config.partition("\nSetEnv ")
    told = f"{before}\nSetEnv {variables} {after}" if found else f"{config}\nSetEnv {variables}\n"
    # First: at its end the configuration has blocks for some users alone.
    return f"AcceptEnv {client.locale}\n{told}" if client.locale else told


def _copy(path: str, client: ClientFacts) -> int:
    with open(path, encoding="utf-8", errors="surrogateescape") as file:  # noqa: PTH123 - pathlib costs a megabyte
        text = with_client(file.read(), client)
    return sealed_file("sshd_config", text.encode("utf-8", "surrogateescape"))
