"""The network `nat`: a bridge of ours, closed between sessions and towards metadata services."""

import asyncio
import logging
import os
import shutil
from contextlib import suppress
from functools import cache
from pathlib import Path

from aiodocker import DockerError

from sshore.engines.docker.daemon import Daemon

log = logging.getLogger("sshore.docker")

NAT_NETWORK = "sshore-nat"
_BRIDGE = "sshore-nat0"
_LINK_LOCAL = "169.254.0.0/16"
"""Where clouds have their metadata services, which give the machine's credentials to whoever asks (RFC 3927)."""
_RULE = ("PREROUTING", "-i", _BRIDGE, "-d", _LINK_LOCAL, "-j", "DROP")
_CONFIG = {
    "Name": NAT_NETWORK,
    "Driver": "bridge",
    "CheckDuplicate": True,
    "Options": {
        "com.docker.network.bridge.name": _BRIDGE,
        "com.docker.network.bridge.enable_icc": "false",
    },
    "Labels": {"sshore.network": "nat"},
}


async def ensure_nat(daemon: Daemon) -> None:
    """Make the network where it is not there; all deployments on a daemon share it.

    Raises:
        EngineFailed: the daemon cannot make it.
    """
    with daemon.errors("make the network `nat` for sessions"):
        try:
            await daemon.docker.networks.get(NAT_NETWORK)
        except DockerError as error:
            if error.status != 404:
                raise
            await _create(daemon)
    await _close_metadata()


def isolate_sessions() -> None:
    """Have the bridge pass nothing from one session to another (bridge(8), `isolated`). Podman knows no `enable_icc`,
    by which Docker does that with its firewall rules. For a server that is root on the daemon's machine."""
    for port in Path(f"/sys/class/net/{_BRIDGE}/brif").glob("*/isolated"):
        with suppress(OSError):  # not ours to change, or gone
            port.write_text("1")


async def _create(daemon: Daemon) -> None:
    try:
        await daemon.docker.networks.create(_CONFIG)
    except DockerError as error:
        if error.status != 409:  # another server was faster
            raise


async def _close_metadata() -> None:
    """Keep sessions from link-local addresses: before routing, since some clouds' services are on the machine itself.
    The daemon's restarts leave this table alone."""
    if os.geteuid() != 0 or shutil.which("iptables") is None:
        _say_open()
        return
    if await _iptables("-C", *_RULE) != 0 and await _iptables("-I", *_RULE) != 0:
        _say_open()


async def _iptables(*words: str) -> int:
    # --wait: others may be changing the tables at this moment.
    command, silent = ("iptables", "--wait", "5", "--table", "raw", *words), asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(*command, stdout=silent, stderr=silent)
    return await process.wait()


@cache
def _say_open() -> None:
    log.warning(
        "sessions with the network `nat` can reach link-local addresses, where clouds have their metadata services: "
        "only a server that is root, with iptables, can close them",
    )
