"""A disk with project quotas for tests: an image of ext4 or xfs, mounted. Needs root, and a kernel that has them.

Where the machine's has not, Debian's `user-mode-linux` is one that does: ``linux.uml rootfstype=hostfs rootflags=/
init=SCRIPT``, where the script loads quota_tree, quota_v2 and loop, raises `lo`, and runs these tests.
It writes into this very root, so /tmp is better a tmpfs of its own.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_MAKE = {
    "ext4": ("mkfs.ext4", "-q", "-O", "quota,project", "-E", "quotatype=prjquota"),
    "xfs": ("mkfs.xfs", "-q"),
}
_MOUNT = {"ext4": "loop,prjquota", "xfs": "loop,pquota"}
_LEAST_XFS = 320 << 20


@contextmanager
def quota_disk(size_bytes: int, kind: str = "ext4") -> Iterator[Path]:
    """Skips the test where this kernel cannot: it is the kernel's configuration, which nobody installs."""
    if shutil.which(_MAKE[kind][0]) is None:  # of no use but on a kernel that can
        pytest.skip(f"there is no {_MAKE[kind][0]}")
    if os.geteuid() != 0:
        pytest.skip("only root can mount a disk")
    place = Path(tempfile.mkdtemp(prefix="sshore-quota-"))
    place.chmod(0o711)
    image, mounted = place / "image", place / "disk"
    mounted.mkdir()
    with image.open("wb") as file:
        file.truncate(max(size_bytes, _LEAST_XFS) if kind == "xfs" else size_bytes)
    subprocess.run((*_MAKE[kind], str(image)), check=True)
    try:
        mount = ("mount", "-o", _MOUNT[kind], str(image), str(mounted))
        if subprocess.run(mount, capture_output=True).returncode != 0:
            option = {"ext4": "CONFIG_QFMT_V2", "xfs": "CONFIG_XFS_QUOTA"}[kind]
            pytest.skip(f"this kernel mounts no {kind} with project quotas: it was built without {option}")
        mounted.chmod(0o711)
        yield mounted
    finally:
        # Lazily, because a session's processes may be a moment in ending.
        subprocess.run(("umount", "--lazy", str(mounted)), capture_output=True)
        image.unlink()
        mounted.rmdir()
        place.rmdir()
