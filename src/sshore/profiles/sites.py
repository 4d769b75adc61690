"""A session's forward as a site or session of FileZilla, WinSCP, PuTTY, VS Code and OpenSSH."""

from dataclasses import dataclass
from urllib.parse import quote
from xml.sax.saxutils import escape

from sshore.core import layout
from sshore.core.names import HOST_SUFFIX
from sshore.profiles.ssh_config import config_word


@dataclass(frozen=True, slots=True)
class Site:
    """Where a session is reached on this machine. `key_file` is of the form that the program reads; `fingerprint` is of
    the Ed25519 host key, the further ones of other types."""

    name: str
    port: int
    key_file: str
    known_hosts: str = ""
    fingerprint: str = ""
    further_fingerprints: tuple[str, ...] = ()
    host: str = "localhost"

    @property
    def fingerprints(self) -> str:
        """As PuTTY has them."""
        return ",".join((self.fingerprint, *self.further_fingerprints))


def filezilla_site(site: Site) -> str:
    """For FileZilla's File > Import (a sites file: SFTP with a key file)."""
    home = " ".join(f"{len(part)} {part}" for part in layout.HOME.strip("/").split("/"))
    return f"""\
<?xml version="1.0" encoding="UTF-8"?>
<FileZilla3>
  <Servers>
    <Server>
      <Host>{escape(site.host)}</Host>
      <Port>{site.port}</Port>
      <Protocol>1</Protocol>
      <Type>0</Type>
      <User>{layout.ACCOUNT}</User>
      <Keyfile>{escape(site.key_file)}</Keyfile>
      <Logontype>5</Logontype>
      <EncodingType>UTF-8</EncodingType>
      <BypassProxy>1</BypassProxy>
      <Name>{escape(site.name)}</Name>
      <RemoteDir>1 0 {home}</RemoteDir>
    </Server>
  </Servers>
</FileZilla3>
"""


def winscp_session(site: Site) -> str:
    """For WinSCP's configuration file (WinSCP.ini), where values are percent-encoded. It knows a host key by its type,
    its bits and its fingerprint."""
    host_key = f"ssh-ed25519 255 {site.fingerprint.removeprefix('SHA256:')}"
    return f"""\
[Sessions\\{quote(site.name)}]
HostName={site.host}
PortNumber={site.port}
UserName={layout.ACCOUNT}
FSProtocol=2
PublicKeyFile={quote(site.key_file, safe=" :/.-_")}
SshHostKey={quote(host_key, safe=" ")}
RemoteDirectory={layout.HOME}
"""


def putty_session(site: Site) -> str:
    """A .reg file: a saved session of PuTTY, with the host key that it is to expect."""
    key_file = site.key_file.replace("\\", "\\\\")
    lines = [
        "Windows Registry Editor Version 5.00",
        "",
        f"[HKEY_CURRENT_USER\\Software\\SimonTatham\\PuTTY\\Sessions\\{quote(site.name)}]",
        f'"HostName"="{site.host}"',
        f'"PortNumber"=dword:{site.port:08x}',
        '"Protocol"="ssh"',
        f'"UserName"="{layout.ACCOUNT}"',
        f'"PublicKeyFile"="{key_file}"',
        f'"SSHManualHostKeys"="{site.fingerprints}"',
        "",
    ]
    return "\r\n".join(lines)


def vscode_link(name: str) -> str:
    """A link that opens the session's home in VS Code (Remote-SSH); needs `sshore config-ssh`."""
    return f"vscode://vscode-remote/ssh-remote+{name}{HOST_SUFFIX}{layout.HOME}"


def ssh_config_lines(site: Site) -> str:
    """Lines for an ssh_config, for programs that are to use the forward: ``ssh NAME``."""
    return f"""\
Host {site.name}
    HostName {site.host}
    Port {site.port}
    User {layout.ACCOUNT}
    IdentityFile {config_word(site.key_file)}
    IdentitiesOnly yes
    UserKnownHostsFile {config_word(site.known_hosts)}
    StrictHostKeyChecking yes
"""
