"""The interpreter, and of its library what the agent imports: a few dozen modules, not a thousand."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import sshore
from sshore.core.errors import EngineFailed

AGENT_PACKAGES = ("wire", "agent")

# Runs in the interpreter that the sessions will get, as they will run it (-I -S), and says which files it has read.
_PROBE = """
import json, sys
sys.path.append(sys.argv[1])
import sshore.agent.main, sshore.agent.closed_mounts, sshore.agent.check_files, sshore.agent.guard_sftp
import importlib.util, runpy, traceback, encodings.idna
files = {name: getattr(module, "__file__", None) for name, module in sys.modules.items()}
print(json.dumps({name: file for name, file in files.items() if file and not name.startswith("sshore")}))
"""


@dataclass(frozen=True, slots=True)
class PythonFiles:
    """The interpreter; sources and extension modules by their place below the kit; the agent's sources likewise."""

    executable: Path
    library: str
    """The place of the standard library in the kit: ``python/lib/python3.11``."""
    sources: dict[str, Path]
    extensions: dict[str, Path]
    agent: dict[str, Path]


def find_python_files() -> PythonFiles:
    """The running interpreter's (a virtual environment's base's) files that the agent needs.

    Raises:
        EngineFailed: it cannot run the agent.
    """
    executable = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    stdlib = Path(os.__file__).parent
    # getpath looks for the library below the prefix under this very name (Modules/getpath.py, STDLIB_SUBDIR).
    library = f"python/{sys.platlibdir}/{stdlib.name}"
    sources = {f"{library}/os.py": stdlib / "os.py"}
    extensions = {}
    for file in _loaded_files(executable):
        if file.suffix == ".so":
            extensions[f"{library}/lib-dynload/{file.name}"] = file
        elif file.is_relative_to(stdlib):
            sources |= {f"{library}/{part.relative_to(stdlib)}": part for part in _with_siblings(file)}
    return PythonFiles(executable, library, sources, extensions, _agent_files())


def _loaded_files(executable: Path) -> list[Path]:
    root = Path(sshore.__file__).parent.parent
    command = [str(executable), "-I", "-S", "-c", _PROBE, str(root)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise EngineFailed(f"{executable} cannot run the agent: {done.stderr.strip().splitlines()[-1:]}")
    return sorted(Path(file) for file in json.loads(done.stdout).values())


def _with_siblings(file: Path) -> list[Path]:
    """A package is taken whole: codecs are loaded by name, and one module may stand in for another in
    `sys.modules` (`collections.abc`), so that what is loaded does not tell all that is needed."""
    return sorted(file.parent.glob("*.py")) if file.name == "__init__.py" else [file]


def _agent_files() -> dict[str, Path]:
    root = Path(sshore.__file__).parent
    files = {"agent/__main__.py": root / "agent" / "__main__.py", "agent/sshore/__init__.py": root / "__init__.py"}
    for package in AGENT_PACKAGES:
        for file in sorted((root / package).glob("*.py")):
            files[f"agent/sshore/{package}/{file.name}"] = file
    return files
