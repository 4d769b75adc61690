"""Where a user's own files lie."""

from dataclasses import dataclass
from pathlib import Path

from sshore.core.errors import Forbidden
from sshore.sdk import places
from sshore.sdk.login_certificate import check_label
from sshore.sdk.private_files import writable_by_others


@dataclass(frozen=True, slots=True)
class ConfigDir:
    """The user's config directory.

    credentials.json         tokens by server (0600)
    proxy.json, proxy.lock, proxy.log   the local proxy: where it listens, the lock it holds, its log
    proxy.socket             where it listens for this user alone, where the system has such sockets
    handed/                  tokens on their way to it, which are in no request
    forwards.json            the forwards it restores at start
    keys/<session id>/id_container      downloaded session keys (0600)
    ssh/config               what ``Include`` in the user's ssh_config names; it includes ssh/openssh_config
    ssh/launch.py            what `ssh` runs then (profiles/launcher.py)
    ssh/known_hosts          the servers' host CAs, for OpenSSH by name (NAME.sshore)
    ssh/known_hosts_forwards the host key behind each local port, for every program and library; never a CA, at
                             which Paramiko from 3 on stumbles
    ssh/id_sshore[.pub]      the client key; ssh/certs/ its certificates by host name
    """

    root: Path

    def check(self) -> None:
        """Refuse a directory into which others may put what this user's programs would believe.

        Raises:
            Forbidden: they may; says what to do.
        """
        parts = (".", "ssh", "keys", "handed") if self._can_be_entered() else (".",)
        for directory in map(self.root.joinpath, parts):
            if writable_by_others(directory):
                raise Forbidden(
                    f"others may write into {directory}, from where sshore takes tokens and the hosts it trusts: look "
                    f"whether all in it is yours, then: chmod go-w {directory} (or choose another directory by "
                    "SSHORE_CONFIG_DIR)"
                )

    def _can_be_entered(self) -> bool:
        try:
            return bool(self.root.stat().st_mode & 0o011)
        except OSError:
            return False

    @property
    def credentials(self) -> Path:
        return self.root / places.CREDENTIALS

    @property
    def proxy_address(self) -> Path:
        return self.root / "proxy.json"

    @property
    def proxy_socket(self) -> Path:
        return self.root / "proxy.socket"

    @property
    def handed_tokens(self) -> Path:
        return self.root / "handed"

    @property
    def proxy_lock(self) -> Path:
        return self.root / "proxy.lock"

    @property
    def proxy_log(self) -> Path:
        return self.root / "proxy.log"

    @property
    def forwards(self) -> Path:
        return self.root / "forwards.json"

    @property
    def session_keys(self) -> Path:
        return self.root / "keys"

    def session_key(self, session_id: str) -> Path:
        """Raises ValueError for what is no id: it would lead to another directory."""
        return self.session_keys / check_label(session_id) / "id_container"

    @property
    def ssh_config(self) -> Path:
        return self.root / "ssh" / "config"

    @property
    def openssh_config(self) -> Path:
        return self.root / "ssh" / "openssh_config"

    @property
    def launcher(self) -> Path:
        return self.root / "ssh" / "launch.py"

    @property
    def known_hosts(self) -> Path:
        return self.root / places.KNOWN_HOSTS

    @property
    def forwards_known_hosts(self) -> Path:
        return self.root / "ssh" / "known_hosts_forwards"

    @property
    def client_key(self) -> Path:
        return self.root / places.CLIENT_KEY

    def certificate(self, host: str) -> Path:
        return self.root / places.CERTIFICATES / f"{host}{places.CERTIFICATE_SUFFIX}"
