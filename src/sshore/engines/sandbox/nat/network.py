"""The network `nat`: pasta(1) or slirp4netns(1), which carries a session's traffic in the host's by ordinary sockets.
What no session is to reach there is closed before the session begins; see closed_routes.py.

Both give a session the same addresses and the same isolation. slirp4netns comes first where it is there: what newer
pastas upload was measured at a tenth of it and less (docs/measurements.md). It is no longer developed, though, and
distributions leave it out one after the other: pasta does where it is missing.
"""

import fcntl
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sshore.core.choices import Network
from sshore.core.errors import EngineFailed
from sshore.engines.sandbox.descriptors import read_until_word
from sshore.engines.sandbox.nat import closed_routes, pasta, slirp, tun
from sshore.engines.sandbox.nat.joining import ENVIRONMENT, Joining
from sshore.engines.sandbox.nat.tun import TUN
from sshore.engines.sandbox.processes import Process, identify

_NS_GET_USERNS = 0xB701  # ioctl_ns(2)
_READY_TIMEOUT_S = 10.0
_MAPPED_TIMEOUT_S = 5.0
_MAPPED_POLL_S = 0.001
_COMPLAINT_BYTES = 1000
_OTHERS = "or choose --network none"


def check_network(network: Network, host_uid: int | None) -> None:
    """Refuse a network that cannot be here.

    Raises:
        EngineFailed: there is no program for it, or the session's uid cannot open /dev/net/tun.
    """
    if network is not Network.NAT:
        return
    if _program() is None:
        raise EngineFailed(
            "the network `nat` needs slirp4netns or pasta: `sudo apt-get install slirp4netns`, or the package passt "
            f"(dnf, zypper, pacman: likewise), {_OTHERS}"
        )
    if not TUN.exists():
        raise EngineFailed(f"the network `nat` needs {TUN}: `sudo modprobe tun`, {_OTHERS}")
    if not tun.is_open_to(host_uid) and not tun.can_be_made():
        raise EngineFailed(
            f"the network `nat` needs {TUN} open to the sessions' users, as systemd sets it by default: "
            f"`sudo chmod 0666 {TUN}` (a udev rule keeps it: "
            f'KERNEL=="tun", MODE="0666", OPTIONS+="static_node=net/tun"), {_OTHERS}'
        )


def lifeline() -> tuple[socket.socket, socket.socket]:
    """What ends a session's network with the session: one end for the session's pid 1, and one for the
    network's program, which ends when the first is closed. A session can write nothing to it; a pipe it could
    open anew by its name in /proc."""
    agent_end, network_end = socket.socketpair()
    agent_end.shutdown(socket.SHUT_WR)
    return agent_end, network_end


@dataclass(frozen=True, slots=True)
class Coming:
    """A network that is coming up, by `process`, which the caller has to end if that fails."""

    process: Process
    _program: str
    _closing: "subprocess.Popen[bytes]"
    _ready: int
    _ready_word: bytes
    _log: int

    def wait(self) -> None:
        """Return when the network is up, and closed where it is to be. Blocks.

        Raises:
            EngineFailed: it does not come up, or cannot be closed.
        """
        self._wait_closed()
        said = read_until_word(self._ready, self._ready_word, time.monotonic() + _READY_TIMEOUT_S)
        if said.endswith(self._ready_word):
            return
        why = (said or os.pread(self._log, _COMPLAINT_BYTES, 0)).decode(errors="replace").strip()
        raise EngineFailed(
            f"{self._program}, which the network `nat` needs, did not come up: {why or 'it fell silent'}"
        )

    def _wait_closed(self) -> None:
        try:
            _, said = self._closing.communicate(timeout=_READY_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            said = b"it fell silent"
        if self._closing.returncode != 0:
            why = said.decode(errors="replace").strip().rpartition("\n")[2]
            raise EngineFailed(f"the network `nat` cannot be closed towards link-local addresses: {why}")


def start_network(
    agent_pid: int, network_end: socket.socket, log: int, host_uid: int | None, stack: ExitStack
) -> Coming:
    """Start to give a session its network, which takes milliseconds. Blocks shortly; `stack` closes what is needed
    until the network is up.

    `log` is a file that the program writes to, open for reading, too; `network_end` is of a `lifeline`.

    Raises:
        OSError: it cannot be started, or the session has ended.
    """
    program = _program() or slirp.NAME
    ready, ready_far = os.pipe()
    stack.callback(os.close, ready)
    with ExitStack() as ours:
        ours.callback(os.close, ready_far)
        net = os.open(f"/proc/{agent_pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        ours.callback(os.close, net)
        # bwrap goes on to a nested user namespace, which has no power over the network namespace: its owner has.
        user = fcntl.ioctl(net, _NS_GET_USERNS)
        ours.callback(os.close, user)
        joining = Joining(agent_pid, net, user, ready_far, network_end.fileno(), log, host_uid)
        _wait_mapped(agent_pid)
        closing = stack.enter_context(_closing_routes(user, net))
        spawn = partial((slirp if Path(program).name == slirp.NAME else pasta).spawn, program, joining)
        child = spawn() if tun.is_open_to(host_uid) else tun.with_open_tun(spawn)
    return _coming(program, child, closing, ready, log)


@contextmanager
def _closing_routes(user: int, net: int) -> Iterator["subprocess.Popen[bytes]"]:
    """A process that closes routes, and is ended with the context."""
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", closed_routes.__file__, str(user), str(net)],
        pass_fds=(user, net),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=ENVIRONMENT,
        cwd="/",
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def _coming(
    program: str, child: "subprocess.Popen[bytes]", closing: "subprocess.Popen[bytes]", ready: int, log: int
) -> Coming:
    # From here on it is watched by its pidfd; Popen must not warn that it goes on.
    child.returncode = 0
    name = Path(program).name
    word = slirp.READY if name == slirp.NAME else pasta.ready(child.pid)
    return Coming(identify(child.pid), name, closing, ready, word, log)


def _wait_mapped(agent_pid: int) -> None:
    """Wait until bwrap has written the map of the user namespace that it has just made: in one without, nobody is
    anybody, and nothing can be mounted. Nothing tells when; it is its first step, and mostly done by now."""
    deadline = time.monotonic() + _MAPPED_TIMEOUT_S
    while not Path(f"/proc/{agent_pid}/uid_map").read_text() and time.monotonic() < deadline:
        time.sleep(_MAPPED_POLL_S)


def _program() -> str | None:
    """The path of the program that is used; None where there is none."""
    return shutil.which(slirp.NAME) or shutil.which(pasta.NAME)
