"""Lines of the managed known_hosts files (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT)."""

LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")
"""What a local port's host is called."""


def authority_line(server_url: str, host_ca: str) -> str:
    """The line that verifies every session of a server by its host CA; its comment names the server."""
    return f"@cert-authority *.sshore {_bare(host_ca)} {server_url}"


def with_authority(text: str, server_url: str, host_ca: str) -> str:
    """The file's text with this server's line in it, in the place of an older one."""
    kept = [line for line in text.splitlines() if line.split(" ")[-1] != server_url]
    return "\n".join([*kept, authority_line(server_url, host_ca)]) + "\n"


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
