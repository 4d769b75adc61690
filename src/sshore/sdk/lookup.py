"""Host names as getaddrinfo(3) takes them."""


def for_lookup(host: str) -> bytes | str:
    """An ASCII name as bytes: for text Python first loads its codec for international names, which takes 8 ms."""
    return host.encode() if host.isascii() else host
