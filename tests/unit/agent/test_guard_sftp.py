"""An SFTP server with a quota: what is refused, and in which order answers reach the client."""

import io
import struct
import threading

from sshore.agent.guard_sftp import Answers, Quota

WRITE, STATUS, EXTENDED, CLOSE = 6, 101, 200, 4


def string(value: bytes) -> bytes:
    return struct.pack(">I", len(value)) + value


def write(request_id: int, size: int) -> bytes:
    return struct.pack(">BI", WRITE, request_id) + string(b"handle") + struct.pack(">Q", 0) + string(bytes(size))


def test_writes_pass_until_the_room_is_used_up() -> None:
    quota = Quota(100)
    assert quota.refusal(write(1, 60)) is None
    assert quota.refusal(write(2, 40)) is None
    refusal = quota.refusal(write(3, 1))
    assert refusal is not None
    assert struct.unpack_from(">BII", refusal) == (STATUS, 3, 4)
    assert b"quota" in refusal


def test_after_one_refusal_no_smaller_piece_is_taken() -> None:
    """The file would have a hole, and a client that looks at the last answer alone would take it for complete."""
    quota = Quota(100)
    assert quota.refusal(write(1, 101)) is not None
    assert quota.refusal(write(2, 1)) is not None


def test_other_requests_pass_but_copies_on_the_server() -> None:
    quota = Quota(0)
    assert quota.refusal(struct.pack(">BI", CLOSE, 1) + string(b"handle")) is None
    assert quota.refusal(struct.pack(">BI", EXTENDED, 2) + string(b"posix-rename@openssh.com")) is None
    assert quota.refusal(struct.pack(">BI", EXTENDED, 3) + string(b"copy-data")) is not None


def test_what_is_no_packet_is_the_servers_to_refuse() -> None:
    quota = Quota(0)
    for packet in (b"\x06", write(1, 5)[:12], bytes([WRITE]) + b"\xff" * 20):
        quota.refusal(packet)


def test_a_refusal_comes_after_the_answers_to_what_came_before() -> None:
    client = io.BytesIO()
    answers = Answers(client)
    answers.expect()
    answers.expect()
    refusing = threading.Thread(target=answers.add, args=(b"refused",))
    refusing.start()
    answers.pass_on(b"one")
    assert client.getvalue() == string(b"one")
    answers.pass_on(b"two")
    refusing.join(5)
    assert client.getvalue() == string(b"one") + string(b"two") + string(b"refused")


def test_a_refusal_does_not_wait_for_a_server_that_has_ended() -> None:
    answers = Answers(io.BytesIO())
    answers.expect()
    answers.server_ended()
    answers.add(b"refused")
