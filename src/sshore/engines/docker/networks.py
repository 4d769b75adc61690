"""The network `nat`: a bridge of ours, closed between sessions and towards metadata services."""

import asyncio
import logging
import os
import secrets
import shutil
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from aiodocker import DockerError

from sshore.core.errors import EngineFailed
from sshore.engines.docker.daemon import Daemon

log = logging.getLogger("sshore.docker")

NAT_NETWORK = "sshore-nat"
_LINK_LOCAL = "169.254.0.0/16"
"""Where clouds have their metadata services, which give the machine's credentials to whoever asks (RFC 3927)."""
_BRIDGE_LABEL = "sshore.bridge"
_FIRST_BRIDGE = "sshore-nat0"
"""The bridge of networks that were made before they had the label."""


@dataclass(frozen=True, slots=True)
class NatNetwork:
    """The network by its id, for servers that start at once may each make one of the name; and its bridge."""

    id: str
    bridge: str


async def ensure_nat(daemon: Daemon) -> NatNetwork:
    """Make the network where it is not there; all deployments on a daemon share it.

    Raises:
        EngineFailed: the daemon cannot make it.
    """
    with daemon.errors("make the network `nat` for sessions"):
        network = await _oldest(daemon)
        if network is None:
            await _create(daemon)
            network = await _oldest(daemon)
    if network is None:
        raise EngineFailed("the network `nat` for sessions was removed while it was made: try again")
    await _close_metadata(network.bridge)
    return network


def isolate_sessions(bridge: str) -> None:
    """Have the bridge pass nothing from one session to another (bridge(8), `isolated`). Podman knows no `enable_icc`,
    by which Docker does that with its firewall rules. For a server that is root on the daemon's machine."""
    for port in Path(f"/sys/class/net/{bridge}/brif").glob("*/isolated"):
        with suppress(OSError):  # not ours to change, or gone
            port.write_text("1")


async def _oldest(daemon: Daemon) -> NatNetwork | None:
    # The filter takes names that only begin so, too.
    found = await daemon.docker.networks.list(filters={"name": [NAT_NETWORK]})
    ours = [network for network in found if network["Name"] == NAT_NETWORK]
    if not ours:
        return None
    network = min(ours, key=lambda each: (str(each.get("Created", "")), each["Id"]))
    labels = network.get("Labels") or {}
    return NatNetwork(network["Id"], str(labels.get(_BRIDGE_LABEL, _FIRST_BRIDGE)))


async def _create(daemon: Daemon) -> None:
    # One of its own: daemons on one machine, such as Docker and Podman, take each other's bridges away.
    bridge = f"sshore-{secrets.token_hex(4)}"
    config = {
        "Name": NAT_NETWORK,
        "Driver": "bridge",
        "CheckDuplicate": True,
        "Options": {
            "com.docker.network.bridge.name": bridge,
            "com.docker.network.bridge.enable_icc": "false",
        },
        "Labels": {"sshore.network": "nat", _BRIDGE_LABEL: bridge},
    }
    try:
        await daemon.docker.networks.create(config)
    except DockerError as error:
        if error.status != 409:  # another server was faster
            raise


async def _close_metadata(bridge: str) -> None:
    """Keep sessions from link-local addresses: before routing, since some clouds' services are on the machine itself.
    The daemon's restarts leave this table alone."""
    if os.geteuid() != 0 or shutil.which("iptables") is None:
        _say_open()
        return
    rule = ("PREROUTING", "-i", bridge, "-d", _LINK_LOCAL, "-j", "DROP")
    if await _iptables("-C", *rule) != 0 and await _iptables("-I", *rule) != 0:
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
