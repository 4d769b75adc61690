"""All of the kit as a list of files, and its hash: the same inputs make the same kit."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from sshore.kit.libraries import Libraries, find_libraries, is_elf
from sshore.kit.programs import find_programs, require_programs
from sshore.kit.python_files import PythonFiles, find_python_files

FORMAT = 1
"""Raised when a kit of the same inputs would look different."""
PYTHON = "python/bin/python3"


@dataclass(frozen=True, slots=True)
class Contents:
    """What goes where: this machine's files by their place in the kit.

    `programs` get loader and library path set, `libraries` the library path only; `sources` are
    compiled; `scripts` and the loader are copied as they are.
    """

    programs: dict[str, Path]
    scripts: dict[str, Path]
    libraries: dict[str, Path]
    sources: dict[str, Path]
    loader: str
    python_library: str

    @property
    def files(self) -> dict[str, Path]:
        return {**self.programs, **self.scripts, **self.libraries, **self.sources}


def find_contents(patchelf: Path) -> Contents:
    """Look for everything on this machine; a tenth of a second.

    Raises:
        EngineFailed: something is missing; says how to install it.
    """
    found = find_programs()
    require_programs(found)
    python = find_python_files()
    binaries = {f"bin/{name}": path for name, path in found.items() if is_elf(path)} | {PYTHON: python.executable}
    scripts = {f"bin/{name}": path for name, path in found.items() if not is_elf(path)}
    libraries = find_libraries(binaries.values(), python.extensions.values(), patchelf)
    return Contents(
        programs=binaries,
        scripts=scripts,
        libraries=_library_places(libraries, python),
        sources=python.sources | python.agent,
        loader=libraries.loader,
        python_library=python.library,
    )


def hash_contents(contents: Contents) -> str:
    """The name of the kit that these contents make: 16 hexadecimal digits."""
    total = hashlib.sha256(f"sshore kit {FORMAT}\n".encode())
    for place, source in sorted(contents.files.items()):
        with source.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        total.update(f"{place} {digest}\n".encode())
    return total.hexdigest()[:16]


def _library_places(libraries: Libraries, python: PythonFiles) -> dict[str, Path]:
    return {f"lib/{name}": path for name, path in libraries.files.items()} | python.extensions
