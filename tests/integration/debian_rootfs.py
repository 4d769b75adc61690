"""A real Debian for images: debootstrap's smallest variant and a few packages, made once a month, kept outside the
repository.

    path = debian_rootfs()     # a tar archive, as `docker import` takes it

Making it takes half a minute and about 60 MB of downloads; afterwards it is a file that is there.
"""

import fcntl
import os
import platform
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CACHE = Path("/var/tmp/sshore-test-cache")
SUITE = "bookworm"
PACKAGES = ("openssh-client", "procps", "xauth")
"""Beside those of `--variant=minbase`: what tests drive from within sessions."""

_KEPT_S = 60 * 24 * 3600
_NOT_NEEDED = ("var/cache/apt", "var/lib/apt/lists", "usr/share/doc", "usr/share/man", "usr/share/locale", "dev")


def why_no_debian() -> str:
    """Why it cannot be made here; empty where it can, or is there."""
    if os.geteuid() != 0:
        return "needs root"
    return "" if shutil.which("debootstrap") else "not installed here: debootstrap"


def debian_rootfs() -> Path:
    """The archive of Debian 12's smallest system."""
    with _alone_in_cache():
        path = CACHE / f"debian-{SUITE}-{platform.machine()}-{time.strftime('%Y-%m')}.tar"
        if not path.exists():
            _make(path)
    return path


def _make(path: Path) -> None:
    directory = Path(tempfile.mkdtemp(prefix="sshore-debian-", dir="/var/tmp"))
    aside = path.with_suffix(".new")
    try:
        include = f"--include={','.join(PACKAGES)}"
        words = ["debootstrap", "--variant=minbase", include, SUITE, str(directory / "root")]
        done = subprocess.run(words, capture_output=True, text=True, timeout=280)
        assert done.returncode == 0, done.stdout[-2000:]
        without = [f"--exclude=./{place}/*" for place in _NOT_NEEDED]
        subprocess.run(["tar", "-C", directory / "root", *without, "--sort=name", "-cf", aside, "."], check=True)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
        shutil.rmtree(directory)


@contextmanager
def _alone_in_cache() -> Iterator[None]:
    """One test run at a time; what is old goes. /var/tmp is everybody's: what is here must be root's."""
    CACHE.mkdir(mode=0o700, exist_ok=True)
    assert (CACHE.lstat().st_uid, CACHE.is_symlink()) == (os.geteuid(), False), f"{CACHE} is somebody else's"
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for path in CACHE.glob("*.tar"):
            if time.time() - path.stat().st_mtime > _KEPT_S:
                path.unlink()
        yield
