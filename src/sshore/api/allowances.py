"""Allowances: one's own, and other users' for admins."""

from sshore.api.auth import Caller, Use
from sshore.api.route import Router
from sshore.api.services import Services
from sshore.core.users import User
from sshore.schema.account_messages import AllowanceMessage, ChangeAllowance, ShareMessage
from sshore.services.sessions.shares import Share

router = Router(prefix="/api/v1", tags=["allowances"])


@router.get("/allowance")
async def show_allowance(caller: Caller, services: Use) -> AllowanceMessage:
    """What the caller may have at most, and what of it is used."""
    return await _message(caller, services)


@router.get("/users/{name}/allowance")
async def show_allowance_of(name: str, caller: Caller, services: Use) -> AllowanceMessage:
    return await _message(await services.allowances.find(caller, name), services)


@router.patch("/users/{name}/allowance")
async def change_allowance(name: str, body: ChangeAllowance, caller: Caller, services: Use) -> AllowanceMessage:
    """Change what is given; what runs already goes on."""
    user = await services.allowances.change(caller, name, body.limits, body.defaults)
    await services.holding.renew([user])
    return await _message(user, services)


@router.delete("/users/{name}/allowance")
async def reset_allowance(name: str, caller: Caller, services: Use) -> AllowanceMessage:
    """The server's defaults hold again."""
    user = await services.allowances.reset(caller, name)
    await services.holding.renew([user])
    return await _message(user, services)


async def _message(user: User, services: Services) -> AllowanceMessage:
    return AllowanceMessage(user.name, [_share(share) for share in await services.shares.of(user)])


def _share(share: Share) -> ShareMessage:
    word = share.word
    return ShareMessage(
        word.field, word.name, word.title, share.most, share.used, list(share.by), share.own, share.group
    )
