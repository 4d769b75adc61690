"""Logging in with a password; users, for admins."""

from fastapi import Response

from sshore.api.answers import token_message, user_message
from sshore.api.auth import Address, Caller, Identified, Use
from sshore.api.route import Router
from sshore.schema.account_messages import (
    ChangeUser,
    CreateUser,
    LinkUser,
    LoginRequest,
    SetPassword,
    TokenMessage,
    UserMessage,
)

router = Router(prefix="/api/v1", tags=["users"])


@router.post("/login", status_code=201)
async def log_in(body: LoginRequest, address: Address, services: Use) -> TokenMessage:
    """Exchange a password for a token; 429 with ``Retry-After`` after too many attempts."""
    token, secret = await services.passwords.log_in(body.user, body.password, address, body.token_name)
    return token_message(token, secret)


@router.delete("/login", status_code=204)
async def log_out(identity: Identified, services: Use) -> Response:
    """Revoke the token that this is asked with."""
    await services.accounts.remove_token(identity.user, identity.token.id)
    return Response(status_code=204)


@router.get("/users")
async def list_users(caller: Caller, services: Use) -> list[UserMessage]:
    return [user_message(user) for user in await services.accounts.list_users(caller)]


@router.post("/users", status_code=201)
async def create_user(body: CreateUser, caller: Caller, services: Use) -> UserMessage:
    return user_message(await services.accounts.create_user(caller, body.name, body.role))


@router.patch("/users/{name}")
async def change_user(name: str, body: ChangeUser, caller: Caller, services: Use) -> UserMessage:
    user = await services.users.change(caller, name, body.role, body.disabled)
    await services.holding.renew([user])
    return user_message(user)


@router.delete("/users/{name}", status_code=204)
async def remove_user(name: str, caller: Caller, services: Use, with_data: bool = False) -> Response:
    """Remove a user and the user's sessions; with folders only when `with_data` says so."""
    await services.users.remove(caller, name, with_data=with_data)
    return Response(status_code=204)


@router.put("/users/{name}/oidc")
async def link_user(name: str, body: LinkUser, caller: Caller, services: Use) -> UserMessage:
    return user_message(await services.users.link(caller, name, body.oidc_subject))


@router.put("/users/{name}/password", status_code=204)
async def set_password(name: str, body: SetPassword, address: Address, who: Identified, services: Use) -> Response:
    """Set a password; with `revoke_tokens`, whoever uses a token of this user's has to log in again."""
    kept = who.token.id if body.revoke_tokens else None
    await services.passwords.set(who.user, name, body.password, body.current, address, revoke_but=kept)
    return Response(status_code=204)
