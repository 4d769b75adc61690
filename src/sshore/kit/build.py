"""Builds the kit: once for the same inputs, atomically, by one builder at a time."""

import errno
import fcntl
import os
import py_compile
import re
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sshore.core import layout
from sshore.core.errors import Unavailable
from sshore.kit.agent_sockets import move_agent_sockets
from sshore.kit.connection_variables import release_variables
from sshore.kit.contents import Contents, find_contents, hash_contents
from sshore.kit.programs import find_patchelf, openssh_version
from sshore.kit.relocate import relocate_library, relocate_program
from sshore.kit.sshd_options import accepted_key_types
from sshore.kit.terminals import compile_terminals
from sshore.wire.problems import Code

Progress = Callable[[str, float], None]
"""Is told the phase, as a phrase, and how much of the whole is done, from 0 to 1."""

_HALF_MADE = ".making-"
_IS_KIT = re.compile("[0-9a-f]{16}")
_SETS_VARIABLES = ("sshd", "sshd-session")
"""The daemons that make a login's environment: until OpenSSH 9.7, and since."""


@dataclass(frozen=True, slots=True)
class Kit:
    """A kit that is complete; `path` is mounted at `layout.KIT`. `key_types`: of users' keys that its sshd lets in."""

    path: Path
    hash: str
    openssh_version: str
    key_types: frozenset[str]


def build_kit(root: Path, progress: Progress = lambda phase, fraction: None) -> Kit:
    """The kit of this machine and this version of Sshore below `root`, built when it is not there.

    Blocks for about a second when it builds. Idempotent; several processes may call it at once.

    Raises:
        EngineFailed: a program is missing or cannot be taken along; says how to install it.
        Unavailable: the disk is full (``storage_full``); nothing half-made is left.
    """
    patchelf = find_patchelf()
    contents = find_contents(patchelf)
    name = hash_contents(contents)
    target = root / name
    if not target.is_dir():
        with _told_when_full(root), _only_builder(root):
            if not target.is_dir():
                _make(contents, target, patchelf, progress)
    sshd = contents.programs["bin/sshd"]
    return Kit(target, name, openssh_version(sshd), accepted_key_types(sshd))


def remove_kits(newest: Kit, needed: Collection[str]) -> list[str]:
    """Remove the kits beside the newest one, but for those that are needed still; the names of what is gone. Blocks."""
    root, gone = newest.path.parent, []
    with _only_builder(root):
        for path in root.iterdir():
            if _IS_KIT.fullmatch(path.name) and path.name != newest.hash and path.name not in needed:
                # What goes is no kit from the first moment on.
                path.rename(Path(tempfile.mkdtemp(prefix=_HALF_MADE, dir=root)))
                gone.append(path.name)
        _remove_half_made(root)
    return gone


def _make(contents: Contents, target: Path, patchelf: Path, progress: Progress) -> None:
    _remove_half_made(target.parent)
    aside = Path(tempfile.mkdtemp(prefix=_HALF_MADE, dir=target.parent))
    try:
        _fill(contents, aside, patchelf, progress)
        aside.rename(target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    progress("the kit is built", 1.0)


def _fill(contents: Contents, kit: Path, patchelf: Path, progress: Progress) -> None:
    total = len(contents.files)
    data = contents.sources.keys() | contents.terminals.entries.keys()
    for done, (place, source) in enumerate(sorted(contents.files.items())):
        progress("building the kit of OpenSSH and Python", done / total)
        copy = kit / place
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, copy)
        copy.chmod(0o644 if place in data else 0o755)
        if place in contents.programs:
            relocate_program(patchelf, copy, contents.loader)
            if copy.name in _SETS_VARIABLES:
                release_variables(copy)
            if copy.name == "sshd-session":
                move_agent_sockets(copy)
        elif place in contents.libraries and _may_be_patched(copy.name, contents.loader):
            relocate_library(patchelf, copy)
        elif place in contents.sources:
            _compile(copy, place)
    compile_terminals(contents.terminals.to_compile, kit)
    for place, text in contents.texts.items():
        (kit / place).write_text(text)
    # Without this directory the interpreter complains at each start (Modules/getpath.py).
    (kit / contents.python_library / "lib-dynload").mkdir(exist_ok=True)
    _open_directories(kit)


def _may_be_patched(name: str, loader: str) -> bool:
    # The loader has no library path, and libc needs nothing but the loader, which is there before it.
    return name != loader and not name.startswith("libc.so")


def _compile(source: Path, place: str) -> None:
    """Compile without checks at run time, because the kit is read-only there and its clock another one's."""
    py_compile.compile(
        str(source),
        dfile=f"{layout.KIT}/{place}",
        doraise=True,
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )


def _open_directories(kit: Path) -> None:
    """Let every session's uid read the kit and nobody else write it, whatever the umask."""
    for directory, _, names in os.walk(kit):
        Path(directory).chmod(0o755)
        for name in names:
            file = Path(directory, name)
            file.chmod(0o755 if file.stat().st_mode & 0o100 else 0o644)


@contextmanager
def _only_builder(root: Path) -> Iterator[None]:
    root.mkdir(parents=True, exist_ok=True)
    root.chmod(0o755)
    with (root / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _told_when_full(root: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise Unavailable(
            f"the disk of {root} is full, and the kit needs 60 MB: make room there or choose another state directory",
            code=Code.STORAGE_FULL,
        ) from error


def _remove_half_made(root: Path) -> None:
    for leftover in root.glob(f"{_HALF_MADE}*"):
        shutil.rmtree(leftover, ignore_errors=True)
