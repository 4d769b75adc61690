"""npm packages of a lock file, fetched once into the user's cache."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from programs import need, need_that


def installed(source: Path) -> Path:
    """A copy of a directory with a package-lock.json, and its packages in there; made anew when a file changes."""
    need("npm")
    files = sorted(path for path in source.iterdir() if path.is_file())
    contents = b"".join(path.name.encode() + path.read_bytes() for path in files)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sshore-tests"
    place = cache / f"{source.name}-{hashlib.sha256(contents).hexdigest()[:16]}"
    if not place.exists():
        cache.mkdir(parents=True, exist_ok=True)
        _install(files, cache, place)
    return place


def _install(files: list[Path], cache: Path, place: Path) -> None:
    with tempfile.TemporaryDirectory(dir=cache) as made:
        directory = Path(made) / "it"
        directory.mkdir()
        for path in files:
            shutil.copy(path, directory)
        words = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(words, cwd=directory, capture_output=True, text=True, timeout=240)
        need_that(done.returncode == 0, f"npm cannot fetch the packages of {place.name}: {done.stderr}")
        directory.rename(place)
