"""A program that ends early, or is not ready in time, is told of with what it said: nobody has to guess why a test or
the bench fails."""

import ast
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from bench.processes import DidNotServe, IsReady, hear, listens, running

_ROOT = Path(__file__).parents[2]
_CLOSED = 1
"""A port at which nobody listens."""


def started(script: str, is_ready: IsReady) -> AbstractContextManager["subprocess.Popen[bytes]"]:
    return running(["sh", "-c", script], is_ready, within_s=1)


def test_one_that_ends_before_it_serves() -> None:
    told = r"sh -c .*: ended by itself, with status 3; it said: no such luck"
    with pytest.raises(DidNotServe, match=told), started("echo no such luck >&2; exit 3", lambda _: listens(_CLOSED)):
        pytest.fail("it does not serve")


def test_one_that_is_not_ready_in_time() -> None:
    told = "does not get ready; it said: waiting"
    with pytest.raises(DidNotServe, match=told), started("echo waiting; exec sleep 60", lambda said: said == "served"):
        pytest.fail("it does not serve")


def test_one_that_ends_while_it_is_needed() -> None:
    told = "status 4; it said: serving\nno more"
    with (
        pytest.raises(DidNotServe, match=told),
        started("echo serving; echo no more; sleep 0.2; exit 4", bool) as process,
    ):
        process.wait()


def test_what_fails_for_its_end_tells_it() -> None:
    with pytest.raises(ConnectionError) as failure, started("echo out of memory; sleep 0.2; exit 5", bool) as process:
        process.wait()
        raise ConnectionError("connection refused")
    assert any("status 5; it said: out of memory" in note for note in failure.value.__notes__)


def test_a_client_that_says_something_else_than_expected() -> None:
    client = subprocess.Popen(
        ["sh", "-c", "echo permission denied >&2"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    with client, pytest.raises(AssertionError, match="permission denied"):
        hear(client, b"ready\n")


def test_no_test_and_no_part_of_the_bench_throws_last_words_away() -> None:
    calls = [
        f"{path.relative_to(_ROOT)}:{call.lineno}"
        for place in ("bench", "hosts", "tests")
        for path in (_ROOT / place).rglob("*.py")
        for call in _calls(path)
        if any(keyword.arg == "stderr" and ast.unparse(keyword.value).endswith("DEVNULL") for keyword in call.keywords)
    ]
    assert not calls, "start them by bench.processes.running, or read what they say"


def _calls(path: Path) -> Iterator[ast.Call]:
    return (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))
