"""The core's dataclasses as the API's messages."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from itertools import islice

from sshore.core.activity import Report
from sshore.core.apps import AppStatus
from sshore.core.images import PullProgress
from sshore.core.live_use import POINT_EVERY_S, GpuReading, History, Point
from sshore.core.sessions import MemoryKills, Mount, Resources, Session
from sshore.core.users import Identity, Token, User
from sshore.schema.account_messages import MeMessage, SettingMessage, TokenMessage, UserMessage
from sshore.schema.folder_messages import FolderMessage, ShareFolder
from sshore.schema.image_messages import ImageMessage
from sshore.schema.live_use_messages import GpuUseMessage, LiveUseMessage, UsePointMessage
from sshore.schema.session_messages import (
    ActivityMessage,
    AppMessage,
    HomeMessage,
    MemoryKillsMessage,
    MountMessage,
    PullMessage,
    ResourcesMessage,
    SessionMessage,
    UlimitMessage,
)
from sshore.services.folders.folders import ListedFolder
from sshore.services.images import ListedImage
from sshore.services.people.settings import SettingValue
from sshore.services.sessions.details import NO_DETAILS, SessionDetails


def session_message(
    session: Session,
    owner: str,
    *,
    linked: bool,
    report: Report | None = None,
    details: SessionDetails = NO_DETAILS,
    pull: PullProgress | None = None,
) -> SessionMessage:
    return SessionMessage(
        id=session.id,
        name=session.name,
        owner=owner,
        state=session.state,
        reason=pull.phrase if pull else session.reason,
        engine=session.engine,
        image=session.image,
        network=session.network,
        key_type=session.key_type,
        resources=resources_message(session.resources),
        mounts=mount_messages(session.mounts, details),
        launched=list(session.launched),
        linked=linked,
        host_key_fingerprint=session.host_key_fingerprint,
        created_at=time_text(session.created_at),
        started_at=time_text(session.started_at) if session.started_at else None,
        idle_timeout_s=session.idle_timeout_s,
        ttl_s=session.ttl_s,
        activity=activity_message(report) if report else None,
        root=session.root,
        entrypoint=session.entrypoint,
        entrypoint_state=details.entrypoint_state,
        notes=list(details.notes),
        memory_kills=memory_kills_message(details.memory_kills),
        image_id=session.image_id,
        image_digest=session.image_digest,
        previous_image_id=session.previous_image_id,
        pull=pull_message(pull) if pull and not pull.waits_for else None,
        home=HomeMessage(**asdict(details.home)) if details.home else None,
    )


def live_use_message(session: Session, owner: str, history: History, points: int) -> LiveUseMessage:
    return LiveUseMessage(
        id=session.id,
        name=session.name,
        owner=owner,
        engine=session.engine,
        started_at=time_text(session.started_at) if session.started_at else None,
        cpus_limit=session.resources.cpus,
        memory_limit_bytes=session.resources.memory_bytes,
        every_s=POINT_EVERY_S,
        now=_use_point(history.newest),
        history=[_use_point(point) for point in islice(history, max(len(history) - points, 0), None)],
    )


def _use_point(point: Point) -> UsePointMessage:
    return UsePointMessage(
        _rounded(point.cpus),
        point.memory_bytes,
        _rounded(point.read_bytes_s),
        _rounded(point.written_bytes_s),
        _rounded(point.received_bytes_s),
        _rounded(point.sent_bytes_s),
        _gpu_use(point.gpus),
    )


def _gpu_use(gpus: GpuReading | None) -> GpuUseMessage | None:
    return GpuUseMessage(gpus.count, gpus.busy, gpus.memory_bytes) if gpus else None


def _rounded(rate: float | None) -> float | None:
    return None if rate is None else round(rate, 3)


def pull_message(pull: PullProgress) -> PullMessage:
    return PullMessage(pull.image, pull.layers, pull.layers_done, pull.done_bytes, pull.total_bytes)


def image_message(listed: ListedImage) -> ImageMessage:
    image = listed.image
    return ImageMessage(
        name=image.name,
        ref=listed.ref,
        id=image.id,
        digest=image.digest,
        size_bytes=image.size_bytes,
        architecture=image.architecture,
        runs_here=image.runs_here,
        allowed=image.allowed,
        created_at=time_text(image.created_at) if image.created_at else None,
        owner=listed.owner,
        sessions=listed.sessions,
        engine=listed.engine,
    )


def mount_messages(mounts: Iterable[Mount], details: SessionDetails = NO_DETAILS) -> list[MountMessage]:
    return [
        MountMessage(
            mount.folder, mount.target, mount.read_only, mount.live, mount.kept, details.missing.get(mount.target, "")
        )
        for mount in mounts
    ]


def resources_message(resources: Resources) -> ResourcesMessage:
    return ResourcesMessage(
        resources.cpus,
        resources.memory_bytes,
        resources.pids,
        resources.gpus,
        resources.shm_bytes,
        resources.disk_bytes,
        [UlimitMessage(ulimit.name, ulimit.soft, ulimit.hard) for ulimit in resources.ulimits],
    )


def memory_kills_message(kills: MemoryKills) -> MemoryKillsMessage | None:
    if not kills.count:
        return None
    return MemoryKillsMessage(kills.count, kills.program, time_text(kills.at) if kills.at else None)


def activity_message(report: Report) -> ActivityMessage:
    return ActivityMessage(
        moved_bytes=report.moved_bytes,
        moved_at=time_text(report.moved_at) if report.moved_at else None,
        cpu_s=round(report.cpu_s, 2),
        active_at=time_text(report.active_at),
        stops_at=time_text(report.deadline.at) if report.deadline else None,
        stop_reason=report.deadline.reason if report.deadline else "",
    )


def app_message(status: AppStatus) -> AppMessage:
    return AppMessage(status.name, status.title, status.launched, status.connections)


def user_message(user: User) -> UserMessage:
    has_password, oidc_subject = bool(user.password_hash), user.oidc_subject or ""
    return UserMessage(user.name, user.role, user.settings, user.disabled, has_password, oidc_subject)


def me_message(identity: Identity) -> MeMessage:
    user, token = user_message(identity.user), token_message(identity.token)
    return MeMessage(**asdict(user), token_name=token.name, token_expires_at=token.expires_at)


def token_message(token: Token, secret: str | None = None) -> TokenMessage:
    expires_at = time_text(token.expires_at) if token.expires_at else None
    last_used_at = time_text(token.last_used_at) if token.last_used_at else None
    created_at = time_text(token.created_at)
    return TokenMessage(token.id, token.name, created_at, expires_at, secret, token.scope, last_used_at)


def setting_message(value: SettingValue) -> SettingMessage:
    setting = value.setting
    return SettingMessage(setting.name, setting.title, value.value, setting.default, value.warning)


def folder_message(listed: ListedFolder, caller: User) -> FolderMessage:
    folder = listed.folder
    return FolderMessage(
        name=folder.name,
        created_at=time_text(folder.created_at),
        ref=folder.ref(listed.owner, caller.name),
        owner=listed.owner,
        read_only=listed.read_only,
        shared_with=[ShareFolder(name, share.read_only) for name, share in listed.shares],
        offered_path=folder.path if listed.owner == caller.name else "",
        id=folder.id,
    )


def time_text(time: datetime) -> str:
    return time.isoformat(timespec="seconds").replace("+00:00", "Z")
