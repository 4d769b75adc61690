"""pasta(1) for the network `nat`, with the addresses that slirp4netns gives.

Its defaults are made for a container that is its user's own, and are all turned off: the host's loopback at the
gateway's address (``--no-map-gw``), the host's ports on the session's loopback (``-T``, ``-U``), and the session's
ports on the host (``-t``, ``-u``). It closes all descriptors but the standard ones: those are what it is given.
"""

import fcntl
import os
import select
import signal
import subprocess

from sshore.engines.sandbox.binary import run_as
from sshore.engines.sandbox.etc import NAT_DNS
from sshore.engines.sandbox.nat.joining import DEVICE, ENVIRONMENT, MTU, Joining

NAME = "pasta"
_WRITABLE_BY_NAME = 0o622
_CLOSED = (
    *("--no-map-gw", "--tcp-ports", "none", "--udp-ports", "none", "--tcp-ns", "none", "--udp-ns", "none"),
    "--ipv4-only",
)
# All addresses are given, so that the host needs none: left to itself, it copies those of the interface with the
# default route, and does not start where there is none. The MAC address is the gateway's.
_ADDRESSES = (
    *("--config-net", "--interface", "lo", "--ns-ifname", DEVICE, "--mtu", str(MTU)),
    *("--address", "10.0.2.100", "--netmask", "24", "--gateway", "10.0.2.2", "--mac-addr", "9a:55:9a:55:9a:55"),
    *("--dns-forward", NAT_DNS),
)


def ready(pid: int) -> bytes:
    """What it says when it is up: its pid, which it writes to the file of ``--pid``."""
    return b"%d\n" % pid


def spawn(program: str, joining: Joining) -> "subprocess.Popen[bytes]":
    """Start it; it says `ready`. It is killed when the lifeline hangs up."""
    # It opens the pipe by its name in /proc, and has another uid than a server that is root.
    os.fchmod(joining.ready, _WRITABLE_BY_NAME)
    child = subprocess.Popen(
        _arguments(program, joining),
        **run_as(joining.host_uid),
        stdin=joining.user,
        stdout=joining.lifeline,
        stderr=joining.ready,
        env=ENVIRONMENT,
        cwd="/",
        start_new_session=True,
    )
    _kill_at_hangup(joining.lifeline, child)
    return child


def _arguments(program: str, joining: Joining) -> list[str]:
    # The network namespace by the name that AppArmor's profile for it, on Debian and Ubuntu, lets it open.
    return [
        *(program, "--foreground", "--quiet", "--pid", "/proc/self/fd/2"),
        *("--userns", "/proc/self/fd/0", "--netns", f"/proc/{joining.agent_pid}/ns/net"),
        *_ADDRESSES,
        *_CLOSED,
    ]


def _kill_at_hangup(lifeline: int, child: "subprocess.Popen[bytes]") -> None:
    """Have the kernel kill a process when the other end of its socket is closed: F_SETOWN and O_ASYNC (fcntl(2))
    are of the open socket, which the process keeps. pasta itself looks once a second whether the session's pid 1 is
    gone, and Debian 12's not even that."""
    fcntl.fcntl(lifeline, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, child.pid)
    fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)
    hangup = select.poll()
    hangup.register(lifeline, select.POLLHUP)
    if hangup.poll(0):
        child.kill()
