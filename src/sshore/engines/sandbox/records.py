"""What is remembered of each session, so that a new server finds it again; outside the session's reach.

A record is written before anything of the session is made, and again with each thing that there is
to find: whenever the server dies, what it leaves is known.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sshore.core.ids import SessionId
from sshore.engines.sandbox.processes import Process


@dataclass(frozen=True, slots=True)
class Record:
    """One session, from the first step of its start until it is removed.

    `monitor` is bwrap outside, `agent` pid 1 inside, `network` the process that is its network `nat`; `cgroups` are
    directories; `gpus` are device nodes. `started` is set once the agent was let go, `end_reason` once
    all is cleaned up.
    """

    id: SessionId
    boot_id: str
    monitor: Process | None = None
    agent: Process | None = None
    network: Process | None = None
    cgroups: tuple[Path, ...] = ()
    gpus: tuple[str, ...] = ()
    memory_bytes: int | None = None
    started: bool = False
    end_reason: str | None = None


class Records:
    """The records' directory. Every method is a few system calls on small files."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def status_path(self, session_id: SessionId) -> Path:
        """Where bwrap writes its status (``--json-status-fd``)."""
        return self._directory / f"{session_id}.status"

    def read(self, session_id: SessionId) -> Record | None:
        """A session's record; None when there is none."""
        try:
            return _decode(json.loads(self._path(session_id).read_text()))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, KeyError):
            # A power failure can leave a file without its contents; of the session's processes it left none.
            return Record(session_id, boot_id="")

    def write(self, record: Record) -> None:
        """Store a record, written aside and renamed."""
        path = self._path(record.id)
        aside = path.with_suffix(".new")
        aside.write_text(json.dumps(asdict(record), default=str))
        aside.replace(path)

    def remove(self, session_id: SessionId) -> None:
        self.status_path(session_id).unlink(missing_ok=True)
        self._path(session_id).unlink(missing_ok=True)

    def list(self) -> list[SessionId]:
        return [SessionId(path.stem) for path in self._directory.glob("*.json")]

    def unended(self) -> Iterator[Record]:
        """The records of sessions that run, or whose end is not yet cleaned up."""
        records = (self.read(session_id) for session_id in self.list())
        return (record for record in records if record and record.end_reason is None)

    def _path(self, session_id: SessionId) -> Path:
        return self._directory / f"{session_id}.json"


def _decode(data: dict[str, Any]) -> Record:
    if "slirp" in data:
        # As servers wrote it that knew slirp4netns alone.
        data["network"] = data.pop("slirp")
    for name in ("monitor", "agent", "network"):
        data[name] = Process(**data[name]) if data[name] else None
    data["cgroups"] = tuple(map(Path, data["cgroups"]))
    data["gpus"] = tuple(data["gpus"])
    return Record(**data)
