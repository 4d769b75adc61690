"""Host names as getaddrinfo(3) takes them. Imports nothing: `ssh` waits."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def for_lookup(host: str) -> "Any":  # typeshed's `create_connection` knows of text only
    """An ASCII name as bytes: for text Python first loads its codec for international names, which takes 8 ms."""
    return host.encode() if host.isascii() else host
