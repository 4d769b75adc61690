"""Storage folders."""

from fastapi import APIRouter, Response

from sshore.api.answers import folder_message
from sshore.api.auth import Caller, Use
from sshore.schema.messages import CreateFolder, FolderMessage

router = APIRouter(prefix="/api/v1/folders", tags=["folders"])


@router.get("")
async def list_folders(caller: Caller, services: Use) -> list[FolderMessage]:
    return [folder_message(folder) for folder in await services.folders.list(caller)]


@router.post("", status_code=201)
async def create_folder(body: CreateFolder, caller: Caller, services: Use) -> FolderMessage:
    return folder_message(await services.folders.create(caller, body.name))


@router.delete("/{name}", status_code=204)
async def remove_folder(name: str, caller: Caller, services: Use) -> Response:
    await services.folders.remove(caller, name)
    return Response(status_code=204)
