from xml.etree import ElementTree as ET

from sshore.profiles.sites import Site, filezilla_site, putty_session, ssh_config_lines, vscode_link, winscp_session

SITE = Site("demo", 10022, "C:\\Users\\Ann Lee\\id & key.ppk", "/home/ann/known_hosts", "SHA256:abc")


def test_filezilla_logs_in_with_the_key_and_starts_in_the_home() -> None:
    server = ET.fromstring(filezilla_site(SITE).encode()).find("Servers/Server")
    assert server is not None
    found = {child.tag: child.text for child in server}
    assert found["Host"] == "localhost"
    assert found["Port"] == "10022"
    assert found["Protocol"] == "1"  # SFTP
    assert found["Logontype"] == "5"  # key file
    assert found["User"] == "work"
    assert found["Keyfile"] == "C:\\Users\\Ann Lee\\id & key.ppk"
    assert found["RemoteDir"] == "1 0 4 home 4 work"


def test_winscp_values_are_percent_encoded() -> None:
    assert "PublicKeyFile=C:%5CUsers%5CAnn Lee%5Cid %26 key.ppk" in winscp_session(SITE).splitlines()


def test_winscp_expects_the_sessions_host_key() -> None:
    assert "SshHostKey=ssh-ed25519 255 abc" in winscp_session(SITE).splitlines()


def test_putty_expects_the_sessions_host_key() -> None:
    lines = putty_session(SITE).split("\r\n")
    assert '"SSHManualHostKeys"="SHA256:abc"' in lines
    assert '"PortNumber"=dword:00002726' in lines
    assert '"PublicKeyFile"="C:\\\\Users\\\\Ann Lee\\\\id & key.ppk"' in lines


def test_ssh_config_lines_verify_the_host() -> None:
    lines = [line.strip() for line in ssh_config_lines(SITE).splitlines()]
    assert "StrictHostKeyChecking yes" in lines
    assert "UserKnownHostsFile /home/ann/known_hosts" in lines
    assert 'IdentityFile "C:\\\\Users\\\\Ann Lee\\\\id & key.ppk"' in lines  # a backslash quotes


def test_vscode_opens_the_home() -> None:
    assert vscode_link("demo") == "vscode://vscode-remote/ssh-remote+demo.sshore/home/work"
