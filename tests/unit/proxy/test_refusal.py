"""What an SSH client is told where there is no stream for it (RFC 4253 §6, §11.1)."""

import pytest

from sshore.proxy.refusal import disconnection, refusal


def read(said: bytes) -> tuple[int, str]:
    """Reason and description, as a client reads them."""
    identification, packet = said.split(b"\r\n", 1)
    assert identification == b"SSH-2.0-Sshore"
    length, padding = int.from_bytes(packet[:4]), packet[4]
    assert len(packet) == 4 + length, "the packet is all there is"
    assert len(packet) % 8 == 0 and padding >= 4
    payload = packet[5 : 4 + length - padding]
    assert payload[0] == 1, "SSH_MSG_DISCONNECT"
    size = int.from_bytes(payload[5:9])
    assert payload[9 + size :] == bytes(4), "an empty language tag"
    return int.from_bytes(payload[1:5]), payload[9 : 9 + size].decode()


@pytest.mark.parametrize("length", range(30, 50))
def test_the_packet_is_well_formed_whatever_its_length(length: int) -> None:
    assert read(disconnection("x" * length)) == (7, "x" * length)


def test_what_would_garble_a_terminal_is_left_out() -> None:
    assert read(disconnection("a\x1b[2Jb\nc – 셸"))[1] == "a [2Jb c – 셸"


def test_a_long_reason_is_cut_off_visibly() -> None:
    said = read(disconnection("y" * 1000))[1]
    assert len(said) == 400 and said.endswith("y…")


@pytest.mark.parametrize(
    "client", [b"", b"SSH-2.0-OpenSSH_9.2p1\r\n", b"SSH-2.0-libssh2_1.10.0\r\n", b"GET / HTTP/1.1\r\n"]
)
def test_whoever_it_is_gets_a_disconnection(client: bytes) -> None:
    assert refusal(client, "stopped") == disconnection("stopped")


def test_paramiko_which_hides_it_quotes_the_last_line_that_is_no_identification() -> None:
    assert refusal(b"SSH-2.0-paramiko_3.4.0\r\n", "it is\nstopped") == b"it is stopped\r\n" * 100


def test_dropbear_which_hides_it_quotes_an_identification_it_cannot_accept() -> None:
    assert refusal(b"SSH-2.0-dropbear_2022.83\r\n", "stopped") == b"SSH-1.0-stopped\r\n"


def test_an_identification_is_cut_to_what_dropbear_reads_between_two_letters() -> None:
    said = refusal(b"SSH-2.0-dropbear_2022.83\r\n", "셸" * 300)
    assert 250 <= len(said) <= 255
    assert set(said.decode().removeprefix("SSH-1.0-").strip()) == {"셸"}
