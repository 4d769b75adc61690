"""The shared libraries of a program, as its own loader finds them (ld.so(8), `--list`)."""

import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sshore.core.errors import EngineFailed

_ELF = b"\x7fELF"
_LISTED = re.compile(r"^\s*(\S+)(?: => (\S+))? \(0x[0-9a-f]+\)$")
_DLOPENED = ("libnss_files.so.2", "libnss_dns.so.2")
"""glibc loads these by name when it looks up accounts and hosts; since 2.34 they are empty, in libc itself."""


@dataclass(frozen=True, slots=True)
class Libraries:
    """The closure of some programs: files by the name they are asked for, and the loader's name among them."""

    files: dict[str, Path]
    loader: str


def is_elf(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == _ELF


def find_libraries(programs: Iterable[Path], modules: Iterable[Path], patchelf: Path) -> Libraries:
    """The libraries of programs (of which the first names the loader) and of extension modules.

    Raises:
        EngineFailed: the loader cannot load one of them, which names what it misses.
    """
    programs = list(programs)
    loader = _loader_of(programs[0], patchelf)
    files: dict[str, Path] = {loader.name: loader}
    for path in (*programs, *modules):
        for name, place in _list(loader, path).items():
            files.setdefault(name, place)
    libc = next((place for name, place in files.items() if name.startswith("libc.so")), loader)
    for name in _DLOPENED:
        if (libc.parent / name).is_file():
            files.setdefault(name, libc.parent / name)
    return Libraries(files, loader.name)


def _loader_of(program: Path, patchelf: Path) -> Path:
    done = subprocess.run([patchelf, "--print-interpreter", program], capture_output=True, text=True, check=False)
    loader = Path(done.stdout.strip())
    if done.returncode or not loader.is_file():
        raise EngineFailed(f"{program} is no dynamically linked program of this machine: {done.stderr.strip()}")
    return loader


def _list(loader: Path, path: Path) -> dict[str, Path]:
    done = subprocess.run([loader, "--list", path], capture_output=True, text=True, errors="replace", check=False)
    missing = [line.split()[0] for line in done.stdout.splitlines() if line.endswith("=> not found")]
    if done.returncode or missing:
        detail = f"it needs {', '.join(missing)}" if missing else done.stderr.strip()
        raise EngineFailed(f"{path} does not load on this machine: {detail}")
    return parse_list(done.stdout)


def parse_list(listed: str) -> dict[str, Path]:
    """Read what the loader lists: the library's file by the name it is asked for."""
    places: dict[str, Path] = {}
    for line in listed.splitlines():
        match = _LISTED.match(line)
        # Without "=>" it is the loader itself, or the kernel's vdso, which is no file.
        place = match and (match[2] or match[1])
        if match and place and place.startswith("/"):
            places[Path(match[1]).name] = Path(place)
    return places
