"""A disk with project quotas for tests: an ext4 image, mounted. Needs root, and a kernel that has them.

Where the machine's has not, Debian's `user-mode-linux` is one that does: ``linux.uml rootfstype=hostfs rootflags=/
init=SCRIPT``, where the script loads quota_tree, quota_v2 and loop, raises `lo`, and runs these tests.
"""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_OPTIONS = ("-q", "-O", "quota,project", "-E", "quotatype=prjquota")


@contextmanager
def quota_disk(size_bytes: int) -> Iterator[Path]:
    """Skips the test where this kernel cannot: it is the kernel's configuration, which nobody installs."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a disk")
    place = Path(tempfile.mkdtemp(prefix="sshore-quota-"))
    place.chmod(0o711)
    image, mounted = place / "image", place / "disk"
    mounted.mkdir()
    with image.open("wb") as file:
        file.truncate(size_bytes)
    subprocess.run(("mkfs.ext4", *_OPTIONS, str(image)), check=True)
    try:
        mount = ("mount", "-o", "loop,prjquota", str(image), str(mounted))
        if subprocess.run(mount, capture_output=True).returncode != 0:
            pytest.skip("this kernel mounts no ext4 with project quotas: it was built without CONFIG_QFMT_V2")
        mounted.chmod(0o711)
        yield mounted
    finally:
        # Lazily, because a session's processes may be a moment in ending.
        subprocess.run(("umount", "--lazy", str(mounted)), capture_output=True)
        image.unlink()
        mounted.rmdir()
        place.rmdir()
