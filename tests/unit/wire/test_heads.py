"""Heads: what the gateway and the agent may rely on when bytes arrive in any pieces."""

import pytest

from sshore.wire import heads
from sshore.wire.problems import Code, Problem


def test_a_head_is_complete_only_with_its_empty_line() -> None:
    request = heads.stream_request("box:8022", "demo", "ssh", "T", "test/1")
    for cut in range(len(request)):
        assert heads.split_head(request[:cut]) is None
    assert heads.split_head(request + b"SSH-2.0-x\r\n") == (request[:-4], b"SSH-2.0-x\r\n")


def test_a_stream_request_reads_back_with_its_parts() -> None:
    split = heads.split_head(heads.stream_request("box:8022", "a b/c", "ssh", "T0k", "test/1"))
    assert split is not None
    head = heads.parse_request(split[0])
    assert head.path == "/api/v1/sessions/a%20b%2Fc/apps/ssh/stream"
    assert head.upgrade == heads.STREAM_PROTOCOL
    assert head.bearer_token == "T0k"


@pytest.mark.parametrize(
    ("fields", "upgrade"),
    [
        ({"connection": "keep-alive, Upgrade", "upgrade": "Sshore-Stream/1"}, "sshore-stream/1"),
        ({"upgrade": "sshore-stream/1"}, ""),
        ({"connection": "upgrade"}, ""),
    ],
)
def test_an_upgrade_needs_both_fields(fields: dict[str, str], upgrade: str) -> None:
    assert heads.RequestHead("GET", "/", fields).upgrade == upgrade


def test_a_token_that_would_smuggle_a_header_is_refused() -> None:
    with pytest.raises(heads.HeadError):
        heads.stream_request("box", "demo", "ssh", "T\r\nX-Evil: 1", "test/1")


@pytest.mark.parametrize(
    "head", [b"", b"GET /", b"GET / SPDY/3", b"GET / HTTP/1.1\r\nno colon", b"GET / HTTP/1.1\r\n : x"]
)
def test_what_is_no_request_is_refused(head: bytes) -> None:
    with pytest.raises(heads.HeadError):
        heads.parse_request(head)


def test_an_endless_head_is_refused() -> None:
    with pytest.raises(heads.HeadError):
        heads.split_head(b"x" * heads.MAX_UPGRADE_HEAD_BYTES)


def test_a_refusal_is_an_ordinary_http_answer_with_a_problem() -> None:
    split = heads.split_head(heads.problem_response(Problem(Code.APP_NOT_LAUNCHED, "launch it", {"app": "ssh"})))
    assert split is not None
    response = heads.parse_response(split[0])
    assert response.status == 409
    assert response.content_length == len(split[1])
    assert b'"app_not_launched"' in split[1]
