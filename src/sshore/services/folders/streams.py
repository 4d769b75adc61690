"""Streams to folders: who may open one, and what the program behind it is told."""

from pathlib import Path

from sshore.core import layout
from sshore.core.errors import NotFound
from sshore.core.folders import FolderAccess, FolderApp, FolderView
from sshore.core.ids import SessionId
from sshore.core.keys import public_line
from sshore.core.names import suggestion
from sshore.core.run_files import folder_sshd_config, host_key_files
from sshore.core.sessions import StreamGrant
from sshore.core.users import Identity, User
from sshore.services.folders.folders import FolderService
from sshore.services.folders.keys import FolderKeyService


class FolderStreams:
    """`kit`: the kit's directory, in which the programs are."""

    def __init__(self, folders: FolderService, keys: FolderKeyService, kit: Path, *, cpu_has_aes: bool) -> None:
        self._folders = folders
        self._keys = keys
        self._kit = kit
        self._cpu_has_aes = cpu_has_aes

    async def authorise(
        self, identity: Identity, ref: str, app: str, *, all_host_keys: bool = False
    ) -> tuple[StreamGrant, FolderView, FolderApp]:
        """See `core.ports.StreamAuthority.authorise_folder`."""
        user = identity.user
        access = await self._folders.access_by_any_ref(user, ref)
        owner_id = access.folder.owner_id
        program = _find_app(app)
        room = None if access.read_only or access.folder.path else await self._folders.usage.room_bytes(owner_id)
        view = FolderView(
            name=access.folder.name,
            source=access.source,
            kit=self._kit,
            user_id=user.id,
            read_only=access.read_only,
            host_uid=access.host_uid,
            room_bytes=room,
            offered=bool(access.folder.path),
            run_files=await self._run_files(access, user, all_host_keys) if program is FolderApp.SSH else {},
        )
        name = access.folder.ref(access.owner, user.name)
        grant = StreamGrant(SessionId(access.folder.id), user.name, user.id, identity.token.id, folder=name)
        return grant, view, program

    async def _run_files(self, access: FolderAccess, user: User, all_host_keys: bool) -> dict[str, str]:
        keys = await self._keys.ensure(access.folder, user)
        host_keys = host_key_files(keys.host_private_key, keys.further_host_keys if all_host_keys else ())
        files = {
            **host_keys,
            layout.AUTHORIZED_KEYS: public_line(keys.private_key) + "\n",
            layout.SSHD_CONFIG: folder_sshd_config(host_keys, cpu_has_aes=self._cpu_has_aes),
        }
        return {Path(path).name: text for path, text in files.items()}


def _find_app(name: str) -> FolderApp:
    try:
        return FolderApp(name)
    except ValueError:
        known = [str(app) for app in FolderApp]
        hint = suggestion(name, known) or f"; they have: {', '.join(known)}"
        raise NotFound(f"folders have no app {name!r}{hint}") from None
