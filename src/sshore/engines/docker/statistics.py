"""A container's statistics as the daemon tells them, as a pure function."""

from collections.abc import Mapping
from typing import Any

from sshore.core.live_use import Reading


def reading_of_statistics(stats: Mapping[str, Any] | None) -> Reading | None:
    """None of a container that has ended: of one that ends at this moment the daemon says `null`; Docker 26 says that
    it has used no CPU time, as nothing that runs has."""
    stats = stats or {}
    used_ns: int = ((stats.get("cpu_stats") or {}).get("cpu_usage") or {}).get("total_usage") or 0
    if not used_ns:
        return None
    networks = stats.get("networks")
    return Reading(
        cpu_s=used_ns / 1e9,
        memory_bytes=_memory_bytes(stats.get("memory_stats") or {}),
        read_bytes=_disk_bytes(stats, "read"),
        written_bytes=_disk_bytes(stats, "write"),
        received_bytes=_network_bytes(networks, "rx_bytes"),
        sent_bytes=_network_bytes(networks, "tx_bytes"),
    )


def _memory_bytes(told: Mapping[str, Any]) -> int | None:
    """Without files that are in memory as long as nobody needs it: ``inactive_file``, with total_ in version 1 of
    control groups."""
    used = told.get("usage")
    if used is None:
        return None
    counts = told.get("stats") or {}
    return max(int(used) - int(counts.get("total_inactive_file", counts.get("inactive_file", 0))), 0)


def _disk_bytes(stats: Mapping[str, Any], what: str) -> int | None:
    entries = (stats.get("blkio_stats") or {}).get("io_service_bytes_recursive")
    if entries is None:
        return None
    return sum(int(entry["value"]) for entry in entries if str(entry.get("op", "")).lower() == what)


def _network_bytes(networks: Mapping[str, Any] | None, what: str) -> int | None:
    return None if networks is None else sum(int(each.get(what, 0)) for each in networks.values())
