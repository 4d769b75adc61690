"""What a server is asked when a forward is opened: blocking calls, for a thread.

A server's answer is not trusted to be what it should: ids become parts of file names; names, keys and fingerprints
become lines of other programs' files.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sshore.core.apps import SSH
from sshore.core.errors import InvalidInput
from sshore.core.folders import check_folder_ref
from sshore.core.names import FOLDER_PREFIX
from sshore.core.public_keys import read_public_key_text
from sshore.core.settings import PREFERRED_SSH_PORT, parse_port
from sshore.schema.session_messages import SessionMessage
from sshore.sdk.client import Client
from sshore.sdk.config_dir import ConfigDir
from sshore.sdk.credentials import Login
from sshore.sdk.errors import foreign_answer
from sshore.sdk.login_certificate import ForeignAnswer, check_label
from sshore.sdk.private_files import write_private


@dataclass(frozen=True, slots=True)
class Prepared:
    """A session whose app is launched, or a folder; for SSH with its host keys, and the private key's file written.

    `ref` is what its streams are opened by, `name` what its user calls it, `path` where a folder lies.
    """

    ref: str
    name: str
    preferred_port: int | None
    host_key: str = ""
    host_key_fingerprint: str = ""
    further_host_keys: tuple[str, ...] = ()
    key_file: Path | None = None
    path: str = ""


def prepare(login: Login, ref: str, app: str, config: ConfigDir) -> Prepared:
    """Launch the app, which is what connecting means, and fetch what its card needs.

    Raises:
        ApiError: the session or the app is not there, or does not run.
        ServerUnreachable: there was no answer.
    """
    with _reading(login), Client(login) as client:
        if ref.startswith(FOLDER_PREFIX):
            return _prepare_folder(client, ref, app, config)
        client.ensure_app(ref, app)
        session = _checked(client.session(ref))
        if app != SSH:
            return Prepared(session.id, session.name, None)
        key = client.session_key(ref)
        preferred = client.setting(PREFERRED_SSH_PORT).value
        host_key, further = read_public_key_text(key.host_key), _lines(key.further_host_keys)
    key_file = config.session_key(session.id)
    write_private(key_file, key.private_key)
    port = parse_port(preferred) if preferred else None
    return Prepared(session.id, session.name, port, host_key.line, host_key.fingerprint, further, key_file)


def _prepare_folder(client: Client, ref: str, app: str, config: ConfigDir) -> Prepared:
    if app != SSH:
        raise InvalidInput(f"a folder has no {app} to connect to, but SFTP alone: leave --app out")
    key = client.folder_key(ref.removeprefix(FOLDER_PREFIX))
    host_key, further = read_public_key_text(key.host_key), _lines(key.further_host_keys)
    refs = _folder_refs(client)
    key_file = config.session_key(check_label(key.folder_id))
    write_private(key_file, key.private_key)
    # An older server opens no stream by a folder's id, and lists none.
    held = key.folder_id if key.folder_id in refs else ref.removeprefix(FOLDER_PREFIX)
    name = FOLDER_PREFIX + refs.get(held, held)
    told = host_key.line, host_key.fingerprint, further, key_file, key.path
    return Prepared(FOLDER_PREFIX + held, name, None, *told)


def _lines(host_keys: Iterable[str]) -> tuple[str, ...]:
    return tuple(read_public_key_text(line).line for line in host_keys)


def _folder_refs(client: Client) -> dict[str, str]:
    refs = {}
    for folder in client.folders():
        ref = folder.ref or folder.name
        check_folder_ref(ref)
        refs[check_label(folder.id) if folder.id else ref] = ref
    return refs


def _checked(session: SessionMessage) -> SessionMessage:
    check_label(session.id)
    check_label(session.name)
    return session


@contextmanager
def _reading(login: Login) -> Iterator[None]:
    """Turn what no Sshore server says into an error that names the server."""
    try:
        yield
    except ForeignAnswer as error:
        raise foreign_answer(login.address.url, error) from error


@dataclass(frozen=True, slots=True)
class Listing:
    """What a user has on a server: sessions by id; and how the user calls each folder, by its id (by that itself where
    the server is too old to say an id), asked for where it matters."""

    sessions: dict[str, SessionMessage]
    folders: dict[str, str]

    def find_folder(self, held: str) -> tuple[str, str] | None:
        """Id and name of the folder that a forward leads to; forwards of an older local proxy know it by name."""
        if held in self.folders:
            return held, self.folders[held]
        return next(((folder_id, ref) for folder_id, ref in self.folders.items() if ref == held), None)


def list_all(login: Login, *, folders: bool) -> Listing:
    """The user's sessions and, where asked for, folders, within a short time limit."""
    with _reading(login), Client(login, timeout_s=5) as client:
        sessions = {session.id: _checked(session) for session in client.sessions()}
        return Listing(sessions, _folder_refs(client) if folders else {})
