"""Streams to folders: who may open one, and what the program behind it is told."""

from pathlib import Path

from sshore.core.errors import NotFound
from sshore.core.folders import FolderApp, FolderView
from sshore.core.ids import SessionId
from sshore.core.names import suggestion
from sshore.core.sessions import StreamGrant
from sshore.core.users import Identity
from sshore.services.folders import FolderService


class FolderStreams:
    """`kit`: the kit's directory, in which the programs are."""

    def __init__(self, folders: FolderService, kit: Path) -> None:
        self._folders = folders
        self._kit = kit

    async def authorise(self, identity: Identity, ref: str, app: str) -> tuple[StreamGrant, FolderView, FolderApp]:
        """See `core.ports.StreamAuthority.authorise_folder`."""
        user = identity.user
        access = await self._folders.access(user, ref)
        program = _find_app(app)
        view = FolderView(
            name=access.folder.name,
            source=access.source,
            kit=self._kit,
            user_id=user.id,
            read_only=access.read_only,
            host_uid=access.host_uid,
        )
        grant = StreamGrant(SessionId(access.folder.id), user.name, user.id, identity.token.id, folder=ref)
        return grant, view, program


def _find_app(name: str) -> FolderApp:
    try:
        return FolderApp(name)
    except ValueError:
        known = [str(app) for app in FolderApp]
        raise NotFound(
            f"folders have no app {name!r}{suggestion(name, known)}; they have: {', '.join(known)}"
        ) from None
