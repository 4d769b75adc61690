"""PuTTY's files on Unix: what is ours is written as PuTTY reads it, and nothing else changes."""

import base64

import pytest

from sshore.core.errors import InvalidInput
from sshore.profiles import putty_files as putty
from sshore.profiles.sites import Site

SITE = Site("demo", 10022, "/home/ann/id_container.ppk", fingerprint="SHA256:abc")
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFB2hdvkXbGkcDLGIsa2H7Nq1xxX4FNHy4HWrX4v1uRD"
POINT = (
    "0x7bea34739b771dd6cd9a3d1ca3943aa2e4a4ef7046cd9c1fceca507e69e7faa4,"
    "0x43e4d62f7eadd681cb4753e0571cd76ab31fb6c622c63270a4b15de4db857650"
)
"""As PuTTY 0.78 wrote it down when its user said yes."""


def test_names_are_encoded_as_putty_does() -> None:
    assert putty.file_name("demo.sshore") == "demo.sshore"
    assert putty.file_name("../a b~") == "..%2Fa%20b%7E"


def test_a_host_key_is_there_under_each_name_of_the_port() -> None:
    lines = putty.with_host_keys("", 10022, [HOST_KEY]).splitlines()
    assert lines == [f"ssh-ed25519@10022:{host} {POINT}" for host in ("localhost", "127.0.0.1", "::1")]


def test_other_host_keys_stay_and_the_ports_former_one_goes() -> None:
    others = "rsa2@22:example.org 0x10001,0xb\nssh-ed25519@10023:localhost 0x1,0x2\n"
    text = putty.with_host_keys(
        f"rsa2@10022:127.0.0.1 0x3,0x1\nssh-ed25519@10022:localhost 0x1,0x2\n{others}", 10022, [HOST_KEY]
    )
    assert text.startswith(others)
    assert text.count("@10022:localhost ") == 1 and f"@10022:localhost {POINT}\n" in text
    assert putty.with_host_keys(text, 10022, [HOST_KEY]) == text


def test_a_host_key_of_another_type_is_refused() -> None:
    with pytest.raises(InvalidInput, match="ssh-dss"):
        putty.with_host_keys("", 10022, [HOST_KEY, "ssh-dss AAAA"])


def test_what_its_user_has_set_in_a_session_stays() -> None:
    old = "FontName=server:fixed\nPortNumber=10030\n"
    text = putty.with_settings(old, putty.forward_session(SITE))
    assert "FontName=server:fixed" in text.splitlines()
    assert putty.setting(text, "PortNumber") == "10022"
    assert putty.with_settings(text, putty.forward_session(SITE)) == text


def test_a_proxy_command_is_quoted_for_the_shell_and_for_putty() -> None:
    command = putty.named_session("demo", "key.ppk", ["/opt/100% \\ours/sshore"])["ProxyTelnetCommand"]
    assert command == "'/opt/100%% \\\\ours/sshore' stream demo"


def test_keys_of_other_types_are_written_as_their_numbers() -> None:
    numbers = [1, 2, 3]
    point = b"\4" + numbers[0].to_bytes(32) + numbers[1].to_bytes(32)
    ecdsa = _line("ecdsa-sha2-nistp256", b"nistp256", point)
    rsa = _line("ssh-rsa", (65537).to_bytes(3), numbers[2].to_bytes(1))
    lines = putty.with_host_keys("", 10022, [ecdsa, rsa]).splitlines()
    assert lines[0] == "ecdsa-sha2-nistp256@10022:localhost nistp256,0x1,0x2"
    assert lines[3] == "rsa2@10022:localhost 0x10001,0x3"


def _line(kind: str, *fields: bytes) -> str:
    blob = b"".join(len(field).to_bytes(4) + field for field in (kind.encode(), *fields))
    return f"{kind} {base64.b64encode(blob).decode()}"
