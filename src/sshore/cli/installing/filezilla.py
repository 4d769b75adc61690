"""A site and its host key in the directory that FileZilla has on Unix. From 3.70 on FileZilla keeps host keys itself;
older ones share PuTTY's."""

from collections.abc import Mapping
from pathlib import Path

from sshore.cli.installing.own_files import read_own, write_own
from sshore.core.errors import Conflict
from sshore.profiles import filezilla_files as filezilla
from sshore.profiles.sites import Site


class FilezillaDirectory:
    """FileZilla's directory of one user; `own_keys` is where the key files of our sessions lie."""

    def __init__(self, root: Path, own_keys: Path) -> None:
        self._root = root
        self._own_keys = own_keys

    def save_site(self, site: Site) -> None:
        """Save a site, or renew ours.

        Raises:
            Conflict: the user has another one of this name.
            InvalidInput: the file with the sites is damaged.
        """
        path = self._root / "sitemanager.xml"
        old = read_own(path)
        if any(not Path(key).is_relative_to(self._own_keys) for key in filezilla.key_files(old, site.name)):
            raise Conflict(f"FileZilla has a site {site.name} of yours: give it another name in the Site Manager")
        write_own(path, filezilla.with_site(old, site))

    def trust_host_key(self, site: Site, host_key: str) -> None:
        """Have the host key behind a local port trusted."""
        path = self._root / "hostkeys.xml"
        write_own(path, filezilla.with_host_key(read_own(path), site.port, host_key))


def find_filezilla_directory(environment: Mapping[str, str], home: Path) -> Path:
    """Where FileZilla keeps its files: where it kept them once, if that is there."""
    old = home / ".filezilla"
    return old if old.exists() else Path(environment.get("XDG_CONFIG_HOME") or home / ".config") / "filezilla"
