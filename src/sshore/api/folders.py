"""Storage folders. Streams to them, ``GET /api/v1/folders/{ref}/stream``, are the gateway's."""

from typing import Annotated

from fastapi import Query, Response

from sshore.api.answers import folder_message, mount_messages, session_message, time_text
from sshore.api.auth import Caller, Own, Use
from sshore.api.route import Router
from sshore.core.folders import Folder, TrashedFolder, make_mount
from sshore.core.users import User
from sshore.schema.folder_messages import (
    CreateFolder,
    EmptiedMessage,
    FolderKeyMessage,
    FolderMessage,
    FolderUsageMessage,
    OfferFolder,
    RenameFolder,
    RestoreFolder,
    SetFolderQuota,
    ShareFolder,
    TrashedFolderMessage,
    UnsharedMessage,
)
from sshore.schema.mount_messages import MountFolder, UnmountedMessage
from sshore.schema.session_messages import SessionMessage
from sshore.services.folders.folders import ListedFolder
from sshore.services.folders.trash import FolderTrash
from sshore.services.folders.usage import Usage

router = Router(prefix="/api/v1", tags=["folders"])

OfUser = Annotated[str, Query(description="Another user's, for admins.")]


@router.get("/folders")
async def list_folders(caller: Caller, services: Use) -> list[FolderMessage]:
    """One's own folders, then those that others share."""
    return [folder_message(listed, caller) for listed in await services.folders.usable(caller)]


@router.post("/folders", status_code=201)
async def create_folder(body: CreateFolder, caller: Caller, services: Use) -> FolderMessage:
    return _own(await services.folders.create(caller, body.name), caller)


@router.patch("/folders/{name}")
async def rename_folder(name: str, body: RenameFolder, caller: Caller, services: Use) -> FolderMessage:
    """Rename a folder; the sessions that mount it have it where they had it, and know its new name."""
    return _own(await services.trash.rename(caller, name, body.name), caller)


@router.delete("/folders/{name}", status_code=204)
async def remove_folder(
    name: str, caller: Caller, services: Use, for_ever: bool = False, force: bool = False
) -> Response:
    """Move a folder to the trash, from where it can be had back for some days; or remove it at once. `force`: also
    where running sessions of its owner's have it mounted, which lose it."""
    if for_ever:
        await services.folders.remove(caller, name, force=force)
    else:
        await services.trash.trash(caller, name, force=force)
    return Response(status_code=204)


@router.put("/folders/{name}/share", status_code=204)
async def share_folder(name: str, body: ShareFolder, caller: Caller, services: Use) -> Response:
    await services.sharing.share(caller, name, body.user, read_only=body.read_only)
    return Response(status_code=204)


@router.delete("/folders/{name}/share")
async def unshare_folder(name: str, caller: Caller, services: Use, user: str = "") -> UnsharedMessage:
    """Take a share back: a user's or, without `user`, everyone's."""
    revoked = await services.sharing.unshare(caller, name, user)
    return UnsharedMessage(revoked.sessions, revoked.stopped)


@router.post("/sessions/{ref}/mounts")
async def mount_folder(session: Own, body: MountFolder, caller: Caller, services: Use) -> SessionMessage:
    """Mount a folder in a session: at once where it runs, and at each start."""
    wanted = make_mount(body.folder, body.target, read_only=body.read_only)
    mounted = await services.live_mounts.mount(caller, session, wanted, at_restart=body.at_restart)
    return session_message(mounted, caller.name, linked=services.sessions.is_linked(mounted))


@router.delete("/sessions/{ref}/mounts")
async def unmount_folder(
    session: Own, caller: Caller, services: Use, what: str, at_restart: bool = False
) -> UnmountedMessage:
    """Mount no longer what the folder's name, or its path in the session, says."""
    unmounted, busy = await services.live_mounts.unmount(caller, session, what, at_restart=at_restart)
    return UnmountedMessage(mount_messages(unmounted.mounts), in_use=busy)


@router.post("/offered-folders", status_code=201)
async def offer_folder(body: OfferFolder, caller: Caller, services: Use) -> FolderMessage:
    return _own(await services.sharing.offer(caller, body.name, body.path, read_only=body.read_only), caller)


@router.post("/folder-key")
async def folder_key(caller: Caller, services: Use, ref: str) -> FolderKeyMessage:
    """The keys for SFTP over SSH to a folder, ``NAME`` or ``OWNER/NAME``, which are made at the first use."""
    keys = await services.folder_keys.of(caller, ref)
    return FolderKeyMessage(
        folder_id=keys.folder_id,
        ref=ref,
        path=keys.path,
        private_key=keys.private_key,
        public_key=keys.public_key,
        host_key=keys.host_key,
        host_key_fingerprint=keys.host_key_fingerprint,
        further_host_keys=keys.further_host_keys,
    )


@router.get("/trash")
async def list_trash(caller: Caller, services: Use) -> list[TrashedFolderMessage]:
    return [_trashed(trashed, services.trash) for trashed in await services.trash.list(caller)]


@router.post("/trash/{ref}/restore")
async def restore_folder(ref: str, body: RestoreFolder, caller: Caller, services: Use) -> FolderMessage:
    """Bring back the folder of this id, or the latest of this name."""
    return _own(await services.trash.restore(caller, ref, body.name), caller)


@router.delete("/trash")
async def empty_trash(caller: Caller, services: Use, ref: str = "") -> EmptiedMessage:
    """Remove for ever what is in the trash, or of it one folder."""
    return EmptiedMessage(await services.trash.empty(caller, ref))


@router.get("/folder-usage")
async def folder_usage(caller: Caller, services: Use, user: OfUser = "") -> FolderUsageMessage:
    return _usage(await services.folders.usage.of(caller, user))


@router.put("/folder-quotas/{name}")
async def set_folder_quota(name: str, body: SetFolderQuota, caller: Caller, services: Use) -> FolderUsageMessage:
    """Limit what a user's folders hold in all; for admins."""
    return _usage(await services.folders.usage.set_quota(caller, name, body.quota_bytes))


def _own(folder: Folder, caller: User) -> FolderMessage:
    return folder_message(ListedFolder(folder, caller.name, read_only=False), caller)


def _trashed(trashed: TrashedFolder, trash: FolderTrash) -> TrashedFolderMessage:
    return TrashedFolderMessage(
        trashed.id, trashed.name, time_text(trashed.trashed_at), time_text(trash.until(trashed))
    )


def _usage(usage: Usage) -> FolderUsageMessage:
    return FolderUsageMessage(usage.owner, usage.used_bytes, usage.quota_bytes, usage.not_held)
