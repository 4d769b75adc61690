"""The network `nat`: slirp4netns(1), which carries a session's traffic in the host's by ordinary sockets."""

import fcntl
import os
import shutil
import subprocess
import time
from contextlib import ExitStack
from functools import cache, partial

from sshore.core.errors import EngineFailed
from sshore.core.sessions import Network
from sshore.engines.sandbox import tun
from sshore.engines.sandbox.binary import run_as
from sshore.engines.sandbox.descriptors import read_until
from sshore.engines.sandbox.processes import Process, identify
from sshore.engines.sandbox.tun import TUN

_NAME = "slirp4netns"
_MTU = 65520
_NS_GET_USERNS = 0xB701  # ioctl_ns(2)
_READY_TIMEOUT_S = 10.0
_COMPLAINT_BYTES = 1000
_OTHERS = "or choose --network none or --network host"


def check_network(network: Network, host_uid: int | None) -> None:
    """Refuse a network that cannot be here.

    Raises:
        EngineFailed: slirp4netns is missing, or the session's uid cannot open /dev/net/tun.
    """
    if network is not Network.NAT:
        return
    if shutil.which(_NAME) is None:
        raise EngineFailed(
            "the network `nat` needs slirp4netns: `sudo apt-get install slirp4netns` "
            f"(dnf, zypper, pacman: slirp4netns), {_OTHERS}"
        )
    if not TUN.exists():
        raise EngineFailed(f"the network `nat` needs {TUN}: `sudo modprobe tun`, {_OTHERS}")
    if not tun.is_open_to(host_uid) and not tun.can_be_made():
        raise EngineFailed(
            f"the network `nat` needs {TUN} open to the sessions' users, as systemd sets it by default: "
            f"`sudo chmod 0666 {TUN}` (a udev rule keeps it: "
            f'KERNEL=="tun", MODE="0666", OPTIONS+="static_node=net/tun"), {_OTHERS}'
        )


def start_slirp(child_pid: int, exit_fd: int, log_fd: int, host_uid: int | None) -> Process:
    """Give a session its network; return when it is up (milliseconds). Blocks.

    `log_fd` is a file that it writes to, open for reading, too.
    slirp4netns ends by itself when the other end of `exit_fd`, a pipe, closes: when the session's pid 1 ends.

    Raises:
        EngineFailed: it did not come up; no process is left.
    """
    with ExitStack() as stack:
        net = os.open(f"/proc/{child_pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        stack.callback(os.close, net)
        # bwrap goes on to a nested user namespace, which has no power over the network namespace: its owner has.
        user = fcntl.ioctl(net, _NS_GET_USERNS)
        stack.callback(os.close, user)
        ready, ready_far = os.pipe()
        stack.callback(os.close, ready)
        with os.fdopen(ready_far, "wb"):
            spawn = partial(_spawn, net, user, ready_far, exit_fd, log_fd, host_uid)
            slirp = spawn() if tun.is_open_to(host_uid) else tun.with_open_tun(spawn)
        return _when_ready(slirp, ready, log_fd)


def _spawn(
    net: int, user: int, ready: int, exit_fd: int, log_fd: int, host_uid: int | None
) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        _arguments(net, user, ready, exit_fd),
        **run_as(host_uid),
        pass_fds=(net, user, ready, exit_fd),
        stdin=subprocess.DEVNULL,
        stdout=log_fd,
        stderr=log_fd,
        env={"PATH": os.defpath},
        cwd="/",
        start_new_session=True,
    )


def _when_ready(slirp: "subprocess.Popen[bytes]", ready: int, log_fd: int) -> Process:
    process = identify(slirp.pid)
    if read_until(ready, time.monotonic() + _READY_TIMEOUT_S, 1) != b"1":
        slirp.kill()
        slirp.wait()
        said = os.pread(log_fd, _COMPLAINT_BYTES, 0).decode(errors="replace").strip()
        raise EngineFailed(f"slirp4netns, which the network `nat` needs, did not come up: {said or 'it fell silent'}")
    # From here on it is watched by its pidfd; Popen must not warn that it goes on.
    slirp.returncode = 0
    return process


def _arguments(net: int, user: int, ready: int, exit_fd: int) -> list[str]:
    # --enable-sandbox works for a network namespace given by pid only, and a pid is no way to the owner's.
    return [
        *(_program(), "--configure", f"--mtu={_MTU}", "--disable-host-loopback"),
        *(("--enable-seccomp",) if _has_seccomp() else ()),
        *(f"--ready-fd={ready}", f"--exit-fd={exit_fd}"),
        *(f"--userns-path=/proc/self/fd/{user}", "--netns-type=path", f"/proc/self/fd/{net}", "tap0"),
    ]


def _program() -> str:
    return shutil.which(_NAME) or _NAME


@cache
def _has_seccomp() -> bool:
    done = subprocess.run([_program(), "--version"], check=False, capture_output=True, text=True, timeout=10)
    return "libseccomp:" in done.stdout
