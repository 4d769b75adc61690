"""The client key: made once, certified for each connection."""

import errno
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from sshore.cli.connecting.openssh import require
from sshore.cli.launch import load_site
from sshore.core.errors import SshoreError, Unavailable
from sshore.sdk.config_dir import ConfigDir
from sshore.sdk.private_files import make_private_directory

_PATIENCE_S = 30
_NO_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL)


def client_public_key(config: ConfigDir) -> str:
    """The public half of the client key, which is made at the first use."""
    path = config.client_key
    if not path.exists():
        require("ssh-keygen")
        _make_client_key(path)
    public = path.with_suffix(".pub")
    if public.exists():
        return public.read_text("ascii", "replace").strip()
    return _keygen("-y", "-f", str(path)).strip()


def _make_client_key(path: Path) -> None:
    load_site()
    make_private_directory(path.parent)
    with _alone(path), tempfile.TemporaryDirectory(prefix=".new-", dir=path.parent) as aside:
        if path.exists():  # another one was quicker: that key it is
            return
        made = Path(aside, path.name)
        options = ("-q", "-N", "", "-C", "sshore", "-f", str(made))
        try:
            _keygen("-t", "ed25519", *options)
        except SshoreError:  # a host in FIPS mode has no Ed25519, and ECDSA; what else is wrong is wrong with both
            _keygen("-t", "ecdsa", "-b", "256", *options)
        # The private half last: where it is, both are.
        made.with_suffix(".pub").replace(path.with_suffix(".pub"))
        made.replace(path)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Be the only one to make the key. By a lock and not by link(2), which many a file system lacks (SMB, exFAT, some
    of FUSE); one that knows no locks either leaves a moment in which the later of two keys stays."""
    from filelock import FileLock, Timeout  # not found yet where `ssh` waits (launch.py), and not needed a second time

    lock = FileLock(path.with_name(f".{path.name}.lock"), mode=0o600)
    with ExitStack() as stack:
        try:
            stack.enter_context(lock.acquire(timeout=_PATIENCE_S))
        except Timeout:
            raise Unavailable(f"another process makes the client key, and does not end: {lock.lock_file}") from None
        except (NotImplementedError, OSError) as error:
            if isinstance(error, OSError) and error.errno not in _NO_LOCKS:
                raise
        yield


def _keygen(*arguments: str) -> str:
    done = subprocess.run(
        ["ssh-keygen", *arguments], check=False, capture_output=True, text=True, errors="replace", timeout=_PATIENCE_S
    )
    if done.returncode:
        raise SshoreError(f"ssh-keygen failed: {done.stderr.strip() or done.returncode}")
    return done.stdout
