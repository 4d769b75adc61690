"""bwrap(1)'s arguments for a program confined to one folder, as a pure function: the kit, the folder, and no more."""

import shlex
from collections.abc import Iterable, Mapping

from sshore.core import layout
from sshore.core.folders import FolderApp, FolderView
from sshore.engines.sandbox.view import HostView

_PYTHON = (layout.KIT_PYTHON, "-I", "-S", layout.KIT_AGENT)
_SFTP_SERVER = f"{layout.KIT_BIN}/sftp-server"


def needs_shell(view: FolderView, app: FolderApp) -> bool:
    """`sshd` starts a program by the account's shell. Without a quota it is itself the SFTP server, and starts none."""
    return app is FolderApp.SSH and view.room_bytes is not None and not view.read_only


def shell(view: FolderView, app: FolderApp) -> str:
    """The account's shell, which must be there even where it is not used (sshd refuses the account otherwise)."""
    return "/bin/sh" if needs_shell(view, app) else _SFTP_SERVER


def force_command(view: FolderView) -> str:
    """The line that ends the `sshd_config`: SFTP in this folder, whatever the client asks for."""
    if needs_shell(view, FolderApp.SSH):
        return f"ForceCommand {shlex.join(sftp_command(view))}\n"
    # It begins in the account's home, which is the folder.
    return f"ForceCommand internal-sftp{' -R' if view.read_only else ''}\n"


def folder_arguments(
    view: FolderView, app: FolderApp, files: Mapping[str, int], calls: int | None, host: HostView | None
) -> list[str]:
    """What bwrap is told, up to the program's command, which stands behind it. `files` are descriptors by path, the
    last of which is read when all is mounted, `calls` one of the filter of system calls. `host`: its programs are seen,
    too, where the shell is needed."""
    account = str(layout.ACCOUNT_ID)
    groups: list[Iterable[str]] = [
        ("--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-net", "--unshare-cgroup-try"),
        ("--uid", account, "--gid", account, "--hostname", "folder", "--new-session", "--die-with-parent"),
        *(("--perms", "0755", "--dir", place) for place in ("/etc", "/home", layout.HOME, "/opt", "/run", layout.RUN)),
        ("--ro-bind", str(view.kit), layout.KIT, "--dev", "/dev", "--remount-ro", "/dev"),
        _programs(host) if host else (),
        ("--ro-bind" if view.read_only else "--bind", str(view.source), view.target),
        *(("--perms", "0600", "--file", str(fd), path) for path, fd in files.items()),
        # The root directory is a tmpfs: nothing but the folder can be written.
        ("--remount-ro", "/", "--chdir", view.target),
        ("--clearenv", "--setenv", "HOME", view.target, "--setenv", "PATH", layout.KIT_BIN),
        ("--seccomp", str(calls)) if calls is not None else (),
    ]
    return [argument for group in groups for argument in group]


def _programs(host: HostView) -> Iterable[str]:
    for directory in host.directories:
        yield from ("--ro-bind", directory, directory)
    for place, target in host.links.items():
        yield from ("--symlink", target, place)


def folder_command(view: FolderView, app: FolderApp) -> tuple[str, ...]:
    """The program inside."""
    match app:
        case FolderApp.CHECK:
            return (*_PYTHON, "check-files")
        case FolderApp.SSH:
            return (layout.KIT_SSHD, "-i", "-e", "-f", layout.SSHD_CONFIG)
        case FolderApp.SFTP:
            return sftp_command(view)


def sftp_command(view: FolderView) -> tuple[str, ...]:
    """`sftp-server`, which refuses to write where the folder is read-only, and above the quota where there is one."""
    # Where it is started it begins (sftp-server(8), -d): its folder's name is not for every user of the machine.
    server = (_SFTP_SERVER, *(("-R",) if view.read_only else ()))
    if view.room_bytes is None or view.read_only:
        return server
    return (*_PYTHON, "guard-sftp", str(view.room_bytes), *server)
