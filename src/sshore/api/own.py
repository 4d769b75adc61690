"""What is the caller's own: registered keys, files for new homes, the bootstrap script."""

import base64
import binascii

from fastapi import Response

from sshore.api.answers import time_text
from sshore.api.auth import Caller, Use
from sshore.api.route import Router
from sshore.core.errors import InvalidInput
from sshore.core.own_keys import OwnKey
from sshore.core.user_files import Bootstrap, FileEntry
from sshore.schema.own_messages import (
    AddOwnKey,
    BootstrapMessage,
    OwnKeyMessage,
    SetBootstrap,
    UserFileContent,
    UserFileMessage,
)

router = Router(prefix="/api/v1", tags=["own keys and files"])


@router.get("/keys")
async def list_keys(caller: Caller, services: Use) -> list[OwnKeyMessage]:
    return [_key_message(key) for key in await services.own_keys.list(caller)]


@router.post("/keys", status_code=201, responses={200: {"description": "It was registered already."}})
async def add_key(body: AddOwnKey, caller: Caller, services: Use, response: Response) -> OwnKeyMessage:
    """Register a public key: from now on it opens all of the caller's sessions, those that run, too."""
    key, is_new = await services.own_keys.add(caller, body.public_key, body.name)
    if not is_new:
        response.status_code = 200
    return _key_message(key)


# A fingerprint may hold slashes.
@router.delete("/keys/{ref:path}")
async def remove_key(ref: str, caller: Caller, services: Use) -> OwnKeyMessage:
    """Remove a key by its id, fingerprint or name. Connections that it has opened end."""
    return _key_message(await services.own_keys.remove(caller, ref))


@router.get("/files")
async def list_files(caller: Caller, services: Use) -> list[UserFileMessage]:
    return [_file_message(file) for file in await services.user_files.list(caller)]


@router.get("/files/{name:path}")
async def get_file(name: str, caller: Caller, services: Use) -> UserFileContent:
    file = await services.user_files.get(caller, name)
    return UserFileContent(base64.b64encode(file.content).decode(), file.executable)


@router.put("/files/{name:path}")
async def put_file(name: str, body: UserFileContent, caller: Caller, services: Use) -> UserFileMessage:
    """Store a file, which each home gets that is made from now on."""
    try:
        content = base64.b64decode(body.content, validate=True)
    except (ValueError, binascii.Error) as error:
        raise InvalidInput("the content is not base64", field="content") from error
    file = await services.user_files.put(caller, name, content, executable=body.executable)
    return _file_message(FileEntry(file.name, len(content), file.executable, file.updated_at))


@router.delete("/files/{name:path}", status_code=204)
async def remove_file(name: str, caller: Caller, services: Use) -> Response:
    await services.user_files.remove(caller, name)
    return Response(status_code=204)


@router.get("/bootstrap")
async def show_bootstrap(caller: Caller, services: Use) -> BootstrapMessage:
    return _bootstrap_message(await services.bootstraps.get(caller))


@router.put("/bootstrap")
async def set_bootstrap(body: SetBootstrap, caller: Caller, services: Use) -> BootstrapMessage:
    return _bootstrap_message(await services.bootstraps.set(caller, body.script))


@router.post("/bootstrap/on")
async def enable_bootstrap(caller: Caller, services: Use) -> BootstrapMessage:
    return _bootstrap_message(await services.bootstraps.switch(caller, enabled=True))


@router.post("/bootstrap/off")
async def disable_bootstrap(caller: Caller, services: Use) -> BootstrapMessage:
    return _bootstrap_message(await services.bootstraps.switch(caller, enabled=False))


@router.delete("/bootstrap", status_code=204)
async def remove_bootstrap(caller: Caller, services: Use) -> Response:
    await services.bootstraps.remove(caller)
    return Response(status_code=204)


def _key_message(key: OwnKey) -> OwnKeyMessage:
    created = time_text(key.created_at)
    return OwnKeyMessage(key.id, key.name, key.type, key.bits, key.fingerprint, key.public_key, created)


def _file_message(file: FileEntry) -> UserFileMessage:
    return UserFileMessage(file.name, file.size, file.executable, time_text(file.updated_at))


def _bootstrap_message(bootstrap: Bootstrap) -> BootstrapMessage:
    return BootstrapMessage(bootstrap.script, bootstrap.enabled, time_text(bootstrap.updated_at))
