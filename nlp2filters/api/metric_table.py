"""The table of all metrics: name, type, labels, and which processes report the same value.

The names follow https://prometheus.io/docs/practices/naming/. `tools/metrics_table.py` writes the page from the rows.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from nlp2filters.core import kinds
from nlp2filters.core.problems import PROBLEMS
from nlp2filters.llm.registry import PROVIDERS

PREFIX = "nlp2filters_"
# A label takes this value for everything that the tables of this version do not contain.
OTHER = "other"

Kind = Literal["counter", "gauge", "histogram"]
# Each web process counts its own requests; but whatever is kept in Redis, every web process reports the same.
Scope = Literal["process", "service"]


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric; `name` is without the prefix, and for counters without `_total`."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    scope: Scope = "service"

    @property
    def full_name(self) -> str:
        """The name by which Prometheus knows it."""
        return f"{PREFIX}{self.name}{'_total' if self.kind == 'counter' else ''}"


# What the labels may be, where that is a table of ours.
BOUNDS: Mapping[str, Callable[[], Collection[str]]] = {
    "kind": lambda: kinds.KINDS,
    "queue": kinds.queues,
    "stage": kinds.queues,
    "problem": lambda: PROBLEMS,
    "provider": lambda: PROVIDERS,
}

PROCESS = (
    Metric("build_info", "gauge", "1, with the version of this process.", ("version",), "process"),
    Metric("http_requests", "counter", "Answers of this process.", ("method", "route", "status"), "process"),
    Metric("http_request_seconds", "histogram", "Time to the first byte of an answer.", ("route",), "process"),
    Metric("http_connections", "gauge", "Open connections of this process.", (), "process"),
    Metric(
        "http_connections_closed",
        "counter",
        "Connections that this process closed or refused: they were late, too large, or too many.",
        ("reason",),
        "process",
    ),
    Metric("streams", "gauge", "Open streams of this process.", (), "process"),
    Metric("redis_ping_seconds", "gauge", "Time that Redis took to answer this process just now.", (), "process"),
)
# Metrics whose values are shared counts of the same name: see `core/counts.py`.
COUNTED = (
    Metric("jobs_created", "counter", "Jobs created.", ("kind",)),
    Metric("jobs_ended", "counter", "Jobs that have ended, by outcome.", ("kind", "outcome")),
    Metric("jobs_degraded", "counter", "Jobs for which the LLM gave nothing usable: the parser answered.", ("kind",)),
    Metric("job_failures", "counter", "Jobs that ended with a problem.", ("kind", "problem")),
    Metric("jobs_dead_lettered", "counter", "Jobs that failed for good after all attempts.", ("kind",)),
    Metric("job_duration", "histogram", "Time from the acceptance of a job to its end.", ("kind",)),
    Metric("stage_attempts", "counter", "Attempts of a stage that have ended, by outcome.", ("stage", "outcome")),
    Metric("stage_wait", "histogram", "Time that a job was due before an attempt of the stage began.", ("stage",)),
    Metric("stage_run", "histogram", "Time that an attempt of the stage took.", ("stage",)),
    Metric("llm_calls", "counter", "Calls of LLM, embedding and speech APIs, with all retries, by outcome.",
           ("operation", "provider", "outcome")),
    Metric("llm_call", "histogram", "Time that such a call took.", ("operation", "provider")),
    Metric("webhook_attempts", "counter", "Attempts to deliver a webhook, by outcome.", ("outcome",)),
    Metric("webhook_call", "histogram", "Time that a receiver took to answer.", ()),
)  # fmt: skip
STATE = (
    Metric("rescued", "counter", "Jobs, parts and deliveries that had lost their queue entry. Each is a fault."),
    Metric("unfinished", "gauge", "Jobs, parts and deliveries that have not ended."),
    Metric("queue_jobs", "gauge", "Entries of a queue: waiting, running, and due later.", ("queue",)),
    Metric("queue_due_jobs", "gauge", "Entries of a queue that are due and that no worker has.", ("queue",)),
    Metric("queue_due_seconds", "gauge", "How long the first entry has been due.", ("queue",)),
    Metric("queue_running_jobs", "gauge", "Entries that the workers of a queue run.", ("queue",)),
    Metric("queue_slots", "gauge", "Entries that the workers of a queue could run at once.", ("queue",)),
    Metric("workers", "gauge", "Workers alive.", ("queue",)),
    Metric("parts", "gauge", "Parts of jobs that have not ended.", ("queue", "state")),
    Metric("parts_ended", "counter", "Parts of jobs that have ended, with each outcome.", ("queue", "outcome")),
    Metric("part_seconds", "counter", "Time that the last attempts at the ended parts took.", ("queue",)),
    Metric("llm_tokens", "counter", "Tokens that LLM, embedding and speech APIs have counted.",
           ("provider", "model", "type")),
    Metric("llm_requests", "counter", "HTTP requests to LLM, embedding and speech APIs.",
           ("provider", "model", "outcome")),
    Metric("llm_cost", "counter", "Cost of LLM, embedding and speech APIs, in the currency of LLM_PRICES.",
           ("provider", "model")),
    Metric("llm_lacks", "counter", "How often a model turned out to lack a feature, for one schema and some minutes.",
           ("provider", "model", "feature")),
    Metric("provider_breaker", "gauge", "1 for the present state of a provider's circuit breaker.",
           ("provider", "state")),
    Metric("provider_paused_seconds", "gauge", "How long a provider is not called for its limit of the rate.",
           ("provider",)),
    Metric("provider_window", "gauge", "How many calls of a provider are made at once; +Inf without a limit.",
           ("provider",)),
    Metric("redis_memory_bytes", "gauge", "Memory that Redis uses."),
    Metric("redis_max_memory_bytes", "gauge", "Limit of Redis's memory; 0 without one."),
    Metric("redis_clients", "gauge", "Connections that Redis has."),
    Metric("redis_max_clients", "gauge", "The most connections that Redis accepts; 0 if it does not tell."),
)  # fmt: skip


def _in_seconds(metric: Metric) -> Metric:
    """Return the metric under the name that Prometheus sees: durations are kept in ms and reported in seconds."""
    if metric.kind != "histogram" or metric.name.endswith("_seconds"):
        return metric
    return Metric(f"{metric.name}_seconds", metric.kind, metric.help, metric.labels, metric.scope)


METRICS = (*PROCESS, *map(_in_seconds, COUNTED), *STATE)


def bounded(label: str, value: str) -> str:
    """Return the value, or `other` if it is outside of the label's table."""
    return value if label not in BOUNDS or value.partition(":")[0] in BOUNDS[label]() else OTHER
