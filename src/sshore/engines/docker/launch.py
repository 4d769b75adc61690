"""The start of one session: image, network, container; undone when a step fails."""

import asyncio
from collections.abc import Collection

from aiodocker.containers import DockerContainer

from sshore.core import layout
from sshore.core.choices import Network
from sshore.core.errors import EngineFailed, SshoreError
from sshore.core.logins import LoginShell
from sshore.core.sessions import SessionSpec
from sshore.engines.docker.accounts import (
    group_with_root,
    group_with_work,
    passwd_with_root,
    passwd_with_work,
    profile_with_path,
)
from sshore.engines.docker.archives import Entry, below, pack
from sshore.engines.docker.container import (
    DEPLOYMENT_LABEL,
    SESSION_LABEL,
    Surroundings,
    container_config,
    container_name,
)
from sshore.engines.docker.daemon import Daemon
from sshore.engines.docker.images import ImageContents, Images
from sshore.engines.docker.networks import ensure_nat, isolate_sessions
from sshore.engines.docker.root import privilege_separation_directories
from sshore.engines.docker.shell import NO_SHELL, NO_SHELL_TEXT


async def launch(daemon: Daemon, images: Images, spec: SessionSpec, around: Surroundings) -> None:
    """Start a session of which the daemon has no container.

    Raises:
        EngineFailed: it did not start, or is not there when it has: nothing of it is left.
    """
    labels = {SESSION_LABEL: spec.id, DEPLOYMENT_LABEL: around.deployment}
    image = await images.look_into(spec, labels)
    shell = await images.login_shell(spec, image, labels)
    nat = await ensure_nat(daemon) if spec.network is Network.NAT else None
    try:
        with daemon.errors("start the session"):
            container = await daemon.docker.containers.create(
                container_config(spec, image, around, nat.id if nat else "", shell.shell), name=container_name(spec)
            )
            await _add_account(container, image, shell, around.account_id, await _root_places(spec))
            await container.start()
        if nat:
            isolate_sessions(nat.bridge)
    except SshoreError as error:
        await daemon.remove(container_name(spec))
        raise EngineFailed(error.problem.detail) from error


async def _root_places(spec: SessionSpec) -> set[str]:
    return await asyncio.to_thread(privilege_separation_directories, spec.kit) if spec.root else set()


async def _add_account(
    container: DockerContainer, image: ImageContents, shell: LoginShell, account_id: int, root_places: Collection[str]
) -> None:
    path = image.environment.get("PATH", layout.PATH)
    if account_id:
        passwd = passwd_with_work(image.passwd, account_id, shell.entry)
        group = group_with_work(image.group, account_id)
    else:
        passwd, group = passwd_with_root(image.passwd, shell.entry), group_with_root(image.group)
    entries = [
        Entry("etc/passwd", passwd, 0o644),
        Entry("etc/group", group, 0o644),
        Entry("tmp", None, 0o1777),
        *(Entry(place.removeprefix("/"), None, 0o755) for place in sorted(root_places)),
    ]
    if not image.has_etc:
        entries.insert(0, Entry("etc", None, 0o755))
    if image.shell != NO_SHELL:
        entries.append(Entry("etc/profile", profile_with_path(image.profile, path), 0o644))
    else:
        entries.append(Entry(NO_SHELL.removeprefix("/"), NO_SHELL_TEXT, 0o755))
    if shell.script:
        entries.append(Entry(layout.LOGIN_SHELL.removeprefix("/"), shell.script, 0o755))
    await _put(container, entries, image.volumes)


async def _put(container: DockerContainer, entries: list[Entry], volumes: Collection[str]) -> None:
    """Into the container's own files, and into volumes that have theirs already.

    Docker's volumes have them, and take what is put at the root. Podman 5's have them, too, but what is put at the root
    goes below them, where nobody sees it. Podman 4 fills them at the start, unless something is in them by then.
    """
    await container.put_archive("/", pack(entries))  # type: ignore[no-untyped-call]
    for volume in volumes:
        inside = below(volume, entries)
        if inside and (await container.get_archive(f"{volume}/.")).getmembers():
            await container.put_archive(volume, pack(inside))  # type: ignore[no-untyped-call]


def gpus_taken(labels: Collection[str]) -> set[str]:
    """The GPUs in the labels of the containers that run."""
    return {gpu for label in labels for gpu in label.split(",") if gpu}
