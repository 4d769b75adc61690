"""The audit: writes down each stream in the background, answers who connected to what, forgets what is old."""

import asyncio
import dataclasses
import logging
from datetime import timedelta

from sshore.core.audit import StreamEnd, StreamFilter, StreamRecord, printable
from sshore.core.choices import Role
from sshore.core.errors import Conflict, InvalidInput, SshoreError, Unavailable
from sshore.core.ids import StreamId, UserId, new_id
from sshore.core.ports import Clock, Store
from sshore.core.sessions import StreamGrant
from sshore.core.users import User
from sshore.services.people.accounts import require_admin

log = logging.getLogger("sshore.audit")

DEFAULT_KEEP_DAYS = 90
MOST_ROWS = 10_000
MOST_WAITING = 20_000
"""Records that may wait for a database that does not answer; further ones are lost, which the log says."""
_RETRY_S = 5.0
_PRUNE_EVERY_S = 24 * 3600.0


class Audit:
    """Implements `core.ports.StreamJournal`. `run` writes what it is told; `begin` comes before, `close` after."""

    def __init__(self, store: Store, clock: Clock, keep_days: float = DEFAULT_KEEP_DAYS) -> None:
        self._store = store
        self._clock = clock
        self._keep = timedelta(days=keep_days)
        self._open: dict[StreamId, StreamRecord] = {}
        self._waiting: dict[StreamId, StreamRecord] = {}
        self._stored: set[StreamId] = set()
        self._wake = asyncio.Event()
        self._writing = asyncio.Lock()

    def opened(self, grant: StreamGrant, app: str, address: str, client: str) -> StreamId:
        record = StreamRecord(
            id=StreamId(new_id()),
            user_id=grant.user_id or UserId(""),
            user=grant.user,
            session_id=grant.session_id,
            session=grant.session or f"folder:{grant.folder}",
            app=app,
            address=address,
            client=printable(client),
            started_at=self._clock.now(),
        )
        self._open[record.id] = record
        self._write_later(record)
        return record.id

    def ended(self, stream_id: StreamId, bytes_in: int, bytes_out: int, end: StreamEnd) -> None:
        record = self._open.pop(stream_id)
        now = self._clock.now()
        self._write_later(dataclasses.replace(record, ended_at=now, bytes_in=bytes_in, bytes_out=bytes_out, end=end))

    async def list(
        self, caller: User, *, user: str = "", session: str = "", since_s: float | None = None, limit: int = 100
    ) -> list[StreamRecord]:
        """The newest streams first: an admin's question is about all, anybody else's about the caller's own.

        Raises:
            Forbidden: the caller is no admin and asks for somebody else's. InvalidInput: the limit cannot be.
        """
        if not 1 <= limit <= MOST_ROWS:
            raise InvalidInput(f"the limit must be from 1 to {MOST_ROWS}", field="limit")
        if user and user != caller.name:
            require_admin(caller)
        since = None if since_s is None else self._clock.now() - timedelta(seconds=since_s)
        own = caller.role is not Role.ADMIN or user == caller.name
        wanted = StreamFilter(caller.id if own else None, "" if own else user, session, since)
        await self.flush()
        return await self._store.streams.list(wanted, limit)

    async def begin(self) -> None:
        """Note the end of what was open when the last server was killed."""
        try:
            cut_off = await self._store.streams.end_open(self._clock.now(), StreamEnd.SERVER_ENDED)
        except Unavailable as error:  # a full disk, which is no reason not to serve: the next start does it
            log.error("streams of the last server stay noted as open", extra={"reason": error.problem.detail})
            return
        if cut_off:
            log.info("streams were cut off by the end of the last server", extra={"count": cut_off})

    async def run(self) -> None:
        """Write and prune until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep_pruning())
            while True:
                await self._wake.wait()
                self._wake.clear()
                await self._flush_or_wait()

    async def flush(self) -> None:
        """Write what waits.

        Raises:
            Unavailable: the database does not answer; nothing is lost yet.
        """
        async with self._writing:  # a stream's end is written after its beginning
            batch, self._waiting = self._waiting, {}
            if batch:
                await self._write(batch)

    async def close(self) -> None:
        """Write what waits, if the database answers; else the next start notes those ends."""
        try:
            await self.flush()
        except SshoreError as error:
            log.error("the last streams could not be recorded", extra={"reason": error.problem.detail})

    async def prune(self) -> int:
        """Forget the streams that began before the days that are kept."""
        return await self._store.streams.prune(self._clock.now() - self._keep)

    def _write_later(self, record: StreamRecord) -> None:
        if len(self._waiting) >= MOST_WAITING and record.id not in self._waiting:
            log.error("the record of a stream is lost: the database has not answered for long")
            return
        self._waiting[record.id] = record
        self._wake.set()

    async def _write(self, batch: dict[StreamId, StreamRecord]) -> None:
        opened = [record for record in batch.values() if record.id not in self._stored]
        ended = [record for record in batch.values() if record.id in self._stored]
        try:
            await self._store.streams.write(opened, ended)
        except (Conflict, InvalidInput):  # a commit whose answer was lost, perhaps; trying again would not help
            log.exception("records of streams are not taken by the database", extra={"count": len(batch)})
        except BaseException:
            self._waiting = batch | self._waiting
            raise
        self._stored.update(record.id for record in opened if record.ended_at is None)
        self._stored.difference_update(record.id for record in ended)

    async def _flush_or_wait(self) -> None:
        try:
            await self.flush()
        except SshoreError as error:
            log.error("streams could not be recorded yet", extra={"reason": error.problem.detail})
        except Exception:
            log.exception("streams could not be recorded yet")
        else:
            return
        self._wake.set()
        await asyncio.sleep(_RETRY_S)

    async def _keep_pruning(self) -> None:
        while True:
            try:
                forgotten = await self.prune()
                log.info("old records of streams are forgotten", extra={"count": forgotten})
            except SshoreError as error:
                log.error("old records of streams could not be removed", extra={"reason": error.problem.detail})
            except Exception:
                log.exception("old records of streams could not be removed")
            await asyncio.sleep(_PRUNE_EVERY_S)
