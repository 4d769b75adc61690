"""The answer to a stream's request, in whatever pieces it comes."""

from dataclasses import replace

import pytest

from sshore.sdk.address import parse_server_url
from sshore.sdk.errors import ApiError, ServerUnreachable
from sshore.sdk.stream_head import AnswerReader, StreamTarget
from sshore.wire.heads import STREAM_PROTOCOL, parse_request, problem_response, split_head, switching_protocols
from sshore.wire.problems import Code, Problem

TARGET = StreamTarget(parse_server_url("http://127.0.0.1:8022"), "secret", "demo")
OPEN = switching_protocols(STREAM_PROTOCOL, Sshore_Session="abc")
REFUSED = problem_response(Problem(Code.APP_NOT_LAUNCHED, "launch it"))


def test_the_request_names_session_app_and_token() -> None:
    parts = split_head(TARGET.request())
    assert parts is not None
    head = parse_request(parts[0])
    assert head.path == "/api/v1/sessions/demo/apps/ssh/stream"
    assert head.upgrade == "sshore-stream/1"
    assert head.bearer_token == "secret"
    assert head.fields["host"] == "127.0.0.1:8022"


def test_a_wish_for_the_plain_host_key_is_no_part_of_the_path() -> None:
    parts = split_head(replace(TARGET, host_key="plain").request())
    assert parts is not None
    head = parse_request(parts[0])
    assert head.target == f"{head.path}?host_key=plain"
    assert head.path == "/api/v1/sessions/demo/apps/ssh/stream", "older servers look no further"


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_the_streams_own_bytes_are_kept(size: int) -> None:
    reader = AnswerReader(TARGET)
    data = OPEN + b"SSH-2.0-x\r\n"
    for at in range(0, len(data), size):
        first = reader.feed(data[at : at + size])
        if first is not None:
            assert first + data[at + size :] == b"SSH-2.0-x\r\n"
            return
    pytest.fail("the stream did not open")


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_refusal_is_the_servers_problem(size: int) -> None:
    reader = AnswerReader(TARGET)
    with pytest.raises(ApiError, match="launch it") as caught:
        for at in range(0, len(REFUSED), size):
            assert reader.feed(REFUSED[at : at + size]) is None
    assert (caught.value.status, caught.value.code) == (409, "app_not_launched")


def test_a_connection_closed_before_the_answer_is_an_unreachable_server() -> None:
    reader = AnswerReader(TARGET)
    reader.feed(OPEN[:20])
    assert isinstance(reader.feed_eof(), ServerUnreachable)


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 4\r\n\r\nHTML",
        b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 100000\r\n\r\n" + 100_000 * b"[",
        b"SSH-2.0-x\r\n\r\n\r\n",
    ],
)
def test_a_server_of_another_kind_is_named_as_such(data: bytes) -> None:
    with pytest.raises(ApiError, match="not as a Sshore server does"):
        AnswerReader(TARGET).feed(data)
