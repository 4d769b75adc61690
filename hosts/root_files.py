"""The root file systems of fresh machines: Debian's or Ubuntu's smallest system, and what the README asks for."""

import fcntl
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_UBUNTU = ("resolute",)
SUITES = ("bookworm", "trixie", "sid", *_UBUNTU)
CLONE = "root/sshore"
"""Where a clone of this repository is in a fresh root."""
_REPOSITORY = Path(__file__).parents[1]
_CACHE = Path("/var/tmp/sshore-hosts-cache")
_KEPT_S = 7 * 24 * 3600
_PACKAGES = ("python3", "git", "make", "ca-certificates")
"""What the README says that a machine must have; the certificates are for pip."""
_DEBOOTSTRAP_S = 600
_UBUNTUS_KEYS = Path("/usr/share/keyrings/ubuntu-archive-keyring.gpg")
_UBUNTUS_MIRROR = "http://archive.ubuntu.com/ubuntu"


@contextmanager
def fresh_root(suite: str) -> Iterator[Path]:
    """A root file system that nothing has run in, with a clone; it is gone at the end."""
    archive = _archive(suite)
    place = Path(tempfile.mkdtemp(prefix="sshore-host-", dir="/var/tmp"))
    try:
        yield made_at(place / "root", archive)
    finally:
        shutil.rmtree(place)


@contextmanager
def kept_root(suite: str, root: Path) -> Iterator[Path]:
    """The same in a place of one's own, made there if it is not there yet, and left; the clone is made anew."""
    if root.exists():
        _clone(root / CLONE)
    else:
        made_at(root, _archive(suite))
    yield root


def made_at(root: Path, archive: Path) -> Path:
    root.mkdir(mode=0o755)
    subprocess.run(["tar", "-C", root, "--numeric-owner", "-xf", archive], check=True)
    _clone(root / CLONE)
    return root


def _clone(target: Path) -> None:
    """A clone as it is committed, with what is not committed yet."""
    if not target.exists():
        subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", _REPOSITORY, target], check=True)
    listed = ["git", "-C", str(_REPOSITORY), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, check=True, capture_output=True).stdout.split(b"\0")
    there = b"\0".join(name for name in names if name and os.path.lexists(os.fsencode(_REPOSITORY) + b"/" + name))
    packed = ["tar", "-C", str(_REPOSITORY), "--null", "--no-recursion", "-T", "-", "-c"]
    archive = subprocess.run(packed, input=there, check=True, capture_output=True).stdout
    for name in names:
        if name and name not in there.split(b"\0"):
            (target / os.fsdecode(name)).unlink(missing_ok=True)
    subprocess.run(["tar", "-C", target, "--no-same-owner", "-x"], input=archive, check=True)


def _archive(suite: str) -> Path:
    """Made once a week, outside the clone."""
    with _alone_in_cache():
        path = _CACHE / f"{suite}.tar"
        if not path.exists():
            _make(suite, path)
    return path


def _make(suite: str, path: Path) -> None:
    directory = Path(tempfile.mkdtemp(prefix="sshore-host-", dir="/var/tmp"))
    aside = path.with_suffix(".new")
    try:
        words = _debootstrap(suite, directory / "root")
        done = subprocess.run(words, capture_output=True, text=True, timeout=_DEBOOTSTRAP_S)
        if done.returncode:
            raise SystemExit(f"debootstrap could not make {suite}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
        # A registry's copy of sid is soon older than the week for which sid's own list vouches.
        (directory / "root/etc/apt/apt.conf.d/90copies").write_text('Acquire::Check-Valid-Until "false";\n')
        subprocess.run(["tar", "-C", directory / "root", "--numeric-owner", "-cf", aside, "."], check=True)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
        shutil.rmtree(directory)


def _debootstrap(suite: str, root: Path) -> list[str]:
    words = ["debootstrap", "--variant=minbase", f"--include={','.join(_PACKAGES)}"]
    if suite not in _UBUNTU:
        return [*words, suite, str(root)]
    if not _UBUNTUS_KEYS.exists():
        raise SystemExit(f"{suite} is Ubuntu's: install ubuntu-keyring, which Debian has since 13")
    # slirp4netns and passt are in universe. One script makes all of Ubuntu's: a debootstrap knows not the latest names.
    ubuntus = ("--components=main,universe", f"--keyring={_UBUNTUS_KEYS}")
    return [*words, *ubuntus, suite, str(root), _UBUNTUS_MIRROR, "gutsy"]


@contextmanager
def _alone_in_cache() -> Iterator[None]:
    """One at a time; what is old goes. /var/tmp is everybody's: what is here must be root's."""
    _CACHE.mkdir(mode=0o700, exist_ok=True)
    if _CACHE.is_symlink() or _CACHE.stat().st_uid != os.geteuid():
        raise SystemExit(f"{_CACHE} is somebody else's")
    with (_CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for path in _CACHE.glob("*.tar"):
            if time.time() - path.stat().st_mtime > _KEPT_S:
                path.unlink()
        yield
