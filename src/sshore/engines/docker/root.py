"""Sessions with root inside: `work` has uid 0 in the container, and nothing of it outside.

The container's root has those of root's rights that installing packages and changing accounts take, and no other: none
over devices, mounts, networks, the kernel or other processes. What it reaches of the host, which is home and folders,
is mounted so that inside uid 0 is the owner's uid on the disk, the uids from 1 on are a range that nobody has, and
what belongs to anybody else stays out of reach: no file of root's comes into being on the host, and none is opened
to it. Where the daemon maps users (``userns-remap``), the container's root is no root to the kernel, either.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from sshore.core.allowed import Allowed
from sshore.core.choices import Network
from sshore.core.errors import EngineFailed, Forbidden, InvalidInput
from sshore.core.sessions import SessionSpec
from sshore.engines.docker.staging import mounted, open_stage, shares_mounts_with_daemon, staged
from sshore.engines.mounting.idmap import IdRange
from sshore.wire.problems import Code

CAPABILITIES = (
    *("CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "SETUID", "SETGID", "KILL", "NET_BIND_SERVICE"),
    # Of root's sshd: into its empty directory before anybody has logged in; to the kernel's audit afterwards.
    *("SYS_CHROOT", "AUDIT_WRITE"),
)
_OTHERS_ON_DISK = 1_899_900_000
"""uid 0 of the range on the disk that the uids from 1 on have; the owners' uids begin above it."""
_RANGE = 65_536


def check_root(spec: SessionSpec, policy: Allowed, socket_path: Path) -> None:
    """Refuse a session with root that is not allowed, or cannot be kept safe.

    Raises:
        Forbidden: ``root_not_allowed``. InvalidInput: with the host's network. EngineFailed: the machine cannot.
    """
    if not policy.permits(spec):
        raise Forbidden(
            f"root in sessions is for {policy.whom} here: leave --root out, use an image that has what you need, or "
            "ask the administrator for SSHORE_DOCKER_ROOT=all",
            code=Code.ROOT_NOT_ALLOWED,
        )
    if spec.network is Network.HOST:
        # Daemons of the host take uid 0 at an abstract socket for the host's root (CVE-2020-15257).
        raise InvalidInput("a session with root cannot have the host's network: choose nat or none", field="network")
    if os.geteuid() != 0:
        raise EngineFailed("a session with root needs a server that is root: only root can map its uids on the disk")
    if not shares_mounts_with_daemon(socket_path):
        raise EngineFailed(
            "a session with root needs a server that sees the Docker daemon's mounts: not one in a container or in a "
            "mount namespace of its own (PrivateMounts=, PrivateTmp= and the like of its systemd unit)"
        )


def inside_root(info: Mapping[str, Any]) -> int:
    """The uid on this machine that uid 0 of a container has: another one than 0 where the daemon maps users."""
    if not any("name=userns" in option for option in info.get("SecurityOptions") or ()):
        return 0
    # The daemon that maps has its data in a directory of this name (dockerd(8), userns-remap).
    mapped = re.search(r"/(\d+)\.\d+$", str(info.get("DockerRootDir", "")))
    if not mapped:
        raise EngineFailed("the Docker daemon maps users, and does not tell where to: no session can have root")
    return int(mapped[1])


def stage_for_root(spec: SessionSpec, root_uid: int, stage: Path) -> SessionSpec:
    """Mount a session's directories below `stage` so that the container's root owns them; the session with these. From
    there the daemon mounts them into the container; when it has, `staging.clear_stage`.

    Raises:
        EngineFailed: the kernel or a file system cannot.
    """
    place = open_stage(spec.id, stage)
    ranges = root_ranges(spec.host_uid or 0, root_uid)
    return replace(
        spec,
        home=mounted(spec.home, ranges, place / "home"),
        run=mounted(spec.run, ranges, place / "run"),
        mounts=tuple(
            staged(mount, root_ranges(mount.disk_uid or spec.host_uid or 0, root_uid), place / str(number))
            for number, mount in enumerate(spec.mounts)
        ),
    )


def root_ranges(owner_uid: int, root_uid: int) -> list[IdRange]:
    """What a mount for a container's root shows: the owner's files as root's, and those of its other uids."""
    return [IdRange(owner_uid, root_uid), IdRange(_OTHERS_ON_DISK + 1, root_uid + 1, _RANGE - 1)]


def privilege_separation_directories(kit: Path) -> set[str]:
    """The empty directories that the kit's sshd goes into where it is root, before anybody has logged in: compiled in,
    so that nothing but the program knows (sshd(8), "privilege separation")."""
    known = ("/run/sshd", "/var/run/sshd", "/var/empty/sshd", "/var/empty", "/usr/share/empty.sshd", "/var/lib/empty")
    programs = (kit / "bin" / name for name in ("sshd", "sshd-session", "sshd-auth"))
    texts = [program.read_bytes() for program in programs if program.exists()]
    return {place for place in known if any(b"\0%s\0" % place.encode() in text for text in texts)}
