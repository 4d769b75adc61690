"""Images; logins at registries, for admins."""

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from fastapi import Response
from starlette.responses import StreamingResponse

from sshore.api.answers import image_message, pull_message
from sshore.api.auth import Caller, Own, Use
from sshore.api.route import Router
from sshore.core.errors import SshoreError
from sshore.core.images import PullProgress, RegistryLogin
from sshore.schema.decode import encode
from sshore.schema.image_messages import (
    CommitSession,
    ImageMessage,
    ImagesMessage,
    PullImage,
    RegistryLoginRequest,
    RegistryMessage,
)

router = Router(prefix="/api/v1", tags=["images"])

PULL_MEDIA_TYPE = "application/x-ndjson"


@router.get("/images")
async def list_images(caller: Caller, services: Use) -> ImagesMessage:
    images = services.images
    listed = [image_message(it) for it in await images.list(caller)]
    return ImagesMessage([*images.engines], [*images.patterns], listed)


@router.post("/images/pull", response_class=StreamingResponse)
async def pull_image(body: PullImage, caller: Caller, services: Use) -> StreamingResponse:
    """Get an image, or its newest version, from its registry. The answer is a line of JSON for each step, and last
    ``{"done": true}`` or a problem document; who hangs up ends the pull."""
    steps = services.images.pull(caller, body.image)
    first = await anext(steps, None)  # what is refused at once has a status of its own
    return StreamingResponse(_lines(first, steps), media_type=PULL_MEDIA_TYPE)


@router.delete("/images")
async def remove_image(ref: str, caller: Caller, services: Use) -> ImageMessage:
    """Remove one's own committed image; for admins any, by name (others' as ``OWNER/NAME``) or by id."""
    return image_message(await services.images.remove(caller, ref))


@router.post("/sessions/{ref}/commit", status_code=201)
async def commit_session(session: Own, body: CommitSession, caller: Caller, services: Use) -> ImageMessage:
    """Keep what a session has changed, without its home and what is mounted, as an image of its owner's."""
    return image_message(await services.images.commit(caller, session, body.image, pause=body.pause))


@router.get("/registries")
async def list_registries(caller: Caller, services: Use) -> list[RegistryMessage]:
    return [_registry(login) for login in await services.images.logins(caller)]


@router.put("/registries/{registry}")
async def log_in(registry: str, body: RegistryLoginRequest, caller: Caller, services: Use) -> RegistryMessage:
    """Keep a login, which the registry is asked for first."""
    return _registry(await services.images.log_in(caller, registry, body.username, body.password))


@router.delete("/registries/{registry}", status_code=204)
async def log_out(registry: str, caller: Caller, services: Use) -> Response:
    await services.images.log_out(caller, registry)
    return Response(status_code=204)


async def _lines(first: PullProgress | None, rest: AsyncGenerator[PullProgress, None]) -> AsyncIterator[str]:
    try:
        if first is not None:
            yield _line(encode(pull_message(first)))
        async with aclosing(rest):  # who hangs up pulls no longer
            async for step in rest:
                yield _line(encode(pull_message(step)))
        yield _line({"done": True})
    except SshoreError as error:
        yield _line(error.problem.document())


def _line(value: object) -> str:
    return json.dumps(value) + "\n"


def _registry(login: RegistryLogin) -> RegistryMessage:
    return RegistryMessage(login.registry, login.username, login.source)
