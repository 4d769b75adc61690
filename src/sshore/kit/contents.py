"""All of the kit as a list of files, and its hash: the same inputs make the same kit."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sshore.core import layout
from sshore.kit.libraries import Libraries, find_libraries, is_elf
from sshore.kit.programs import find_programs, require_programs
from sshore.kit.python_files import PythonFiles, find_python_files
from sshore.kit.sshd_options import kit_sshd_config
from sshore.kit.terminals import NO_TERMINALS, SOURCE, Terminals, find_terminals

FORMAT = 3
"""Raised when a kit of the same inputs would look different."""
PYTHON = "python/bin/python3"


@dataclass(frozen=True, slots=True)
class Contents:
    """What goes where: this machine's files by their place in the kit.

    `programs` get loader and library path set, `libraries` the library path only; `sources` are
    compiled; `scripts`, the loader and the entries of `terminals` are copied as they are. `texts` are of our own.
    """

    programs: dict[str, Path]
    scripts: dict[str, Path]
    libraries: dict[str, Path]
    sources: dict[str, Path]
    loader: str
    python_library: str
    texts: Mapping[str, str] = field(default_factory=dict)
    terminals: Terminals = NO_TERMINALS

    @property
    def files(self) -> dict[str, Path]:
        return {**self.programs, **self.scripts, **self.libraries, **self.sources, **self.terminals.entries}


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
        texts={Path(layout.KIT_SSHD_CONFIG).name: kit_sshd_config(binaries)},
        terminals=find_terminals(),
    )


def hash_contents(contents: Contents) -> str:
    """The name of the kit that these contents make: 16 hexadecimal digits."""
    total = hashlib.sha256(f"sshore kit {FORMAT}\n".encode())
    for place, source in sorted(contents.files.items()):
        total.update(f"{place} {_digest(source)}\n".encode())
    if contents.terminals.to_compile:
        total.update(f"{' '.join(contents.terminals.to_compile)} {_digest(SOURCE)}\n".encode())
    for place, text in sorted(contents.texts.items()):
        total.update(f"{place} {text}\n".encode())
    return total.hexdigest()[:16]


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _library_places(libraries: Libraries, python: PythonFiles) -> dict[str, Path]:
    return {f"lib/{name}": path for name, path in libraries.files.items()} | python.extensions
