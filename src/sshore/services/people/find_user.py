"""A user by name, as an admin names one."""

from sshore.core.errors import NotFound
from sshore.core.names import suggestion
from sshore.core.ports import Store
from sshore.core.users import User


async def find_user(store: Store, name: str) -> User:
    """For callers who may know who else there is.

    Raises:
        NotFound: there is no such user; says whose name is like it.
    """
    user = await store.users.by_name(name)
    if user is None:
        known = [user.name for user in await store.users.list()]
        raise NotFound(f"there is no user {name!r}{suggestion(name, known) or '; see: sshore user ls'}")
    return user
