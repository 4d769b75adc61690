"""What of the host a session sees: /usr, and of /etc what programs need and nobody keeps secrets in."""

import os
from dataclasses import dataclass
from pathlib import Path

from sshore.core.logins import is_in_own_place, shell_places
from sshore.core.sessions import SessionSpec

_SYSTEM_DIRECTORIES = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")

ETC_FROM_HOST = (
    # the loader and the choices among alternatives
    "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives",
    # certificates, without the keys beside them
    "ssl/certs", "ssl/openssl.cnf", "ssl/cert.pem", "ca-certificates", "ca-certificates.conf",
    "pki/ca-trust", "pki/tls/certs", "pki/tls/cert.pem", "crypto-policies",
    # time, language, terminals, fonts
    "localtime", "timezone", "locale.alias", "locale.conf", "locale.gen", "terminfo", "fonts",
    # shells and editors
    "bash.bashrc", "bashrc", "bash_completion.d", "profile.d", "inputrc", "shells", "skel", "zsh", "zshenv", "zprofile",
    "zshrc", "zlogin", "zlogout", "fish", "csh.cshrc", "csh.login", "csh.logout", "ksh.kshrc", "kshrc", "mkshrc",
    "vim", "vimrc", "nanorc", "screenrc", "login.defs",
    # names and numbers
    "protocols", "services", "rpc", "networks", "host.conf", "gai.conf", "mime.types", "magic", "magic.mime",
    "os-release", "debian_version", "lsb-release", "redhat-release",
    # languages and libraries
    "python3*", "perl", "java*", "glvnd", "OpenCL", "vulkan", "openmpi", "groff", "manpath.config", "papersize",
)  # fmt: skip
"""Patterns below /etc. Not /etc/ssh: `ssh` refuses included files whose owner is not root, and in a user
namespace the host's root is `nobody`. Not pip's, npm's or git's configuration: it may hold passwords."""

SYS_FROM_HOST = ("/sys/devices/system/cpu", "/sys/devices/system/node")
"""How many processors there are, for lscpu(1), OpenMP and the like."""

SYS_FOR_GPUS = ("/sys/devices", "/sys/bus/pci", "/sys/class/drm", "/sys/class/kfd", "/sys/module")


@dataclass(frozen=True, slots=True)
class HostView:
    """What this host has of what a session may see. `links` are symlinks (place to target), the others
    are existing files and directories."""

    links: dict[str, str]
    directories: tuple[str, ...]
    etc: tuple[str, ...]
    sys: tuple[str, ...]
    sys_for_gpus: tuple[str, ...]
    shell: str
    locale: str


def look_at_host(root: Path = Path("/")) -> HostView:
    """See what is there below `root`, which is the host's own except in tests."""
    links, directories = _system_directories(root)
    return HostView(
        links=links,
        directories=("/usr", *directories),
        etc=tuple(sorted(_inside(root, path) for name in ETC_FROM_HOST for path in (root / "etc").glob(name))),
        sys=tuple(place for place in SYS_FROM_HOST if _below(root, place).is_dir()),
        sys_for_gpus=tuple(place for place in SYS_FOR_GPUS if _below(root, place).is_dir()),
        shell="/bin/bash"
        if _below(root, "/usr/bin/bash").exists() or _below(root, "/bin/bash").exists()
        else "/bin/sh",
        locale=_locale(root),
    )


def find_shell(host: HostView, spec: SessionSpec, root: Path = Path("/")) -> str:
    """Where a session will have the shell that its owner wishes, as far as it is the host's; empty where it will not,
    or nothing is wished."""
    if is_in_own_place(spec):
        return ""
    seen = [(root / place.lstrip("/")).resolve() for place in host.directories]
    for place in shell_places(spec.shell):
        path = _below(root, place).resolve()
        # For everybody: the host's owners and groups are nobody's in a user namespace.
        if any(path.is_relative_to(directory) for directory in seen) and path.is_file() and path.stat().st_mode & 1:
            return place
    return ""


def read_text(path: str) -> str:
    """A file of the host; empty where there is none."""
    try:
        return Path(path).read_text(errors="replace")
    except OSError:
        return ""


def _system_directories(root: Path) -> tuple[dict[str, str], list[str]]:
    # On a host with merged /usr they are symlinks, elsewhere real directories.
    links, directories = {}, []
    for name in _SYSTEM_DIRECTORIES:
        path = root / name
        if path.is_symlink():
            links[f"/{name}"] = str(path.readlink())
        elif path.is_dir():
            directories.append(f"/{name}")
    return links, directories


def _locale(root: Path) -> str:
    places = (_below(root, "/usr/lib/locale/C.utf8"), _below(root, "/usr/lib/locale/C.UTF-8"))
    return "C.UTF-8" if any(place.exists() for place in places) or _glibc() >= (2, 35) else ""


def _glibc() -> tuple[int, ...]:
    """glibc's version, which has C.UTF-8 built in from 2.35; (0,) for another libc."""
    try:
        version = (os.confstr("CS_GNU_LIBC_VERSION") or "").split()[-1]
        return tuple(int(part) for part in version.split("."))
    except (ValueError, IndexError, OSError):
        return (0,)


def _below(root: Path, place: str) -> Path:
    return root / place.removeprefix("/")


def _inside(root: Path, path: Path) -> str:
    return f"/{path.relative_to(root)}"
