"""Whose word on a client's address is believed: the proxies that the administrator names, and nobody else."""

import ipaddress
from dataclasses import dataclass
from typing import Self

from sshore.core.errors import InvalidInput

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class TrustedProxies:
    """None by default: ``X-Forwarded-For`` is whatever its sender makes of it."""

    networks: tuple[_Network, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Addresses and networks in CIDR form, separated by commas or spaces.

        Raises:
            InvalidInput: one is neither.
        """
        words = text.replace(",", " ").split()
        try:
            return cls(tuple(ipaddress.ip_network(word) for word in words))
        except ValueError as error:
            raise InvalidInput(
                f"the trusted proxies are wrong: {error}; give addresses or networks, such as 127.0.0.1,10.0.0.0/8",
                field="trusted_proxies",
            ) from error

    def trust(self, address: str) -> bool:
        parsed = _parse(address)
        return parsed is not None and any(parsed in network for network in self.networks)

    def client(self, peer: str, forwarded_for: str) -> str:
        """The address of the client of a connection from `peer`: the right-most one in the list of those that trusted
        proxies have added (each appends whom it was asked by) which is itself no trusted proxy's."""
        address = peer
        for entry in reversed(forwarded_for.split(",")):
            if not self.trust(address):
                break
            parsed = _parse(_without_port(entry.strip()))
            if parsed is None:  # empty, "unknown" or nonsense: the proxy is all that is known
                break
            address = str(parsed)
        return address


def _parse(text: str) -> _Address | None:
    try:
        parsed = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    # How a socket for both kinds sees IPv4.
    return (parsed.ipv4_mapped or parsed) if isinstance(parsed, ipaddress.IPv6Address) else parsed


def _without_port(entry: str) -> str:
    """``192.0.2.1:1234`` and ``[2001:db8::1]:1234`` as some proxies write them."""
    if entry.startswith("["):
        return entry[1:].partition("]")[0]
    return entry.partition(":")[0] if entry.count(":") == 1 else entry
