"""A former revision of the product, from the repository's own history, run by the tests' interpreter."""

import subprocess
from pathlib import Path

import pytest
from programs import need, need_that

ROOT = Path(__file__).parents[2]


def take_out(revision: str, directory: Path) -> Path:
    """Write a revision's sources into a directory; returns what belongs in PYTHONPATH."""
    need("git")
    shown = _git("rev-parse", "--is-shallow-repository")
    if shown.returncode or shown.stdout.strip() == b"true":
        pytest.skip(f"no full clone: its history lacks {revision}")
    archive = _git("archive", revision, "src")
    need_that(archive.returncode == 0, f"{revision} is not in the history: {archive.stderr.decode()}")
    subprocess.run(["tar", "-C", str(directory), "-x"], input=archive.stdout, check=True, timeout=60)
    return directory / "src"


def _git(*words: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, timeout=60)
