"""The metrics of the whole service, which every web process reads from Redis and reports alike."""

import math
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, get_args

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.core import Metric as Family

from nlp2filters.api.metric_table import COUNTED, PREFIX, STATE, Metric, bounded
from nlp2filters.api.provider_states import provider_states
from nlp2filters.core.counts import BOUNDS_S, BUCKET, SEPARATOR
from nlp2filters.core.usage import MICRO
from nlp2filters.llm.breaker import State
from nlp2filters.storage.spending import COST, LEARNT, ServiceCount
from nlp2filters.storage.store import Store

Labels = tuple[str, ...]
Samples = defaultdict[str, Counter[Labels]]

_TOKENS, _CALLS, _FAILED, _ALL_TOKENS = "_tokens", "calls", "failed_calls", "total_tokens"
_NO_GAUGE: Mapping[Labels, float] = {}


class SharedMetrics:
    """The state of the whole service, as it was last read from Redis, which took `ping_s` to answer."""

    def __init__(self) -> None:
        self._counts: Samples = defaultdict(Counter)
        self._state: dict[str, dict[Labels, float]] = {}
        self.ping_s = 0.0

    async def read(self, store: Store) -> None:
        """Read the present state."""
        began = time.monotonic()
        await store.redis.ping()
        self.ping_s = time.monotonic() - began
        counts = _by_metric(await store.counts.read())
        self._state = await _read_state(store)
        self._counts = counts

    def collect(self) -> Iterator[Family]:
        """Yield all metrics, for the registry."""
        for metric in COUNTED:
            samples = self._counts[metric.name]
            yield _histogram(metric, samples) if metric.kind == "histogram" else _family(metric, samples)
        for metric in STATE:
            yield _family(metric, self._state.get(metric.name, _NO_GAUGE))


def _by_metric(counts: Mapping[str, int]) -> Samples:
    """Sort shared counts by the metrics that they belong to, and bound their labels."""
    labels_of = {metric.name: _count_labels(metric) for metric in COUNTED}
    samples: Samples = defaultdict(Counter)
    for name, count in counts.items():
        metric, *values = name.split(SEPARATOR)
        # A later version may count what this one does not know, or with other labels.
        if metric in labels_of and len(values) in labels_of[metric]:
            names = labels_of[metric][len(values)]
            samples[metric][tuple(map(bounded, names, values))] += count
    return samples


def _count_labels(metric: Metric) -> Mapping[int, Sequence[str]]:
    """Return what the parts of a count's name are, by their number: a histogram has two kinds of counts."""
    if metric.kind != "histogram":
        return {len(metric.labels): metric.labels}
    names = ("part", *metric.labels)
    return {len(names): names, len(names) + 1: (*names, "le")}


def _family(metric: Metric, samples: Mapping[Labels, float]) -> Family:
    make = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    family = make(PREFIX + metric.name, metric.help, labels=metric.labels)
    for labels, value in sorted(samples.items()):
        family.add_metric(labels, value)
    return family


def _histogram(metric: Metric, samples: Mapping[Labels, int]) -> Family:
    family = HistogramMetricFamily(f"{PREFIX}{metric.name}_seconds", metric.help, labels=metric.labels)
    bounds = [*(f"{bound:g}" for bound in BOUNDS_S), "+Inf"]
    for _, *labels in sorted({name for name in samples if name[0] != BUCKET}):
        total, buckets = 0, []
        for bound in bounds:
            total += samples.get((BUCKET, *labels, bound), 0)
            buckets.append((bound, total))
        (sum_ms,) = (count for name, count in samples.items() if name[0] != BUCKET and name[1:] == tuple(labels))
        family.add_metric(labels, buckets, sum_ms / 1000)
    return family


async def _read_state(store: Store) -> dict[str, dict[Labels, float]]:
    queues, counts = await store.stats.queues(), await store.stats.job_counts()
    memory: Any = await store.redis.info("memory")
    clients: Any = await store.redis.info("clients")
    providers, parts = await provider_states(store), await store.stats.parts()
    return {
        "parts": {
            (name, state): count
            for name, part in parts.items()
            for state, count in (("waiting", part.waiting), ("running", part.running))
        },
        "parts_ended": {
            (name, outcome): count
            for name, part in parts.items()
            for outcome, count in (("succeeded", part.succeeded), ("failed", part.failed))
        },
        "part_seconds": {(name,): part.seconds for name, part in parts.items()},
        "rescued": {(): counts.get("rescued", 0)},
        "unfinished": {(): await store.unfinished.count()},
        "queue_jobs": {(name,): queue.entries for name, queue in queues.items()},
        "queue_due_jobs": {(name,): queue.due for name, queue in queues.items()},
        "queue_due_seconds": {(name,): queue.overdue_s for name, queue in queues.items()},
        "queue_running_jobs": {(name,): queue.running for name, queue in queues.items()},
        "queue_slots": {(name,): queue.slots for name, queue in queues.items()},
        "workers": {(name,): len(queue.workers) for name, queue in queues.items()},
        "provider_breaker": {
            (bounded("provider", name), state): float(provider["breaker"] == state)
            for name, provider in providers.items()
            for state in get_args(State)
        },
        "provider_paused_seconds": {(bounded("provider", name),): p["paused_s"] for name, p in providers.items()},
        "provider_window": {
            (bounded("provider", name),): math.inf if p["window"] is None else p["window"]
            for name, p in providers.items()
        },
        "redis_memory_bytes": {(): memory.get("used_memory", 0)},
        "redis_max_memory_bytes": {(): memory.get("maxmemory", 0)},
        "redis_clients": {(): clients.get("connected_clients", 0)},
        "redis_max_clients": {(): clients.get("maxclients", 0)},
        **_usage(await store.spending.counts()),
    }


def _usage(counts: Iterable[ServiceCount]) -> dict[str, dict[Labels, float]]:
    """Sort the service's usage of APIs by metric."""
    samples: Samples = defaultdict(Counter)
    for count in counts:
        labels = (bounded("provider", count.provider), count.model)
        if count.name.startswith(LEARNT):
            samples["llm_lacks"][*labels, count.name.removeprefix(LEARNT)] += count.total
        elif count.name == COST:
            samples["llm_cost"][labels] += count.total / MICRO  # type: ignore[assignment]
        elif count.name == _CALLS:
            samples["llm_requests"][*labels, "answered"] += count.total
        elif count.name == _FAILED:
            samples["llm_requests"][*labels, "failed"] += count.total
            samples["llm_requests"][*labels, "answered"] -= count.total
        elif count.name.endswith(_TOKENS) and count.name != _ALL_TOKENS:
            samples["llm_tokens"][*labels, count.name.removesuffix(_TOKENS)] += count.total
    return {name: dict(values) for name, values in samples.items()}
