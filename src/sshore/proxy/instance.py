"""The one instance: a lock that it holds while it lives, and the file that says where it listens."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass

from filelock import FileLock, Timeout

from sshore.core.errors import Conflict
from sshore.sdk.config_dir import ConfigDir
from sshore.sdk.private_files import make_private_directory, write_private


@dataclass(frozen=True, slots=True)
class LocalAddress:
    """Where the local proxy listens: at a port of 127.0.0.1, where it wants to see the token; and, where it can, at
    `socket`, a path."""

    pid: int
    port: int
    token: str
    socket: str = ""


@contextmanager
def only_instance(config: ConfigDir) -> Iterator[None]:
    """Be the user's one local proxy. The system drops the lock with the process, however it ends.

    Raises:
        Conflict: another process is.
    """
    make_private_directory(config.root)
    lock = FileLock(config.proxy_lock, mode=0o600)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise Conflict("the local proxy runs already: sshore proxy status") from None
    try:
        yield
    finally:
        lock.release()


def is_held(config: ConfigDir) -> bool:
    """Whether a local proxy runs."""
    try:
        with FileLock(config.proxy_lock, mode=0o600).acquire(timeout=0):
            return False
    except Timeout:
        return True


@contextmanager
def announced(config: ConfigDir, address: LocalAddress) -> Iterator[None]:
    """Say where the local proxy listens, for as long as it does."""
    write_private(config.proxy_address, json.dumps(asdict(address)) + "\n")
    try:
        yield
    finally:
        with suppress(OSError):
            config.proxy_address.unlink()


def read_address(config: ConfigDir) -> LocalAddress | None:
    """Where a local proxy listens, or has listened; None where nothing says so."""
    try:
        said = json.loads(config.proxy_address.read_bytes())
        return LocalAddress(int(said["pid"]), int(said["port"]), str(said["token"]), str(said.get("socket", "")))
    except (OSError, ValueError, KeyError, TypeError):
        return None
