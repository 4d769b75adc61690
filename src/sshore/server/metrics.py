"""The gateway's counters for Prometheus, read when they are asked for."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from sshore.gateway.gateway import Gateway


class GatewayCollector(Collector):
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def collect(self) -> Iterator[Metric]:
        gateway = self._gateway
        yield GaugeMetricFamily("sshore_streams_open", "Streams that are open", gateway.streams_open)
        yield GaugeMetricFamily("sshore_links_parked", "Links that agents have parked", gateway.links.parked_count)
        yield CounterMetricFamily("sshore_streams", "Streams opened", gateway.streams_total)
        yield CounterMetricFamily("sshore_stream_bytes", "Bytes of streams that have ended", gateway.bytes_total)
