import shlex
from pathlib import Path

import pytest

from sshore.core.errors import InvalidInput
from sshore.profiles.ssh_config import (
    SshFiles,
    config_word,
    host_options,
    managed_config,
    openssh_config,
    proxy_command,
    reads_certificate_first,
)

FILES = SshFiles(["/opt/my tools/sshore"], Path("/c/known_hosts"), Path("/c/id_sshore"), Path("/c/certs"))


def options() -> dict[str, str]:
    return dict(host_options(FILES, "demo.sshore", "/c/certs/x", "the command", fdpass=True))


@pytest.mark.parametrize("for_openssh", ['"/c/openssh_confi\\g"', None])
def test_nothing_switches_the_host_key_check_off(for_openssh: str | None) -> None:
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
    assert "exec" not in managed_config(FILES, '"/c/openssh_confi\\g"')
    text = openssh_config(FILES)
    assert "'/opt/my tools/sshore' stream --fdpass --certify %h" in text
    assert "ProxyUseFdpass yes" in text


def test_where_they_are_not_the_certificate_comes_first() -> None:
    text = managed_config(FILES, None)
    assert text.index("certify %h") < text.index("stream %h")
    assert "ProxyUseFdpass no" in text
    assert text.count("CertificateFile") == 1


@pytest.mark.parametrize(
    ("version", "first"),
    [
        ("OpenSSH_9.2p1 Debian-2+deb12u6, OpenSSL 3.0.19 27 Jan 2026", False),
        ("OpenSSH_10.0p2 Debian-7, OpenSSL 3.5.1 1 Jul 2025", False),
        ("OpenSSH_10.2p1 Ubuntu-2ubuntu3, OpenSSL 3.5.5 27 Jan 2026", False),
        ("OpenSSH_10.3p1 Debian-1~bpo13+1, OpenSSL 3.5.9 29 Sep 2026", False),
        ("OpenSSH_10.4p1, OpenSSL 4.0.3 29 Sep 2026", True),
        ("OpenSSH_10.5p1 Ubuntu-1ubuntu2, OpenSSL 4.0.3 29 Sep 2026", True),
        ("OpenSSH_10.6p1 Debian-1, OpenSSL 3.6.5 29 Sep 2026", True),
        ("OpenSSH_11.0, LibreSSL 4", True),
        ("OpenSSH_for_Windows_9.5p1, LibreSSL 3.8.2", False),
        ("", False),
    ],
)
def test_newer_openssh_reads_certificates_before_it_has_a_stream(version: str, first: bool) -> None:
    assert reads_certificate_first(version) is first


def test_there_a_certificate_of_the_last_minutes_is_fetched_before() -> None:
    plain = SshFiles(("/opt/sshore",), "/c/known_hosts", "/c/id", "/c/certs")
    assert "exec" not in openssh_config(plain)
    text = openssh_config(plain, certificate_first=True)
    assert "-mmin -8" in text and "sh %h /c/certs/%h-cert.pub /opt/sshore certify %h" in text


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("/home/o'brien/x", '"/home/o\'brien/x"'),
        ('/home/"ann"/x', '"/home/\\"ann\\"/x"'),
        ("/home/a\\b/x", '"/home/a\\\\b/x"'),
        ("/home/# 1/x", '"/home/# 1/x"'),
        ("/home/홍길동/x", "/home/홍길동/x"),
    ],
)
def test_no_character_of_a_path_ends_its_word(path: str, word: str) -> None:
    assert config_word(path) == word


@pytest.mark.parametrize("path", ["/home/a\nb", "/home/${USER}"])
def test_what_ssh_has_no_way_to_be_told_of_is_refused(path: str) -> None:
    with pytest.raises(InvalidInput, match="SSHORE_CONFIG_DIR"):
        config_word(path)


@pytest.mark.parametrize("word", ["plain", "", "o'brien", 'a "b" $c `d`', "100%", "\\", "a;b&c"])
def test_a_shell_takes_each_word_as_it_is(word: str) -> None:
    assert shlex.split(proxy_command(["x", word])) == ["x", word.replace("%", "%%")]
