from pathlib import Path

from sshore.profiles.ssh_config import SshFiles, config_word, host_options, managed_config

FILES = SshFiles(["/opt/my tools/sshore"], Path("/c/known_hosts"), Path("/c/id_sshore"), Path("/c/certs"))


def test_nothing_switches_the_host_key_check_off() -> None:
    text = managed_config(FILES)
    assert "StrictHostKeyChecking yes" in text
    assert "/dev/null" not in text


def test_the_program_is_quoted_for_the_shell() -> None:
    options = dict(host_options(FILES, "demo", "/c/certs/x"))
    assert options["ProxyCommand"] == "'/opt/my tools/sshore' stream demo"


def test_a_session_is_authenticated_by_its_certificate_only() -> None:
    options = dict(host_options(FILES, "demo", "/c/certs/x"))
    assert options["IdentitiesOnly"] == "yes"
    assert options["CertificateFile"] == "/c/certs/x"


def test_percent_signs_of_paths_are_no_tokens() -> None:
    assert config_word("/home/100%/x y") == '"/home/100%%/x y"'
    assert config_word("/c/%h-cert.pub", tokens=True) == "/c/%h-cert.pub"


def test_the_fast_cipher_is_asked_for_first() -> None:
    options = dict(host_options(FILES, "demo", "/c/certs/x"))
    assert options["Ciphers"].startswith("aes128-gcm@openssh.com,")
    assert "    Ciphers aes128-gcm@openssh.com," in managed_config(FILES)
