"""Debian 13 with nothing on it but what the README asks for: what users do holds there, for root and for others.

Slow because all of it is real: debootstrap once a week, packages by apt and pip for two clones, then a hundred steps.
"""

import os
import subprocess
from pathlib import Path

import pytest
from programs import need, need_that

_ROOT = Path(__file__).parents[2]
_WITHIN_S = 900


@pytest.mark.timeout(_WITHIN_S)
def test_debian_13_from_nothing() -> None:
    need("debootstrap", "slirp4netns", "unshare", "git")
    need_that(os.geteuid() == 0, "only root can make a root file system")
    done = subprocess.run([_ROOT / "scripts/new_host", "trixie"], capture_output=True, text=True, timeout=_WITHIN_S)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
