"""What the daemon is told of a session's container, as a pure function."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sshore.core import layout
from sshore.core.choices import Network
from sshore.core.sessions import MOST_PIDS, SessionSpec
from sshore.engines.docker.gpus import NVIDIA, gpu_request
from sshore.engines.docker.images import ImageContents
from sshore.engines.docker.root import CAPABILITIES

SESSION_LABEL = "sshore.session"
DEPLOYMENT_LABEL = "sshore.deployment"
GPUS_LABEL = "sshore.gpus"
_LOG = {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "1"}}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a session's container depends on beside the session: the daemon's machine, and the choices made there."""

    deployment: str
    account_id: int
    memory_bytes: int
    """Of the machine."""
    gpus: tuple[str, ...] = ()
    gpu_driver: str = NVIDIA
    remaps_users: bool = False
    bounds_pids: bool = False
    """Whether the daemon can limit processes."""
    closes_mounts: bool = False
    """Whether the engine has what is mounted run no set-user-ID programs after the start (`live_mounts`)."""


def container_name(spec: SessionSpec) -> str:
    return f"sshore-{spec.name}-{spec.id}"


def container_config(
    spec: SessionSpec, image: ImageContents, around: Surroundings, nat_network: str = "", shell: str = ""
) -> dict[str, Any]:
    """The body of ``POST /containers/create``. `nat_network`: the id of the network `nat`, where the session has it.
    `shell`: what logins get, where it is another than the image's best."""
    return {
        # By its digest: whatever the name comes to mean, this is what was looked into.
        "Image": image.id,
        "Hostname": spec.name,
        "User": f"{around.account_id}:{around.account_id}",
        "WorkingDir": layout.HOME,
        "Entrypoint": [*layout.AGENT_COMMAND, *_until_closed(spec, around)],
        # None: a commit without a command would take over what is here.
        "Cmd": [],
        "Env": list(_environment(spec, image, shell or image.shell)),
        "Healthcheck": {"Test": ["NONE"]},
        "StopSignal": "SIGTERM",
        "Labels": {
            SESSION_LABEL: spec.id,
            DEPLOYMENT_LABEL: around.deployment,
            GPUS_LABEL: ",".join(around.gpus),
        },
        "HostConfig": _host_config(spec, around) | {"NetworkMode": _network_mode(spec.network, nat_network)},
    }


def _environment(spec: SessionSpec, image: ImageContents, shell: str) -> Iterator[str]:
    yield from (f"HOME={layout.HOME}", f"USER={layout.ACCOUNT}", f"LOGNAME={layout.ACCOUNT}")
    yield f"SHELL={shell}"
    yield from (f"SSHORE_SESSION={spec.name}", f"{layout.ID_VARIABLE}={spec.id}")
    # A name without a value takes away the image's: libraries of the image's are not for the kit's programs.
    yield from (name for name in image.environment if name.startswith("LD_") or name == "GLIBC_TUNABLES")
    # Nor can any program be started with these.
    yield from filter(None, image.left_out)


def _network_mode(network: Network, nat_network: str) -> str:
    return {Network.NAT: nat_network, Network.NONE: "none", Network.HOST: "host"}[network]


def _host_config(spec: SessionSpec, around: Surroundings) -> dict[str, Any]:
    resources = spec.resources
    shm_bytes = resources.shm_bytes or resources.memory_bytes or around.memory_bytes // 2
    config: dict[str, Any] = {
        "Mounts": list(_mounts(spec)),
        "CapDrop": ["ALL"],
        "CapAdd": list(CAPABILITIES) if spec.root else [],
        "SecurityOpt": ["no-new-privileges"],
        "IpcMode": "private",
        "RestartPolicy": {"Name": "no"},
        "LogConfig": _LOG,
        # Its pages count as the session's memory; Docker's own 64 MiB are too few for most who use it.
        "ShmSize": shm_bytes,
        "Ulimits": [{"Name": each.name, "Soft": each.soft, "Hard": each.hard} for each in resources.ulimits],
    }
    if around.remaps_users and not spec.root:
        # The homes on the host belong to the uids that the server chose.
        config["UsernsMode"] = "host"
    if resources.cpus is not None:
        config["NanoCpus"] = int(resources.cpus * 1e9)
    if resources.memory_bytes is not None:
        config |= {"Memory": resources.memory_bytes, "MemorySwap": resources.memory_bytes}
    if resources.pids is not None or around.bounds_pids:
        config["PidsLimit"] = resources.pids or MOST_PIDS
    if resources.disk_bytes is not None:
        config["StorageOpt"] = {"size": str(resources.disk_bytes)}
    if around.gpus:
        config["DeviceRequests"] = [gpu_request(around.gpu_driver, around.gpus)]
    return config


def _mounts(spec: SessionSpec) -> Iterator[dict[str, Any]]:
    # The daemon sorts them by depth.
    yield _bind(str(spec.home), layout.HOME)
    yield _bind(str(spec.run), layout.RUN, read_only=True)
    yield _bind(str(spec.link), layout.LINK, read_only=True)
    yield _bind(str(spec.kit), layout.KIT, read_only=True)
    for mount in spec.mounts:
        yield _bind(str(mount.source), mount.target, read_only=mount.read_only)


def _until_closed(spec: SessionSpec, around: Surroundings) -> Iterator[str]:
    if around.closes_mounts:
        yield from (layout.UNTIL_CLOSED, layout.HOME)
        yield from (mount.target for mount in spec.mounts)


def _bind(source: str, target: str, *, read_only: bool = False) -> dict[str, Any]:
    return {"Type": "bind", "Source": source, "Target": target, "ReadOnly": read_only}
