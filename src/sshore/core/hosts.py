"""How sessions are called where host names stand. Imports nothing: `ssh` waits for who reads them."""

HOST_SUFFIX = ".sshore"
FOLDER_PREFIX = "folder:"
"""What tells a folder from a session, whose name has no colon."""


def session_of_host(host: str) -> str:
    """``demo.sshore``, ``demo`` and ``Demo`` mean the session `demo`, for host names have no case (RFC 4343);
    ``folder:NAME`` is left as it is."""
    if host.startswith(FOLDER_PREFIX):
        return host
    return host.lower().removesuffix(HOST_SUFFIX)
