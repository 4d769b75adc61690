"""The command that installs a package on this Linux distribution (os-release(5))."""

import shlex
from pathlib import Path

_OS_RELEASE = (Path("/etc/os-release"), Path("/usr/lib/os-release"))
_INSTALL = {
    "debian": "apt install",
    "ubuntu": "apt install",
    "fedora": "dnf install",
    "rhel": "dnf install",
    "centos": "dnf install",
    "suse": "zypper install",
    "opensuse": "zypper install",
    "alpine": "apk add",
    "arch": "pacman -S",
}
_PACKAGES = {
    "openssh": {"apt install": "openssh-server", "dnf install": "openssh-server", "apk add": "openssh-server"},
}


def install_command(package: str, os_release: str | None = None) -> str:
    """How an administrator installs a package here, such as ``apt install openssh-server``.

    `package` is the upstream name; `os_release` is the text of /etc/os-release, read when None.
    """
    text = _read_os_release() if os_release is None else os_release
    for family in _families(text):
        if family in _INSTALL:
            verb = _INSTALL[family]
            return f"{verb} {_PACKAGES.get(package, {}).get(verb, package)}"
    return f"install the package {package}"


def _families(os_release: str) -> list[str]:
    values: dict[str, str] = {}
    for line in os_release.splitlines():
        name, equals, value = line.partition("=")
        if equals:
            values[name.strip()] = " ".join(shlex.split(value, comments=True))
    words = [values.get("ID", ""), *values.get("ID_LIKE", "").split()]
    # openSUSE calls itself opensuse-leap, opensuse-tumbleweed, …
    return [word.partition("-")[0] for word in words]


def _read_os_release() -> str:
    for path in _OS_RELEASE:
        if path.is_file():
            return path.read_text(errors="replace")
    return ""
