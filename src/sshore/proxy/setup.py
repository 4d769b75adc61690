"""What a server is asked when a forward is opened: blocking calls, for a thread."""

from dataclasses import dataclass
from pathlib import Path

from sshore.core.apps import SSH
from sshore.core.settings import PREFERRED_SSH_PORT, parse_port
from sshore.schema.messages import SessionMessage
from sshore.sdk.client import Client
from sshore.sdk.config_dir import ConfigDir
from sshore.sdk.credentials import Login
from sshore.sdk.private_files import write_private


@dataclass(frozen=True, slots=True)
class Prepared:
    """A session whose app is launched; for SSH with its host key, and the session key's file written."""

    session: SessionMessage
    preferred_port: int | None
    host_key: str = ""
    key_file: Path | None = None


def prepare(login: Login, ref: str, app: str, config: ConfigDir) -> Prepared:
    """Launch the app, which is what connecting means, and fetch what its card needs.

    Raises:
        ApiError: the session or the app is not there, or does not run.
        ServerUnreachable: there was no answer.
    """
    with Client(login) as client:
        client.ensure_app(ref, app)
        session = client.session(ref)
        if app != SSH:
            return Prepared(session, None)
        key = client.session_key(ref)
        preferred = client.setting(PREFERRED_SSH_PORT).value
    key_file = config.session_key(session.id)
    write_private(key_file, key.private_key)
    return Prepared(session, parse_port(preferred) if preferred else None, key.host_key, key_file)


def list_sessions(login: Login) -> dict[str, SessionMessage]:
    """The user's sessions by id, within a short time limit."""
    with Client(login, timeout_s=5) as client:
        return {session.id: session for session in client.sessions()}
