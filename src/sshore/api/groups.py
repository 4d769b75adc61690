"""Groups of users, for admins."""

from fastapi import Response

from sshore.api.auth import Caller, Use
from sshore.api.route import Router
from sshore.schema.account_messages import ChangeAllowance, CreateGroup, GroupMessage
from sshore.services.people.groups import ListedGroup

router = Router(prefix="/api/v1/groups", tags=["groups"])


@router.get("")
async def list_groups(caller: Caller, services: Use) -> list[GroupMessage]:
    return [_message(found) for found in await services.groups.list(caller)]


@router.post("", status_code=201)
async def create_group(body: CreateGroup, caller: Caller, services: Use) -> GroupMessage:
    return _message(await services.groups.create(caller, body.name))


@router.get("/{name}")
async def show_group(name: str, caller: Caller, services: Use) -> GroupMessage:
    return _message(await services.groups.find(caller, name))


@router.delete("/{name}", status_code=204)
async def remove_group(name: str, caller: Caller, services: Use) -> Response:
    """Its members stay users, and have no more of its allowance."""
    await services.holding.renew((await services.groups.remove(caller, name)).members)
    return Response(status_code=204)


@router.put("/{name}/members/{user}")
async def join_group(name: str, user: str, caller: Caller, services: Use) -> GroupMessage:
    found = await services.groups.join(caller, name, user)
    await services.holding.renew(member for member in found.members if member.name == user)
    return _message(found)


@router.delete("/{name}/members/{user}")
async def leave_group(name: str, user: str, caller: Caller, services: Use) -> GroupMessage:
    found, left = await services.groups.leave(caller, name, user)
    await services.holding.renew([left])
    return _message(found)


@router.patch("/{name}/allowance")
async def change_group_allowance(name: str, body: ChangeAllowance, caller: Caller, services: Use) -> GroupMessage:
    """Change what each member may have; what runs already goes on."""
    found = await services.groups.change(caller, name, body.limits, body.defaults)
    await services.holding.renew(found.members)
    return _message(found)


@router.delete("/{name}/allowance")
async def reset_group_allowance(name: str, caller: Caller, services: Use) -> GroupMessage:
    """The server's defaults hold for its members again."""
    found = await services.groups.reset(caller, name)
    await services.holding.renew(found.members)
    return _message(found)


def _message(found: ListedGroup) -> GroupMessage:
    return GroupMessage(found.group.name, [user.name for user in found.members], dict(found.group.limits))
