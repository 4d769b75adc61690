"""A hundred sessions and a hundred thousand streams: every list is answered by an index, on either database."""

import dataclasses
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, Select, insert, text

from sshore.core.audit import StreamEnd, StreamFilter, StreamRecord
from sshore.core.choices import Role
from sshore.core.ids import SessionId, StreamId, UserId
from sshore.core.sessions import Session
from sshore.core.states import SessionState
from sshore.core.users import User
from sshore.store import tables
from sshore.store.audit_table import listing
from sshore.store.database import Database
from sshore.store.store import DatabaseStore

pytestmark = pytest.mark.anyio

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
STREAMS = 100_000
QUESTIONS: dict[str, StreamFilter] = {
    "all": StreamFilter(),
    "since": StreamFilter(since=NOON + timedelta(seconds=STREAMS - 500)),
    "own": StreamFilter(UserId("u3")),
    "user": StreamFilter(user="user3"),
    "nobody": StreamFilter(user="nobody"),
    "session-by-name": StreamFilter(session="s8"),
    "most-used-session": StreamFilter(session="busy"),
    "most-used-session-own": StreamFilter(UserId("u3"), session="busy-id"),
    "session-by-id": StreamFilter(UserId("u3"), session="id8"),
    "nothing": StreamFilter(UserId("u3"), session="none"),
}


@pytest.fixture
async def filled(database: Database, store: DatabaseStore) -> DatabaseStore:
    for number in range(4):
        await store.users.add(User(UserId(f"u{number}"), f"user{number}", Role.MEMBER, number, NOON))
    for number in range(100):
        made = Session(
            SessionId(f"id{number}"), UserId(f"u{number % 4}"), f"s{number}", SessionState.RUNNING, NOON, "sandbox"
        )
        await store.sessions.add(dataclasses.replace(made, private_key="P" * 2000, host_private_key="P" * 500))
    async with database.write() as connection:
        await connection.execute(insert(tables.streams), [dataclasses.asdict(_stream(n)) for n in range(STREAMS)])
        await connection.execute(text("ANALYZE"))
    return store


def _stream(number: int) -> StreamRecord:
    return StreamRecord(
        id=StreamId(f"{number:012}"),
        user_id=UserId(f"u{number % 4}"),
        user=f"user{number % 4}",
        session_id=SessionId("busy-id" if number % 2 else f"id{number % 100}"),
        session="busy" if number % 2 else f"s{number % 100}",
        app="ssh",
        address="192.0.2.7",
        client="sshore/0.1.0 (laptop)",
        started_at=NOON + timedelta(seconds=number),
        ended_at=NOON + timedelta(seconds=number + 60),
        bytes_in=number,
        bytes_out=number,
        end=StreamEnd.CLOSED,
    )


async def test_no_question_reads_all_streams(database: Database, filled: DatabaseStore) -> None:
    """The times are printed (pytest -s); what is asserted is that they do not grow with the table."""
    for name, wanted in QUESTIONS.items():
        async with database.read() as connection:
            steps = await connection.run_sync(_plan, listing(wanted, 100))
            reads_all = ("SCAN streams", "Seq Scan on streams", "MULTI-INDEX OR", "BitmapOr")
            assert not any(words in step for words in reads_all for step in steps), (name, steps)
        took = await _milliseconds(partial(filled.streams.list, wanted, 100))
        print(f"{database.engine.dialect.name}: audit {name}: {took:.1f} ms")
    for name, ask in (
        ("ls", lambda: filled.sessions.list(UserId("u3"))),
        ("ls --all", filled.sessions.list),
        ("show", lambda: filled.sessions.find(UserId("u3"), "s7")),
    ):
        print(f"{database.engine.dialect.name}: {name}: {await _milliseconds(ask):.1f} ms")
    newest = await filled.streams.list(StreamFilter(session="s8"), 3)
    assert newest == [_stream(STREAMS - 92), _stream(STREAMS - 192), _stream(STREAMS - 292)]


async def _milliseconds(ask: Callable[[], Any]) -> float:
    began = time.perf_counter()
    await ask()
    return (time.perf_counter() - began) * 1000


def _plan(connection: Connection, question: Select[Any]) -> list[str]:
    """The steps of an answer; SQLite's "SCAN … USING INDEX" is a walk in the order of an index, up to the limit."""
    literal = str(question.compile(connection, compile_kwargs={"literal_binds": True}))
    if connection.dialect.name == "sqlite":
        rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {literal}")
        return [str(row[3]).replace("SCAN streams USING INDEX", "WALK streams BY") for row in rows]
    return [str(row[0]) for row in connection.exec_driver_sql(f"EXPLAIN {literal}")]
