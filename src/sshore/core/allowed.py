"""What an administrator allows to nobody, to administrators alone, or to all; and the network that asks for it."""

from enum import StrEnum

from sshore.core.choices import Network
from sshore.core.errors import Forbidden, InvalidInput
from sshore.core.sessions import SessionSpec


class Allowed(StrEnum):
    NONE = "none"
    ADMINS = "admins"
    ALL = "all"

    @classmethod
    def parse(cls, setting: str, text: str) -> "Allowed":
        """Read a setting's value; empty is nobody. Raises InvalidInput."""
        try:
            return cls(text.strip().lower() or cls.NONE)
        except ValueError:
            raise InvalidInput(f"{setting} is {text!r}: give one of {', '.join(cls)}") from None

    def permits(self, spec: SessionSpec) -> bool:
        return self is Allowed.ALL or (self is Allowed.ADMINS and spec.for_admin)

    @property
    def whom(self) -> str:
        """A phrase: whom it is for."""
        return {"none": "nobody", "admins": "administrators alone", "all": "all"}[self]


def check_host_network(spec: SessionSpec, allowed: Allowed) -> None:
    """Refuse a session the host's network where its owner may not have it: it reaches what listens on the host's
    loopback and at abstract sockets, and can take ports that the host's own programs want.

    Raises:
        Forbidden: it may not.
    """
    if spec.network is Network.HOST and not allowed.permits(spec):
        raise Forbidden(
            f"the network `host` is for {allowed.whom} here: choose nat or none, or ask the administrator for "
            "SSHORE_HOST_NETWORK=all (or admins)",
            field="network",
        )
