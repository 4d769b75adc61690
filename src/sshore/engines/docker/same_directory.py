"""Whether the daemon sees the state directory where the server does: it mounts parts of it into sessions, by path.

A server that itself runs in a container has it at another place, unless it was mounted at its own.
"""

import secrets
from pathlib import Path
from typing import Any

from aiodocker import DockerError

from sshore.core.errors import InvalidInput
from sshore.engines.docker.daemon import Daemon

_NOT_THERE = ("bind source path does not exist", "no such file or directory")


async def check_same_directory(daemon: Daemon, state_dir: Path) -> None:
    """Ask for a container that has a new file of the state directory mounted, of an image that is nowhere: the daemon
    looks at mounts before it looks for the image, and makes none.

    Raises:
        InvalidInput: it does not see the file; says how to mount the directory. Unavailable: it does not answer.
    """
    name = secrets.token_hex(8)
    file = state_dir / "docker" / f"seen-{name}"
    file.touch(0o600)
    try:
        if await _sees(daemon, file, name):
            return
    finally:
        file.unlink()
    raise InvalidInput(
        f"the Docker daemon does not see the state directory {state_dir}, of which it mounts parts into sessions: "
        f"where the server runs in a container, give that container the host's directory at the very same path "
        f"(docker run --volume {state_dir}:{state_dir} …), not a named volume"
    )


async def _sees(daemon: Daemon, file: Path, name: str) -> bool:
    mount = {"Type": "bind", "Source": str(file), "Target": "/seen", "ReadOnly": True}
    config: dict[str, Any] = {"Image": f"sshore-asks-{name}", "HostConfig": {"Mounts": [mount]}}
    with daemon.errors("be asked what it sees"):
        try:
            await daemon.docker.containers.create(config)
        except DockerError as error:
            if any(words in error.message for words in _NOT_THERE):
                return False
            if error.status not in (400, 404, 409, 500):
                raise
    return True
