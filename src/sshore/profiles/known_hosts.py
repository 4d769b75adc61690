"""Lines of the managed known_hosts files (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT)."""

import re

from sshore.core.errors import InvalidInput
from sshore.core.names import HOST_SUFFIX

MAX_SESSION_KEYS = 200
"""Sessions whose keys are kept; those seen longest ago go first."""
_HOST = re.compile(r"[a-z0-9-]+\.sshore")
LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")
"""What a local port's host is called."""


def authority_line(server_url: str, host_ca: str) -> str:
    """The line that verifies every session of a server by its host CA; its comment names the server."""
    return f"@cert-authority *.sshore {_bare(host_ca)} {server_url}"


def with_authority(text: str, server_url: str, host_ca: str) -> str:
    """The file's text with this server's line in it, in the place of an older one."""
    kept = [line for line in text.splitlines() if line.split(" ")[-1] != server_url]
    return "\n".join([*kept, authority_line(server_url, host_ca)]) + "\n"


def with_session_key(text: str, name: str, session_id: str, host_key: str) -> str:
    """The file's text with a session's plain host key, for `ssh -o HostKeyAlgorithms=ssh-ed25519`, which asks for no
    certificate; where it does ask, the authority's line is what counts. In the place of every older key of that name,
    which was another session's, or of that id."""
    hosts = (f"{name}{HOST_SUFFIX}", f"{session_id}{HOST_SUFFIX}")
    if not all(map(_HOST.fullmatch, hosts)):  # a pattern or a list would let one session stand in for others
        raise InvalidInput(f"{hosts} are no names of a session")
    lines = [line for line in text.splitlines() if not set(hosts) & set(line.partition(" ")[0].split(","))]
    sessions = [line for line in lines if not line.startswith("@")]
    forgotten = set(sessions[: max(0, len(sessions) + 1 - MAX_SESSION_KEYS)])
    kept = [line for line in lines if line not in forgotten]
    return "\n".join([*kept, f"{','.join(hosts)} {_bare(host_key)}"]) + "\n"


def forward_line(port: int, host_key: str) -> str:
    """The line for a forward: the session's host key, under each name of the local port."""
    names = ",".join(f"[{host}]:{port}" for host in LOCAL_HOSTS)
    return f"{names} {_bare(host_key)}"


def host_key_at(text: str, port: int) -> str:
    """The host key behind a local port; empty where the file has none."""
    place = f"[{LOCAL_HOSTS[0]}]:{port}"
    found = (line.partition(" ") for line in text.splitlines())
    return next((key for names, _, key in found if place in names.split(",")), "")


def _bare(key: str) -> str:
    """A public key's type and its base64, without the comment."""
    return " ".join(key.split()[:2])
