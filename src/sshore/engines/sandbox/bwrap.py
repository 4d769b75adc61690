"""bwrap(1)'s arguments for a session, as a pure function."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from sshore.core import layout
from sshore.core.choices import Network
from sshore.core.sessions import SessionSpec
from sshore.engines.sandbox.bounds import Rooms
from sshore.engines.sandbox.view import HostView

AGENT_ID = str(layout.ACCOUNT_ID)


@dataclass(frozen=True, slots=True)
class Descriptors:
    """The file descriptors that bwrap inherits.

    `info`    bwrap writes the child's pid here
    `status`  bwrap writes the exit status here, whether or not a server lives
    `block`   the agent starts when a byte can be read here
    `sync`    stays open as long as pid 1 lives
    `filter`  the system calls that may be made; all, where it is None
    `etc`     files of /etc by name, each a descriptor of its contents, read in this order after everything is mounted
    """

    info: int
    status: int
    block: int
    sync: int
    filter: int | None
    etc: dict[str, int]

    @property
    def all(self) -> tuple[int, ...]:
        some = () if self.filter is None else (self.filter,)
        return (self.info, self.status, self.block, self.sync, *some, *self.etc.values())


def bwrap_arguments(
    spec: SessionSpec, host: HostView, descriptors: Descriptors, room: Rooms, gpu_nodes: Sequence[str] = ()
) -> list[str]:
    """What bwrap is told, up to the agent's command, which stands behind it."""
    groups: list[Iterable[str]] = [
        _namespaces(spec),
        _parents(),
        _system(host),
        _host_etc(host),
        _devices(gpu_nodes, host, room),
        _own_places(spec, room),
        _mounts(spec),
        _made_etc(descriptors),
        # Last: from here on, nothing can be made in the root directory, which is a tmpfs of the session's.
        ("--remount-ro", "/"),
        _environment(spec, host),
        _control(descriptors),
        ("--chdir", layout.HOME),
    ]
    return [argument for group in groups for argument in group]


def _namespaces(spec: SessionSpec) -> Iterable[str]:
    yield from ("--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try")
    if spec.network is not Network.HOST:
        yield "--unshare-net"
    if spec.host_uid is not None:
        # Where several people share a server: in mounts of its own a session would keep a folder that is taken back.
        yield "--disable-userns"
    yield from ("--uid", AGENT_ID, "--gid", AGENT_ID, "--hostname", spec.name, "--as-pid-1", "--new-session")


def _parents() -> Iterable[str]:
    # What bwrap makes by itself on the way to a place is closed to others (0700).
    for place in ("/etc", "/etc/ssl", "/home", "/opt", "/sys", "/var"):
        yield from ("--perms", "0755", "--dir", place)


def _system(host: HostView) -> Iterable[str]:
    for directory in host.directories:
        yield from ("--ro-bind", directory, directory)
    for place, target in host.links.items():
        yield from ("--symlink", target, place)
    yield from ("--proc", "/proc")
    for directory in host.sys:
        yield from ("--ro-bind", directory, directory)


def _host_etc(host: HostView) -> Iterable[str]:
    for path in host.etc:
        yield from ("--ro-bind", path, path)
    yield from ("--symlink", "/proc/self/mounts", "/etc/mtab")


def _made_etc(descriptors: Descriptors) -> Iterable[str]:
    for name, descriptor in descriptors.etc.items():
        mode = "0755" if f"/etc/{name}" == layout.LOGIN_SHELL else "0644"
        yield from ("--perms", mode, "--file", str(descriptor), f"/etc/{name}")


def _devices(gpu_nodes: Sequence[str], host: HostView, room: Rooms) -> Iterable[str]:
    yield from ("--dev", "/dev", "--perms", "1777", "--size", str(room.shm_bytes), "--tmpfs", "/dev/shm")
    for node in gpu_nodes:
        yield from ("--dev-bind", node, node)
    yield from ("--remount-ro", "/dev")
    if gpu_nodes:
        for directory in host.sys_for_gpus:
            yield from ("--ro-bind", directory, directory)


def _own_places(spec: SessionSpec, room: Rooms) -> Iterable[str]:
    yield from ("--bind", str(spec.home), layout.HOME)
    for place in ("/tmp", "/var/tmp"):
        yield from ("--perms", "1777", "--size", str(room.tmp_bytes), "--tmpfs", place)
    yield from ("--symlink", "/run", "/var/run", "--symlink", "/run/lock", "/var/lock")
    yield from ("--perms", "0755", "--size", str(room.run_bytes), "--tmpfs", "/run", "--dir", "/run/lock")
    yield from ("--ro-bind", str(spec.run), layout.RUN, "--ro-bind", str(spec.link), layout.LINK)
    yield from ("--ro-bind", str(spec.kit), layout.KIT)


def _mounts(spec: SessionSpec) -> Iterable[str]:
    # A mount below another mount comes after it, or it would be hidden.
    for mount in sorted(spec.mounts, key=lambda mount: len(PurePosixPath(mount.target).parts)):
        yield from ("--ro-bind" if mount.read_only else "--bind", str(mount.source), mount.target)


def _environment(spec: SessionSpec, host: HostView) -> Iterable[str]:
    variables = {
        "HOME": layout.HOME,
        "USER": layout.ACCOUNT,
        "LOGNAME": layout.ACCOUNT,
        "SHELL": host.shell,
        "SSHORE_SESSION": spec.name,
        layout.ID_VARIABLE: spec.id,
        "PATH": f"{layout.PATH}:{layout.KIT_BIN}",
    }
    if host.locale:
        variables["LANG"] = host.locale
    yield "--clearenv"
    for name, value in variables.items():
        yield from ("--setenv", name, value)


def _control(descriptors: Descriptors) -> Iterable[str]:
    yield from ("--info-fd", str(descriptors.info), "--json-status-fd", str(descriptors.status))
    yield from ("--block-fd", str(descriptors.block), "--sync-fd", str(descriptors.sync))
    if descriptors.filter is not None:
        yield from ("--seccomp", str(descriptors.filter))
