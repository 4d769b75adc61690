"""The files of /etc that are made for each session; the others are the host's, see view.py."""

from pathlib import PurePosixPath

from sshore.core import layout
from sshore.core.choices import Network
from sshore.core.logins import LoginShell

NAT_DNS = "10.0.2.3"
_NSSWITCH = """\
passwd:   files
group:    files
shadow:   files
hosts:    files dns
networks: files
services: files
protocols: files
"""

# Login shells read the host's profile, and Debian's sets PATH anew.
_KIT_IN_PATH = f"""
case ":$PATH:" in
    *:{layout.KIT_BIN}:*) ;;
    *) PATH="$PATH:{layout.KIT_BIN}" ;;
esac
"""


def etc_files(
    name: str, network: Network, shell: LoginShell, *, host_hosts: str, host_resolv: str, host_profile: str
) -> dict[str, str]:
    """Name below /etc to contents, for the session `name`; `host_…` are the host's own files' contents."""
    return {
        "passwd": _passwd(shell.entry),
        "group": f"root:x:0:\n{layout.ACCOUNT}:x:{layout.ACCOUNT_ID}:\nnogroup:x:65534:\n",
        "hostname": f"{name}\n",
        "hosts": _hosts(name, network, host_hosts),
        "nsswitch.conf": _NSSWITCH,
        "profile": host_profile + _KIT_IN_PATH,
        "resolv.conf": _resolv(network, host_resolv),
        **({PurePosixPath(layout.LOGIN_SHELL).name: shell.script} if shell.script else {}),
    }


def _passwd(shell: str) -> str:
    # Everything that belongs to other accounts of the host shows as 65534 (user_namespaces(7)).
    return (
        "root:x:0:0:root:/root:/usr/sbin/nologin\n"
        f"{layout.ACCOUNT}:x:{layout.ACCOUNT_ID}:{layout.ACCOUNT_ID}:{layout.ACCOUNT}:{layout.HOME}:{shell}\n"
        "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
    )


def _hosts(name: str, network: Network, host_hosts: str) -> str:
    own = f"127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n127.0.1.1 {name}\n"
    if network is Network.NONE:
        return own
    # Machines of a site without DNS of its own are known by this file alone.
    return own + "".join(f"{line}\n" for line in host_hosts.splitlines() if _names_another_machine(line))


def _names_another_machine(line: str) -> bool:
    address = line.split("#")[0].split()[:1]
    return bool(address) and not address[0].startswith(("127.", "::1", "fe00:", "ff0"))


def _resolv(network: Network, host_resolv: str) -> str:
    if network is Network.HOST:
        return host_resolv
    if network is Network.NONE:
        return "# This session has no network.\n"
    kept = [line for line in host_resolv.splitlines() if line.startswith(("search", "domain", "options"))]
    return "\n".join([f"nameserver {NAT_DNS}", *kept]) + "\n"
