from sshore.profiles.known_hosts import forward_line, with_authority

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
