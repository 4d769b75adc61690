import pytest

from sshore.profiles.known_hosts import (
    MAX_SESSIONS,
    forget_command,
    forward_line,
    host_keys_at,
    with_authority,
    with_session_keys,
)

ONE, OTHER = "http://127.0.0.1:8022", "https://sshore.example.org"


def test_every_server_has_its_line() -> None:
    text = with_authority(with_authority("", ONE, "ssh-ed25519 AAAA ca"), OTHER, "ssh-ed25519 BBBB ca")
    assert text.splitlines() == [
        f"@cert-authority *.sshore ssh-ed25519 AAAA {ONE}",
        f"@cert-authority *.sshore ssh-ed25519 BBBB {OTHER}",
    ]


def test_a_new_authority_of_a_server_replaces_the_old_one() -> None:
    text = with_authority(with_authority("", ONE, "ssh-ed25519 AAAA"), ONE, "ssh-ed25519 CCCC")
    assert text == f"@cert-authority *.sshore ssh-ed25519 CCCC {ONE}\n"


def test_writing_the_same_changes_nothing() -> None:
    text = with_authority("", ONE, "ssh-ed25519 AAAA")
    assert with_authority(text, ONE, "ssh-ed25519 AAAA") == text


def test_a_forward_is_known_under_every_name_of_the_loopback() -> None:
    line = forward_line(10022, "ssh-ed25519 AAAA root@demo")
    assert line == "[localhost]:10022,[127.0.0.1]:10022,[::1]:10022 ssh-ed25519 AAAA"


def test_a_session_is_known_by_its_plain_key_beside_the_authority() -> None:
    text = with_session_keys(with_authority("", ONE, "ssh-ed25519 AAAA ca"), "demo", "abc123", ["ssh-ed25519 KEY x"])
    assert text.splitlines() == [
        f"@cert-authority *.sshore ssh-ed25519 AAAA {ONE}",
        "demo.sshore,abc123.sshore ssh-ed25519 KEY",
    ]
    assert with_session_keys(text, "demo", "abc123", ["ssh-ed25519 KEY x"]) == text
    assert with_authority(text, ONE, "ssh-ed25519 AAAA ca") == text
    assert with_authority(text, OTHER, "ssh-ed25519 BBBB").splitlines()[1] == text.splitlines()[1]


def test_the_next_session_of_a_name_has_no_key_but_its_own() -> None:
    first = with_session_keys("", "demo", "one", ["ssh-ed25519 FIRST"])
    first = with_session_keys(first, "demo-2", "other", ["ssh-ed25519 OTHER"])
    assert with_session_keys(first, "demo", "two", ["ssh-ed25519 SECOND"]).splitlines() == [
        "demo-2.sshore,other.sshore ssh-ed25519 OTHER",
        "demo.sshore,two.sshore ssh-ed25519 SECOND",
    ]


@pytest.mark.parametrize("name", ["*", "demo,other", "demo\n* ssh-ed25519 EVIL", "de mo", "@revoked", ""])
def test_no_name_lets_a_key_count_for_other_sessions(name: str) -> None:
    with pytest.raises(ValueError, match="no names of a session"):
        with_session_keys("", name, "one", ["ssh-ed25519 KEY"])


def test_the_keys_of_sessions_seen_long_ago_are_forgotten_and_authorities_are_not() -> None:
    text = with_authority("", ONE, "ssh-ed25519 AAAA")
    for number in range(MAX_SESSIONS + 3):
        text = with_session_keys(text, f"s{number}", f"id{number}", [f"ssh-ed25519 KEY{number}"])
    lines = text.splitlines()
    assert len(lines) == MAX_SESSIONS + 1 and lines[0].startswith("@cert-authority")
    assert lines[1].startswith("s3.sshore,")


def test_keys_of_several_types_come_and_go_together() -> None:
    both = with_session_keys("", "demo", "one", ["ssh-ed25519 A", "ecdsa-sha2-nistp256 B"])
    assert both.splitlines() == ["demo.sshore,one.sshore ssh-ed25519 A", "demo.sshore,one.sshore ecdsa-sha2-nistp256 B"]
    assert with_session_keys(both, "demo", "one", ["ssh-ed25519 A", "ecdsa-sha2-nistp256 B"]) == both
    assert with_session_keys(both, "demo", "two", ["ssh-ed25519 C"]) == "demo.sshore,two.sshore ssh-ed25519 C\n"


def test_the_keys_behind_a_port_are_found_again() -> None:
    keys = ["ssh-ed25519 A", "ecdsa-sha2-nistp256 B"]
    text = "".join(f"{forward_line(10022, key)}\n" for key in keys) + forward_line(10023, "ssh-ed25519 C")
    assert host_keys_at(text, 10022) == keys
    assert host_keys_at(text, 1002) == []


def test_what_mends_a_known_hosts_of_the_users_own() -> None:
    assert forget_command(10022) == "ssh-keygen -R '[localhost]:10022'"
