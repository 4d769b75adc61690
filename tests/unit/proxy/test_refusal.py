"""What an SSH client is told where there is no stream for it (RFC 4253 §6, §11.1)."""

import pytest

from sshore.proxy.refusal import disconnection


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
    assert read(disconnection("x" * length)) == (11, "x" * length)


def test_what_would_garble_a_terminal_is_left_out() -> None:
    assert read(disconnection("a\x1b[2Jb\nc – 셸"))[1] == "a [2Jb c – 셸"


def test_a_long_reason_is_cut_off_visibly() -> None:
    said = read(disconnection("y" * 1000))[1]
    assert len(said) == 400 and said.endswith("y…")
