"""What a user asked for, with the user's settings and the server's defaults filled in, checked."""

from sshore.api.services import Services
from sshore.core import settings
from sshore.core.activity import check_span
from sshore.core.apps import check_app_name
from sshore.core.choices import KeyType, Network
from sshore.core.folders import make_mount
from sshore.core.sessions import Mount, Resources
from sshore.core.ulimits import Ulimit
from sshore.core.users import User
from sshore.schema.session_messages import CreateSession
from sshore.services.sessions.apps import find_app
from sshore.services.sessions.setup import NewSession


async def wanted_session(body: CreateSession, caller: User, services: Services) -> NewSession:
    """What the request leaves open is the caller's setting, then the server's default.

    Raises:
        InvalidInput: a limit, duration, mount or app that cannot be. NotFound: there is no such app.
    """

    def setting(name: str) -> str:
        return services.settings.get(caller, name).effective

    return NewSession(
        name=body.name,
        engine=body.engine or setting(settings.ENGINE) or services.engines[0],
        image=body.image,
        resources=_resources(body, setting(settings.CPUS), setting(settings.MEMORY)),
        network=body.network or Network(setting(settings.NETWORK)),
        key_type=body.key_type or KeyType(setting(settings.KEY_TYPE)),
        mounts=_mounts(body) or await _default_mounts(setting(settings.MOUNTS), caller, services),
        apps=tuple(find_app(check_app_name(app)).name for app in body.apps),
        idle_timeout_s=_idle_timeout_s(body, setting(settings.IDLE_TIMEOUT)),
        ttl_s=check_span(body.ttl_s, "ttl_s"),
        root=body.root,
        entrypoint=body.entrypoint,
    )


def _resources(body: CreateSession, default_cpus: str, default_memory: str) -> Resources:
    wanted = body.resources
    cpus = settings.read_cpus(default_cpus) if wanted.cpus is None else wanted.cpus
    memory_bytes = settings.read_memory(default_memory) if wanted.memory_bytes is None else wanted.memory_bytes
    ulimits = tuple(Ulimit(each.name, each.soft, each.hard) for each in wanted.ulimits)
    return Resources(cpus, memory_bytes, wanted.pids, wanted.gpus, wanted.shm_bytes, wanted.disk_bytes, ulimits)


def _mounts(body: CreateSession) -> tuple[Mount, ...]:
    return tuple(make_mount(mount.folder, mount.target, read_only=mount.read_only) for mount in body.mounts)


async def _default_mounts(setting: str, caller: User, services: Services) -> tuple[Mount, ...]:
    if setting != settings.ALL_FOLDERS:
        return settings.read_mounts(setting)
    folders = await services.folders.list(caller)
    # User folders are in every home without being asked for.
    return tuple(
        make_mount(folder.name) for folder in folders if folder.owner_id == caller.id and not folder.is_user_folder
    )


def _idle_timeout_s(body: CreateSession, default: str) -> float | None:
    wanted = settings.read_idle_timeout(default) if body.idle_timeout_s is None else body.idle_timeout_s
    return check_span(wanted, "idle_timeout_s")
