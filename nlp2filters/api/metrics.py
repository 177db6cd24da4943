"""Metrics in Prometheus's text format: requests of this process, and the state of the service that all share."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.exposition import generate_latest

from nlp2filters import __version__
from nlp2filters.api.metric_table import PREFIX, PROCESS
from nlp2filters.api.shared_metrics import SharedMetrics
from nlp2filters.storage.store import Store

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25)
_ROWS = {metric.name: metric for metric in PROCESS}


class Metrics:
    """The metrics of one web process, and those of the service."""

    def __init__(self) -> None:
        # They would double the series of this process, and nobody asks for them.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = CollectorRegistry()
        self._shared = SharedMetrics()
        self._registry.register(self._shared)
        self._requests, self._closed = self._counter("http_requests"), self._counter("http_connections_closed")
        row = _ROWS["http_request_seconds"]
        self._durations = Histogram(PREFIX + row.name, row.help, row.labels, buckets=_BUCKETS, registry=self._registry)
        self._connections, self._streams = self._gauge("http_connections"), self._gauge("streams")
        self._ping = self._gauge("redis_ping_seconds")
        self._gauge("build_info").labels(__version__).set(1)

    def _counter(self, name: str) -> Counter:
        return Counter(PREFIX + name, _ROWS[name].help, _ROWS[name].labels, registry=self._registry)

    def _gauge(self, name: str) -> Gauge:
        return Gauge(PREFIX + name, _ROWS[name].help, _ROWS[name].labels, registry=self._registry)

    def watch_connections(self, count: Callable[[], int]) -> None:
        """Take the number of open connections from `count`."""
        self._connections.set_function(count)

    def connection_closed(self, reason: str) -> None:
        """Count a connection that was closed by us, not by its client."""
        self._closed.labels(reason).inc()

    def answered(self, method: str, route: str, status: int, duration_s: float) -> None:
        """Count an answer."""
        self._requests.labels(method, route, str(status)).inc()
        self._durations.labels(route).observe(duration_s)

    async def render(self, store: Store, streams: int) -> bytes:
        """Render all metrics, with the current state of the service in Redis."""
        await self._shared.read(store)
        self._streams.set(streams)
        self._ping.set(self._shared.ping_s)
        return generate_latest(self._registry)
