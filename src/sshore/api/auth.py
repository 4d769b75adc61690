"""Who is calling, and the services, as dependencies of the routes."""

from typing import Annotated

from fastapi import Depends, Request

from sshore.api.services import Services
from sshore.core.sessions import Session
from sshore.core.users import User


def get_services(request: Request) -> Services:
    services = request.app.state.services
    assert isinstance(services, Services)
    return services


Use = Annotated[Services, Depends(get_services)]


async def get_caller(request: Request, services: Use) -> User:
    """The user whose token came as ``Authorization: Bearer`` (RFC 6750).

    Raises:
        Unauthenticated: none came, or it is not valid.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return await services.accounts.authenticate(token.strip() if scheme.lower() == "bearer" else "")


Caller = Annotated[User, Depends(get_caller)]


async def get_session(ref: str, caller: Caller, services: Use) -> Session:
    """The session that the path names, as far as the caller may know of it."""
    return await services.sessions.find(caller, ref)


async def get_own_session(ref: str, caller: Caller, services: Use) -> Session:
    """The session that the path names, when it is the caller's own."""
    return await services.sessions.find_own(caller, ref)


Found = Annotated[Session, Depends(get_session)]
Own = Annotated[Session, Depends(get_own_session)]
