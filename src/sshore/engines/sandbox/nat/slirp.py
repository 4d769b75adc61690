"""slirp4netns(1) for the network `nat`."""

import subprocess
from functools import cache

from sshore.engines.sandbox.binary import run_as
from sshore.engines.sandbox.nat.joining import DEVICE, ENVIRONMENT, MTU, Joining

NAME = "slirp4netns"
READY = b"1"


def spawn(program: str, joining: Joining) -> "subprocess.Popen[bytes]":
    """Start it; it says `READY`. It ends by itself when the lifeline hangs up (``--exit-fd``)."""
    return subprocess.Popen(
        _arguments(program, joining),
        **run_as(joining.host_uid),
        pass_fds=(joining.net, joining.user, joining.ready, joining.lifeline),
        stdin=subprocess.DEVNULL,
        stdout=joining.log,
        stderr=joining.log,
        env=ENVIRONMENT,
        cwd="/",
        start_new_session=True,
    )


def _arguments(program: str, joining: Joining) -> list[str]:
    # --enable-sandbox works for a network namespace given by pid only, and a pid is no way to the owner's.
    return [
        *(program, "--configure", f"--mtu={MTU}", "--disable-host-loopback"),
        *(("--enable-seccomp",) if _has_seccomp(program) else ()),
        *(f"--ready-fd={joining.ready}", f"--exit-fd={joining.lifeline}"),
        *(f"--userns-path=/proc/self/fd/{joining.user}", "--netns-type=path", f"/proc/self/fd/{joining.net}", DEVICE),
    ]


@cache
def _has_seccomp(program: str) -> bool:
    done = subprocess.run([program, "--version"], check=False, capture_output=True, text=True, timeout=10)
    return "libseccomp:" in done.stdout
