"""Groups of users: what an administrator allows to several at once."""

from dataclasses import dataclass
from datetime import datetime

from sshore.core.allowances import Limits
from sshore.core.ids import GroupId


@dataclass(frozen=True, slots=True)
class Group:
    """A name, and what each of its members may have: what `limits` does not say is the server's default."""

    id: GroupId
    name: str
    created_at: datetime
    limits: Limits
