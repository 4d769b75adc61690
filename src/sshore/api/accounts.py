"""The caller, tokens and user settings."""

from fastapi import Response

from sshore.api.answers import me_message, setting_message, token_message
from sshore.api.auth import Caller, Identified, Use
from sshore.api.route import Router
from sshore.schema.account_messages import CreateToken, MeMessage, SetSetting, SettingMessage, TokenMessage

router = Router(prefix="/api/v1", tags=["accounts"])


@router.get("/me")
async def show_me(who: Identified) -> MeMessage:
    return me_message(who)


@router.get("/tokens")
async def list_tokens(caller: Caller, services: Use, user: str = "") -> list[TokenMessage]:
    """The caller's tokens or, for admins, another user's."""
    return [token_message(token) for token in await services.accounts.list_tokens(caller, user)]


@router.post("/tokens", status_code=201)
async def create_token(body: CreateToken, caller: Caller, services: Use) -> TokenMessage:
    token, secret = await services.accounts.create_token(caller, body.name, body.user, body.expires_in_s, body.scope)
    return token_message(token, secret)


@router.delete("/tokens/{token_id}", status_code=204)
async def remove_token(token_id: str, caller: Caller, services: Use, user: str = "") -> Response:
    """Revoke a token; the streams that it has opened end."""
    await services.accounts.remove_token(caller, token_id, user)
    return Response(status_code=204)


@router.get("/settings")
async def list_settings(caller: Caller, services: Use) -> list[SettingMessage]:
    return [setting_message(value) for value in services.settings.list(caller)]


@router.get("/settings/{name}")
async def get_setting(name: str, caller: Caller, services: Use) -> SettingMessage:
    return setting_message(services.settings.get(caller, name))


@router.put("/settings/{name}")
async def set_setting(name: str, body: SetSetting, caller: Caller, services: Use) -> SettingMessage:
    return setting_message(await services.settings.set(caller, name, body.value))
