"""Counters for Prometheus, read when they are asked for. Whoever reaches the server may: they name no
session and no user."""

from collections.abc import Callable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from sshore.core.live_use import Totals
from sshore.gateway.gateway import Gateway
from sshore.services.sessions.live_use import LiveUse


class GatewayCollector(Collector):
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def collect(self) -> Iterator[Metric]:
        gateway = self._gateway
        yield GaugeMetricFamily("sshore_streams_open", "Streams that are open", gateway.streams_open)
        yield GaugeMetricFamily("sshore_links_parked", "Links that agents have parked", gateway.links.parked_count)
        yield CounterMetricFamily("sshore_streams", "Streams opened", gateway.streams_total)
        yield CounterMetricFamily("sshore_stream_bytes", "Bytes of streams that have ended", gateway.bytes_total)


class LiveUseCollector(Collector):
    """What sessions use and have used, by engine: sums, which go on when a session ends."""

    def __init__(self, live_use: LiveUse) -> None:
        self._live_use = live_use

    def collect(self) -> Iterator[Metric]:
        for name, text, value in _SUMS:
            kind = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
            family = kind(f"sshore_sessions_{name}", text, labels=["engine"])
            for engine, totals in sorted(self._live_use.totals.items()):
                family.add_metric([engine], value(totals))
            yield family


_SUMS: tuple[tuple[str, str, Callable[[Totals], float]], ...] = (
    ("running", "Sessions that run", lambda it: it.sessions),
    ("memory_bytes", "Memory that sessions use", lambda it: it.memory_bytes),
    ("gpus_busy", "GPUs that sessions keep busy", lambda it: it.gpus_busy),
    ("cpu_seconds_total", "CPU time that sessions have used", lambda it: it.cpu_s),
    ("disk_read_bytes_total", "Bytes that sessions have read from disks", lambda it: it.read_bytes),
    ("disk_written_bytes_total", "Bytes that sessions have written to disks", lambda it: it.written_bytes),
    ("network_received_bytes_total", "Bytes that came over sessions' networks", lambda it: it.received_bytes),
    ("network_sent_bytes_total", "Bytes that went over sessions' networks", lambda it: it.sent_bytes),
)
