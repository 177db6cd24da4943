"""Metrics in Prometheus's text format: requests of this process, and the state of the queues that all share."""

import math
from collections.abc import Callable
from typing import get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest

from nlp2filters.api.provider_states import provider_states
from nlp2filters.llm.breaker import State
from nlp2filters.storage.spending import LEARNT
from nlp2filters.storage.store import Store

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25)


class Metrics:
    """The metrics of one web process."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "nlp2filters_http_requests",
            "Answers of this process.",
            ["method", "route", "status"],
            registry=self._registry,
        )
        self._durations = Histogram(
            "nlp2filters_http_request_seconds",
            "Time to the first byte of an answer.",
            ["route"],
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._connections = Gauge(
            "nlp2filters_http_connections", "Open connections of this process.", registry=self._registry
        )
        self._closed = Counter(
            "nlp2filters_http_connections_closed",
            "Connections that this process closed or refused: they were late, too large, or too many.",
            ["reason"],
            registry=self._registry,
        )
        self._streams = Gauge("nlp2filters_streams", "Open streams of this process.", registry=self._registry)
        self._jobs = Gauge(
            "nlp2filters_jobs_total", "Jobs created, and ended with each outcome.", ["what"], registry=self._registry
        )
        self._depth = Gauge("nlp2filters_queue_jobs", "Entries of a queue.", ["queue"], registry=self._registry)
        self._age = Gauge(
            "nlp2filters_queue_due_seconds",
            "How long the first entry has been due.",
            ["queue"],
            registry=self._registry,
        )
        self._parts = Gauge(
            "nlp2filters_parts", "Parts of jobs that have not ended.", ["queue", "state"], registry=self._registry
        )
        self._ended_parts = Gauge(
            "nlp2filters_parts_ended_total",
            "Parts of jobs that have ended, with each outcome.",
            ["queue", "outcome"],
            registry=self._registry,
        )
        self._part_seconds = Gauge(
            "nlp2filters_part_seconds_total",
            "How long the last attempts at the parts that have ended took, all together.",
            ["queue"],
            registry=self._registry,
        )
        self._usage = Gauge(
            "nlp2filters_llm_usage_total",
            "Tokens, calls and cost (in millionths) of the LLM and embedding APIs.",
            ["provider", "model", "what"],
            registry=self._registry,
        )
        self._learnt = Gauge(
            "nlp2filters_llm_lacks_total",
            "How often a model turned out to lack a feature, for one schema and some minutes.",
            ["provider", "model", "feature"],
            registry=self._registry,
        )
        self._workers = Gauge("nlp2filters_workers", "Workers alive.", ["queue"], registry=self._registry)
        self._breakers = Gauge(
            "nlp2filters_provider_breaker",
            "1 for the present state of a provider's circuit breaker.",
            ["provider", "state"],
            registry=self._registry,
        )
        self._paused = Gauge(
            "nlp2filters_provider_paused_seconds",
            "How long a provider is not called for its limit of the rate.",
            ["provider"],
            registry=self._registry,
        )
        self._windows = Gauge(
            "nlp2filters_provider_window",
            "How many calls a provider is known to take at once; +Inf without such a limit.",
            ["provider"],
            registry=self._registry,
        )

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
        """Render all metrics, with the current state of the queues in Redis."""
        self._streams.set(streams)
        for name, count in (await store.stats.job_counts()).items():
            self._jobs.labels(name).set(count)
        for stage, queue in (await store.stats.queues()).items():
            self._depth.labels(stage).set(queue.entries)
            self._age.labels(stage).set(queue.overdue_s)
            self._workers.labels(stage).set(queue.workers)
        for stage, parts in (await store.stats.parts()).items():
            self._parts.labels(stage, "waiting").set(parts.waiting)
            self._parts.labels(stage, "running").set(parts.running)
            self._ended_parts.labels(stage, "succeeded").set(parts.succeeded)
            self._ended_parts.labels(stage, "failed").set(parts.failed)
            self._part_seconds.labels(stage).set(parts.seconds)
        for spent in await store.spending.counts():
            if spent.name.startswith(LEARNT):
                self._learnt.labels(spent.provider, spent.model, spent.name.removeprefix(LEARNT)).set(spent.total)
            else:
                self._usage.labels(spent.provider, spent.model, spent.name).set(spent.total)
        for name, provider in (await provider_states(store)).items():
            for state in get_args(State):
                self._breakers.labels(name, state).set(provider["breaker"] == state)
            self._paused.labels(name).set(provider["paused_s"])
            self._windows.labels(name).set(math.inf if provider["window"] is None else provider["window"])
        return generate_latest(self._registry)
