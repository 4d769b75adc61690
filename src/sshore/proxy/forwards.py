"""A forward and its connection card, as values."""

import shlex
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import quote

from sshore.core import layout
from sshore.core.names import FOLDER_PREFIX
from sshore.core.public_keys import read_public_key_text
from sshore.profiles.known_hosts import forget_command
from sshore.profiles.ssh_config import config_word

HOST = "localhost"


@dataclass(frozen=True, slots=True)
class ForwardKey:
    """What a forward leads to. `server` is a URL; `session_id` may be a folder: ``folder:ID``, so that it follows the
    folder when that is renamed, or ``folder:[OWNER/]NAME`` as older servers and local proxies have it."""

    server: str
    session_id: str
    app: str


@dataclass(frozen=True, slots=True)
class Forward:
    """A local port bound to an app of a session.

    `token` is empty where the user's stored credentials are used; `host_key` is the session's, and is empty
    for apps that do not speak SSH. `further_host_keys` are of other types; where a forward that an older local proxy
    has opened knows none, it offers none.
    """

    key: ForwardKey
    name: str
    port: int
    host_key: str = ""
    fingerprint: str = ""
    token: str = ""
    further_host_keys: tuple[str, ...] = ()

    @property
    def host_keys(self) -> list[str]:
        return [key for key in (self.host_key, *self.further_host_keys) if key]

    @property
    def is_folder(self) -> bool:
        return self.key.session_id.startswith(FOLDER_PREFIX)


@dataclass(frozen=True, slots=True)
class ForwardStatus:
    """A forward as it is listed."""

    session: str
    session_id: str
    app: str
    server: str
    port: int
    health: str
    detail: str
    connections: int


@dataclass(frozen=True, slots=True)
class Card:
    """The connection card: everything that a client needs to be told."""

    session: str
    app: str
    user: str
    host: str
    port: int
    url: str
    key_file: str
    command: str
    sftp_command: str
    host_key_fingerprint: str
    known_hosts_file: str
    notes: list[str] = field(default_factory=list)
    host_key_fingerprints: dict[str, str] = field(default_factory=dict)
    """Of each host key, by its type."""
    forget_command: str = ""
    """What mends a known_hosts of the user's own, where the port was another one's before."""


def make_card(forward: Forward, key_file: Path, known_hosts: Path, notes: list[str]) -> Card:
    """The card of a forward to SSH; its commands verify the host key and ask nothing."""
    options = _options(key_file, known_hosts)
    account = f"{layout.ACCOUNT}@{HOST}"
    return Card(
        session=forward.name,
        app=forward.key.app,
        user=layout.ACCOUNT,
        host=HOST,
        port=forward.port,
        url=f"ssh://{account}:{forward.port}",
        key_file=str(key_file),
        command=f"ssh {options} {account} -p {forward.port}",
        sftp_command=f"sftp {options} -P {forward.port} {account}",
        host_key_fingerprint=forward.fingerprint,
        known_hosts_file=str(known_hosts),
        notes=notes,
        host_key_fingerprints={key.type: key.fingerprint for key in map(read_public_key_text, forward.host_keys)},
    )


def make_folder_card(forward: Forward, key_file: Path, known_hosts: Path, path: str, notes: list[str]) -> Card:
    """The card of a forward to a folder, where there is SFTP and no shell."""
    card = make_card(forward, key_file, known_hosts, notes)
    url = f"sftp://{card.user}@{card.host}:{card.port}{quote(path)}"
    return replace(card, url=url, command=card.sftp_command)


def without_former_key(card: Card) -> Card:
    """The card of a forward whose port was another one's: a known_hosts of the user's own may have that one's key."""
    command = forget_command(card.port)
    note = (
        f"port {card.port} was another session's or folder's before; where ssh without the card's options says "
        f"REMOTE HOST IDENTIFICATION HAS CHANGED, this mends it: {command}"
    )
    return replace(card, notes=[*card.notes, note], forget_command=command)


def make_plain_card(forward: Forward, notes: list[str]) -> Card:
    """The card of a forward to an app that is no SSH: its address."""
    url = f"http://{HOST}:{forward.port}"
    return Card(forward.name, forward.key.app, "", HOST, forward.port, url, "", "", "", "", "", notes)


def _options(key_file: Path, known_hosts: Path) -> str:
    # `ssh -i` looks for the file first, and replaces tokens in its name then.
    key = ["-o", f"IdentityFile={config_word(key_file)}"] if "%" in str(key_file) else ["-i", str(key_file)]
    words = [*key, "-o", "IdentitiesOnly=yes", "-o", f"UserKnownHostsFile={config_word(known_hosts)}"]
    return " ".join(shlex.quote(word) for word in words)
