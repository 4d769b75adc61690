from pathlib import Path

import pytest

from sshore.profiles.ssh_config import (
    SshFiles,
    config_word,
    host_options,
    managed_config,
    openssh_config,
    proxy_command,
)

FILES = SshFiles(["/opt/my tools/sshore"], Path("/c/known_hosts"), Path("/c/id_sshore"), Path("/c/certs"))


def options() -> dict[str, str]:
    return dict(host_options(FILES, "demo.sshore", "/c/certs/x", "the command", fdpass=True))


@pytest.mark.parametrize("for_openssh", [Path("/c/openssh_config"), None])
def test_nothing_switches_the_host_key_check_off(for_openssh: Path | None) -> None:
    text = managed_config(FILES, for_openssh)
    assert "StrictHostKeyChecking yes" in text
    assert "/dev/null" not in text


def test_the_program_is_quoted_for_the_shell() -> None:
    assert proxy_command(FILES.sshore, "stream", "%h") == "'/opt/my tools/sshore' stream %h"


def test_a_session_is_authenticated_by_its_certificate_only() -> None:
    assert options()["IdentitiesOnly"] == "yes"
    assert options()["CertificateFile"] == "/c/certs/x"


def test_percent_signs_of_paths_are_no_tokens() -> None:
    assert config_word("/home/100%/x y") == '"/home/100%%/x y"'
    assert config_word("/c/%h-cert.pub", tokens=True) == "/c/%h-cert.pub"


def test_the_fast_cipher_is_asked_for_first() -> None:
    assert options()["Ciphers"].startswith("aes128-gcm@openssh.com,")
    assert "    Ciphers aes128-gcm@openssh.com," in managed_config(FILES, None)


def test_where_descriptors_are_handed_over_ssh_runs_one_program() -> None:
    assert "exec" not in managed_config(FILES, Path("/c/openssh_config"))
    text = openssh_config(FILES)
    assert "'/opt/my tools/sshore' stream --fdpass --certify %h" in text
    assert "ProxyUseFdpass yes" in text


def test_where_they_are_not_the_certificate_comes_first() -> None:
    text = managed_config(FILES, None)
    assert text.index("certify %h") < text.index("stream %h")
    assert "ProxyUseFdpass no" in text
    assert text.count("CertificateFile") == 1
