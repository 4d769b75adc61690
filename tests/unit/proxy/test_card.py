import shlex
from pathlib import Path

from sshore.proxy.forwards import Forward, ForwardKey, make_card, make_plain_card, without_former_key

HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBzIwu73JjY627sr0yW8KFWU7YtVyYvPKbppax+u8aTD"
FORWARD = Forward(ForwardKey("http://127.0.0.1:8022", "abc", "ssh"), "demo", 10022, HOST_KEY, "SHA256:x")


def test_the_command_can_be_pasted() -> None:
    card = make_card(FORWARD, Path("/home/Ann Lee/key"), Path("/home/Ann Lee/hosts"), [])
    assert shlex.split(card.command) == [
        *("ssh", "-i", "/home/Ann Lee/key", "-o", "IdentitiesOnly=yes"),
        *("-o", 'UserKnownHostsFile="/home/Ann Lee/hosts"', "work@localhost", "-p", "10022"),
    ]


def test_the_host_key_is_verified() -> None:
    card = make_card(FORWARD, Path("/k"), Path("/h"), [])
    for command in (card.command, card.sftp_command):
        assert "UserKnownHostsFile=/h" in command
        assert "StrictHostKeyChecking=no" not in command


def test_the_url_names_account_and_port() -> None:
    assert make_card(FORWARD, Path("/k"), Path("/h"), []).url == "ssh://work@localhost:10022"


def test_an_app_that_is_no_ssh_has_a_web_address() -> None:
    assert make_plain_card(FORWARD, ["a note"]).url == "http://localhost:10022"


def test_a_port_that_was_anothers_says_what_mends_it() -> None:
    card = without_former_key(make_card(FORWARD, Path("/k"), Path("/h"), ["a note"]))
    assert card.forget_command == "ssh-keygen -R '[localhost]:10022'"
    assert card.notes[0] == "a note" and card.forget_command in card.notes[1]
