"""The one instance: a lock that it holds while it lives, and the file that says where it listens."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import asdict, dataclass

from filelock import FileLock, Timeout

from sshore.core.errors import Conflict
from sshore.sdk.config_dir import ConfigDir
from sshore.sdk.private_files import make_private_directory, write_private

_ENDS_WITHIN_S = 5.0


@dataclass(frozen=True, slots=True)
class LocalAddress:
    """Where the local proxy listens: at a port of 127.0.0.1, where it wants to see the token; and, where it can, at
    `socket`, a path."""

    pid: int
    port: int
    token: str
    socket: str = ""


@asynccontextmanager
async def only_instance(config: ConfigDir) -> AsyncIterator[None]:
    """Be the user's one local proxy. The system drops the lock with the process, however it ends.

    Raises:
        Conflict: another process is.
    """
    make_private_directory(config.root)
    lock = FileLock(config.proxy_lock, mode=0o600)
    deadline = time.monotonic() + _ENDS_WITHIN_S
    while True:
        try:
            lock.acquire(timeout=0)
            break
        except Timeout:
            # Without an address it has only just started, or it is about to end.
            if config.proxy_address.exists() or time.monotonic() > deadline:
                raise Conflict("the local proxy runs already: sshore proxy status") from None
            await asyncio.sleep(0.02)
    try:
        yield
    finally:
        lock.release()


def is_held(config: ConfigDir) -> bool:
    """Whether a local proxy runs, or is about to end."""
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
