"""What running sessions use. Rates are bytes a second; None: it cannot be told, or there is nothing of its own."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class GpuUseMessage:
    """Of the session's GPUs together; `busy` is their average share of the time, 0 to 1."""

    count: int
    busy: float | None = None
    memory_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class UsePointMessage:
    """From one look to the next. Disk is what was read from and written to disks; network is that of the session's
    own, without what its streams (SSH) carry."""

    cpus: float | None = None
    memory_bytes: int | None = None
    disk_read_bytes_s: float | None = None
    disk_written_bytes_s: float | None = None
    network_received_bytes_s: float | None = None
    network_sent_bytes_s: float | None = None
    gpus: GpuUseMessage | None = None


@dataclass(frozen=True, slots=True)
class LiveUseMessage:
    """One running session: its limits, and its last points, the newest last."""

    id: str
    name: str
    owner: str
    engine: str
    started_at: str | None = None
    cpus_limit: float | None = None
    memory_limit_bytes: int | None = None
    every_s: float = 0.0
    now: UsePointMessage = UsePointMessage()
    history: list[UsePointMessage] = field(default_factory=list)
