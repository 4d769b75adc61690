"""Who is calling, and the services, as dependencies of the routes."""

from typing import Annotated

from fastapi import Depends, Request

from sshore.api.scopes import check_scope
from sshore.api.services import Services
from sshore.core.sessions import Session
from sshore.core.users import Identity, User


def get_services(request: Request) -> Services:
    services = request.app.state.services
    assert isinstance(services, Services)
    return services


Use = Annotated[Services, Depends(get_services)]
_IDENTITY = "sshore.identity"


async def get_identity(request: Request, services: Use) -> Identity:
    """The user and the token that came as ``Authorization: Bearer`` (RFC 6750), where its scope allows the route.

    Raises:
        Unauthenticated: none came, or it is not valid. Forbidden: its scope does not allow the route.
    """
    known = request.scope.get(_IDENTITY)  # by `route.py`, before the body was read
    if isinstance(known, Identity):
        return known
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    identity = await services.accounts.authenticate(secret.strip() if scheme.lower() == "bearer" else "")
    check_scope(identity.token, request.method, request.scope["route"].path_format)
    request.scope[_IDENTITY] = identity
    return identity


Identified = Annotated[Identity, Depends(get_identity)]


async def get_caller(identity: Identified) -> User:
    return identity.user


Caller = Annotated[User, Depends(get_caller)]


async def require_oidc(request: Request, services: Use) -> None:
    """Refuse what needs an OpenID Connect provider where there is none.

    Raises:
        NotFound: there is none.
    """
    services.oidc.require_provider()


async def get_session(ref: str, caller: Caller, services: Use) -> Session:
    """The session that the path names, as far as the caller may know of it."""
    return await services.sessions.find(caller, ref)


async def get_own_session(ref: str, caller: Caller, services: Use) -> Session:
    """The session that the path names, when it is the caller's own."""
    return await services.sessions.find_own(caller, ref)


async def get_address(request: Request, services: Use) -> str:
    """The address that a request comes from, as far as it is known."""
    peer = request.client.host if request.client else ""
    return services.proxies.client(peer, ",".join(request.headers.getlist("x-forwarded-for")))


Address = Annotated[str, Depends(get_address)]
Found = Annotated[Session, Depends(get_session)]
Own = Annotated[Session, Depends(get_own_session)]
