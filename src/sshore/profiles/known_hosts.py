"""Lines of the managed known_hosts files (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT)."""

from sshore.core.hosts import HOST_SUFFIX

MAX_SESSION_KEYS = 200
"""Sessions whose keys are kept; those that came first go first, and come back when they are wanted."""
_IN_NAMES = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")
LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")
"""What a local port's host is called."""


def authority_line(server_url: str, host_ca: str) -> str:
    """The line that verifies every session of a server by its host CA; its comment names the server."""
    return f"@cert-authority *.sshore {_bare(host_ca)} {server_url}"


def with_authority(text: str, server_url: str, host_ca: str) -> str:
    """The file's text with this server's line in it, in the place of an older one."""
    line = authority_line(server_url, host_ca)
    kept = [old for old in text.splitlines() if old == line or old.split(" ")[-1] != server_url]
    return "\n".join(kept if line in kept else [*kept, line]) + "\n"


def with_session_key(text: str, name: str, session_id: str, host_key: str) -> str:
    """The file's text with a session's plain host key, for `ssh -o HostKeyAlgorithms=ssh-ed25519`, which asks for no
    certificate; where it does ask, the authority's line is what counts. In the place of every older key of that name,
    which was another session's, or of that id. Raises ValueError when a name is none, but a pattern or a list, by which
    one session could stand in for others."""
    if not name or not session_id or not _IN_NAMES.issuperset(name + session_id):
        raise ValueError(f"{name!r} and {session_id!r} are no names of a session")
    hosts = (f"{name}{HOST_SUFFIX}", f"{session_id}{HOST_SUFFIX}")
    line = f"{','.join(hosts)} {_bare(host_key)}"
    if line in text.splitlines():
        return text
    lines = [old for old in text.splitlines() if not set(hosts) & set(old.partition(" ")[0].split(","))]
    sessions = [old for old in lines if not old.startswith("@")]
    forgotten = set(sessions[: max(0, len(sessions) + 1 - MAX_SESSION_KEYS)])
    kept = [old for old in lines if old not in forgotten]
    return "\n".join([*kept, line]) + "\n"


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
