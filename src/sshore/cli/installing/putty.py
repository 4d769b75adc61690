"""Sessions, host keys and host CAs in the directory that PuTTY has on Unix."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from sshore.cli.installing.own_files import read_own, write_own
from sshore.core.errors import Conflict
from sshore.profiles import putty_files as putty
from sshore.profiles.sites import Site


class PuttyDirectory:
    """PuTTY's directory of one user; `own_keys` is where the key files of our sessions lie."""

    def __init__(self, root: Path, own_keys: Path) -> None:
        self._root = root
        self._own_keys = own_keys

    def save_session(self, name: str, settings: putty.Settings) -> None:
        """Save a session, or renew ours, where what its user has set besides stays.

        Raises:
            Conflict: the user has another one of this name.
        """
        path = self._root / "sessions" / putty.file_name(name)
        old = read_own(path)
        if old and not Path(putty.setting(old, "PublicKeyFile")).is_relative_to(self._own_keys):
            raise Conflict(f"PuTTY has a session {name} of yours: save it under another name, then delete {path}")
        write_own(path, putty.with_settings(old, settings))

    def trust_host_keys(self, site: Site, host_keys: Sequence[str]) -> None:
        """Have the host keys behind a local port trusted."""
        path = self._root / "sshhostkeys"
        write_own(path, putty.with_host_keys(read_own(path), site.port, host_keys))

    def trust_host_ca(self, name: str, public_key: str) -> None:
        """Have a server's host CA trusted for the names of sessions."""
        path = self._root / "sshhostcas" / putty.file_name(name)
        write_own(path, putty.with_settings(read_own(path), putty.host_ca(public_key)))


def find_putty_directory(environment: Mapping[str, str], home: Path) -> Path:
    """Where PuTTY keeps its files: the first of these that is there, else the one it would make (unix/storage.c)."""
    if chosen := environment.get("PUTTYDIR"):
        return Path(chosen)
    modern = Path(environment.get("XDG_CONFIG_HOME") or home / ".config") / "putty"
    old = home / ".putty"
    return old if old.exists() and not modern.exists() else modern
