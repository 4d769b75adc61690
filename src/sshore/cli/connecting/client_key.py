"""The client key: made once, certified for each connection."""

import os
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

from sshore.cli.connecting.openssh import require
from sshore.core.errors import SshoreError
from sshore.sdk.config_dir import ConfigDir
from sshore.sdk.private_files import make_private_directory


def client_public_key(config: ConfigDir) -> str:
    """The public half of the client key, which is made at the first use."""
    path = config.client_key
    if not path.exists():
        require("ssh-keygen")
        _make_client_key(path)
    public = path.with_suffix(".pub")
    if public.exists():
        return public.read_text().strip()
    return _keygen("-y", "-f", str(path)).strip()


def _make_client_key(path: Path) -> None:
    make_private_directory(path.parent)
    with tempfile.TemporaryDirectory(dir=path.parent) as aside:
        made = Path(aside, path.name)
        options = ("-q", "-N", "", "-C", "sshore", "-f", str(made))
        try:
            _keygen("-t", "ed25519", *options)
        except SshoreError:  # a host in FIPS mode has no Ed25519, and ECDSA; what else is wrong is wrong with both
            _keygen("-t", "ecdsa", "-b", "256", *options)
        # Whoever comes second leaves the first one's key in its place.
        with suppress(FileExistsError):
            os.link(made, path)
            made.with_suffix(".pub").replace(path.with_suffix(".pub"))


def _keygen(*arguments: str) -> str:
    done = subprocess.run(["ssh-keygen", *arguments], check=False, capture_output=True, text=True)
    if done.returncode:
        raise SshoreError(f"ssh-keygen failed: {done.stderr.strip() or done.returncode}")
    return done.stdout
