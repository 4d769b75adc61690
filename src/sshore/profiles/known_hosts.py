"""Lines of the managed known_hosts files (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT)."""

from sshore.core.hosts import HOST_SUFFIX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_SESSIONS = 200
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


def with_session_keys(text: str, name: str, session_id: str, host_keys: "Sequence[str]") -> str:
    """The file's text with a session's plain host keys, for `ssh -o HostKeyAlgorithms=ssh-ed25519`, which asks for no
    certificate; where it does ask, the authority's line is what counts. In the place of every older key of that name,
    which was another session's, or of that id. Raises ValueError when a name is none, but a pattern or a list, by which
    one session could stand in for others."""
    if not name or not session_id or not _IN_NAMES.issuperset(name + session_id):
        raise ValueError(f"{name!r} and {session_id!r} are no names of a session")
    hosts = (f"{name}{HOST_SUFFIX}", f"{session_id}{HOST_SUFFIX}")
    ours = [f"{','.join(hosts)} {_bare(key)}" for key in host_keys]
    if [old for old in text.splitlines() if set(hosts) & _hosts(old)] == ours:
        return text
    lines = [old for old in text.splitlines() if not set(hosts) & _hosts(old)]
    sessions = list(dict.fromkeys(old.partition(" ")[0] for old in lines if not old.startswith("@")))
    forgotten = set(sessions[: max(0, len(sessions) + 1 - MAX_SESSIONS)])
    kept = [old for old in lines if old.partition(" ")[0] not in forgotten]
    return "\n".join([*kept, *ours]) + "\n"


def forward_line(port: int, host_key: str) -> str:
    """A line for a forward: a host key of the session's, under each name of the local port."""
    names = ",".join(f"[{host}]:{port}" for host in LOCAL_HOSTS)
    return f"{names} {_bare(host_key)}"


def host_keys_at(text: str, port: int) -> list[str]:
    """The host keys behind a local port."""
    place = f"[{LOCAL_HOSTS[0]}]:{port}"
    return [line.partition(" ")[2] for line in text.splitlines() if place in _hosts(line)]


def forget_command(port: int) -> str:
    """The command line by which OpenSSH forgets what its user's own known_hosts has for a local port."""
    return f"ssh-keygen -R '[{LOCAL_HOSTS[0]}]:{port}'"


def _hosts(line: str) -> set[str]:
    return set(line.partition(" ")[0].split(","))


def _bare(key: str) -> str:
    """A public key's type and its base64, without the comment."""
    return " ".join(key.split()[:2])
