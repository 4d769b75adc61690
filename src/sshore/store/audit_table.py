"""The streams that were; implements `core.ports.StreamRecords`."""

import dataclasses
from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, bindparam, delete, insert, select, union_all, update

from sshore.core.audit import StreamEnd, StreamFilter, StreamRecord
from sshore.store import tables
from sshore.store.database_table import DatabaseTable

_streams = tables.streams
_PAGE_ROWS = 100


class StreamRecordTable(DatabaseTable):
    async def write(self, opened: Collection[StreamRecord], ended: Collection[StreamRecord]) -> None:
        async with self._database.write() as connection:
            if opened:
                await connection.execute(insert(_streams), [dataclasses.asdict(record) for record in opened])
            if ended:
                await connection.execute(_END, [_end_values(record) for record in ended])

    async def end_open(self, at: datetime, end: StreamEnd) -> int:
        statement = update(_streams).where(_streams.c.ended_at.is_(None))
        return await self._write(statement.values(ended_at=at, end=end))

    async def list(self, wanted: StreamFilter, limit: int) -> list[StreamRecord]:
        """Read by pages, between which others have their turn."""
        found: list[StreamRecord] = []
        async with self._database.read() as connection:
            rows = await connection.stream(listing(wanted, limit))
            async for page in rows.partitions(_PAGE_ROWS):
                found += map(_record, page)
        return found

    async def prune(self, before: datetime) -> int:
        columns = _streams.c
        return await self._write(delete(_streams).where(columns.started_at < before, columns.ended_at.is_not(None)))


_END = (
    update(_streams)
    .where(_streams.c.id == bindparam("of"))
    .values(ended_at=bindparam("at"), bytes_in=bindparam("into"), bytes_out=bindparam("out"), end=bindparam("how"))
)


def listing(wanted: StreamFilter, limit: int) -> Select[Any]:
    """The newest streams first. Each way to ask is the walk of an index, in order and no further than the limit."""
    if not wanted.session:
        return _newest(wanted, limit)
    by_name = _newest(wanted, limit).where(_streams.c.session == wanted.session)
    by_id = _newest(wanted, limit).where(_streams.c.session_id == wanted.session, _streams.c.session != wanted.session)
    # In one condition they would have all rows that match sorted.
    both = union_all(*(select(way.subquery()) for way in (by_name, by_id))).subquery()
    return select(both).order_by(both.c.started_at.desc()).limit(limit)


def _newest(wanted: StreamFilter, limit: int) -> Select[Any]:
    columns = _streams.c
    query = select(_streams).order_by(columns.started_at.desc()).limit(limit)
    if wanted.user_id is not None:
        query = query.where(columns.user_id == wanted.user_id)
    if wanted.user:
        query = query.where(columns.user == wanted.user)
    if wanted.since is not None:
        query = query.where(columns.started_at >= wanted.since)
    return query


def _end_values(record: StreamRecord) -> dict[str, Any]:
    return {
        "of": record.id,
        "at": record.ended_at,
        "into": record.bytes_in,
        "out": record.bytes_out,
        "how": record.end,
    }


def _record(row: Row[Any]) -> StreamRecord:
    """The table's columns have the names and the order of the record's fields."""
    values: list[Any] = [*row]
    values[-1] = StreamEnd(values[-1]) if values[-1] else None
    return StreamRecord(*values)
