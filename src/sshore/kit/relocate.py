"""Makes programs and libraries find each other in the kit, wherever the session's own libraries are."""

import subprocess
from pathlib import Path

from sshore.core import layout
from sshore.core.errors import EngineFailed

_LIBRARIES = f"{layout.KIT}/lib"


def relocate_program(patchelf: Path, program: Path, loader: str) -> None:
    """Set the loader and the library path of a program.

    Raises:
        EngineFailed: patchelf cannot.
    """
    _run(patchelf, "--set-interpreter", f"{_LIBRARIES}/{loader}", *_rpath(), program)


def relocate_library(patchelf: Path, library: Path) -> None:
    """Set the library path of a library.

    Raises:
        EngineFailed: patchelf cannot.
    """
    _run(patchelf, *_rpath(), library)


def _rpath() -> tuple[str, ...]:
    # DT_RPATH, not DT_RUNPATH: it is inherited by the libraries' own libraries, and goes before
    # LD_LIBRARY_PATH, which images like to set (ld.so(8)).
    return ("--force-rpath", "--set-rpath", _LIBRARIES)


def _run(patchelf: Path, *arguments: str | Path) -> None:
    done = subprocess.run([patchelf, *arguments], capture_output=True, text=True, errors="replace", check=False)
    if done.returncode:
        raise EngineFailed(f"patchelf failed on {arguments[-1]}: {done.stderr.strip()}")
