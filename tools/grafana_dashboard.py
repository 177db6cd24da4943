"""Write the Grafana dashboard in deploy/grafana/ from its table of panels."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

FILE = Path(__file__).parent.parent / "deploy" / "grafana" / "nlp2filters.json"
COLUMNS, WIDTH, HEIGHT = 3, 8, 7
SOURCE = {"type": "prometheus", "uid": "${source}"}


@dataclass(frozen=True, slots=True)
class Panel:
    """A graph of queries in PromQL, each with the legend of its lines; `unit` is one of Grafana's."""

    title: str
    unit: str
    queries: Sequence[tuple[str, str]]


def _rate(metric: str, labels: str) -> tuple[str, str]:
    """Return the rate of a counter that every web process reports alike, and a legend of its labels."""
    legend = " ".join(f"{{{{{label.strip()}}}}}" for label in labels.split(","))
    return f"max by ({labels}) (rate(nlp2filters_{metric}[$__rate_interval]))", legend


def _quantile(metric: str, label: str) -> list[tuple[str, str]]:
    buckets = f"max by (le, {label}) (rate(nlp2filters_{metric}_bucket[$__rate_interval]))"
    return [(f"histogram_quantile({share / 100}, {buckets})", f"{{{{{label}}}}} p{share}") for share in (50, 95)]


def _latest(metric: str, label: str) -> tuple[str, str]:
    return f"max by ({label}) (nlp2filters_{metric})", f"{{{{{label}}}}}"


PANELS = (
    Panel("Jobs ended", "ops", [_rate("jobs_ended_total", "kind, outcome")]),
    Panel("Time to the end of a job", "s", _quantile("job_duration_seconds", "kind")),
    Panel("Share of degraded and of failed jobs", "percentunit", [
        ("sum(max by (kind) (rate(nlp2filters_jobs_degraded_total[$__rate_interval]))) / "
         'sum(max by (kind) (rate(nlp2filters_jobs_ended_total{outcome="succeeded"}[$__rate_interval])))', "degraded"),
        ('sum(max by (kind) (rate(nlp2filters_jobs_ended_total{outcome="failed"}[$__rate_interval]))) / '
         "sum(max by (kind, outcome) (rate(nlp2filters_jobs_ended_total[$__rate_interval])))", "failed"),
    ]),
    Panel("Entries of the queues", "short", [_latest("queue_jobs", "queue")]),
    Panel("How late the queues are", "s", [_latest("queue_due_seconds", "queue")]),
    Panel("Running, of the slots", "percentunit", [
        ("max by (queue) (nlp2filters_queue_running_jobs) / max by (queue) (nlp2filters_queue_slots)", "{{queue}}")]),
    Panel("Workers", "short", [_latest("workers", "queue")]),
    Panel("Wait for a worker", "s", _quantile("stage_wait_seconds", "stage")),
    Panel("Time of an attempt", "s", _quantile("stage_run_seconds", "stage")),
    Panel("Attempts by outcome", "ops", [_rate("stage_attempts_total", "stage, outcome")]),
    Panel("Parts by outcome", "ops", [_rate("parts_ended_total", "queue, outcome")]),
    Panel("Failures, dead letters, rescued", "ops", [
        _rate("job_failures_total", "kind, problem"),
        ("max by (kind) (rate(nlp2filters_jobs_dead_lettered_total[$__rate_interval]))", "dead letters: {{kind}}"),
        ("max(rate(nlp2filters_rescued_total[$__rate_interval]))", "rescued"),
    ]),
    Panel("LLM calls by outcome", "ops", [_rate("llm_calls_total", "operation, provider, outcome")]),
    Panel("Time of an LLM call", "s", _quantile("llm_call_seconds", "provider")),
    Panel("Tokens", "ops", [_rate("llm_tokens_total", "provider, model, type")]),
    Panel("Cost per hour", "short", [
        ("3600 * max by (provider, model) (rate(nlp2filters_llm_cost_total[$__rate_interval]))",
         "{{provider}} {{model}}")]),
    Panel("Open breakers, and pauses in s", "short", [
        ('max by (provider) (nlp2filters_provider_breaker{state="open"})', "{{provider}} open"),
        ("max by (provider) (nlp2filters_provider_paused_seconds)", "{{provider}} paused"),
    ]),
    Panel("Webhooks by outcome", "ops", [_rate("webhook_attempts_total", "outcome")]),
    Panel("Answers by status", "reqps", [
        ("sum by (status) (rate(nlp2filters_http_requests_total[$__rate_interval]))", "{{status}}")]),
    Panel("Time to the first byte", "s", [
        ("histogram_quantile(0.95, sum by (le) (rate(nlp2filters_http_request_seconds_bucket[$__rate_interval])))",
         "p95")]),
    Panel("Streams and connections", "short", [
        ("sum(nlp2filters_streams)", "streams"), ("sum(nlp2filters_http_connections)", "connections")]),
    Panel("Memory of Redis", "bytes", [
        ("max(nlp2filters_redis_memory_bytes)", "used"), ("max(nlp2filters_redis_max_memory_bytes) > 0", "limit")]),
    Panel("Redis answers in", "s", [("nlp2filters_redis_ping_seconds", "{{instance}}")]),
    Panel("Versions", "short", [("count by (version) (nlp2filters_build_info)", "{{version}}")]),
)  # fmt: skip


def dashboard() -> dict[str, Any]:
    """Return the dashboard in Grafana's format."""
    return {
        "uid": "nlp2filters",
        "title": "NLP2Filters",
        "tags": ["nlp2filters"],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "templating": {
            "list": [{"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus"}]
        },
        "annotations": {"list": []},
        "panels": [_panel(number, panel) for number, panel in enumerate(PANELS)],
    }


def _panel(number: int, panel: Panel) -> dict[str, Any]:
    row, column = divmod(number, COLUMNS)
    return {
        "id": number + 1,
        "type": "timeseries",
        "title": panel.title,
        "datasource": SOURCE,
        "gridPos": {"x": column * WIDTH, "y": row * HEIGHT, "w": WIDTH, "h": HEIGHT},
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}},
        "targets": [
            {"refId": chr(ord("A") + at), "datasource": SOURCE, "expr": query, "legendFormat": legend}
            for at, (query, legend) in enumerate(panel.queries)
        ],
    }


def content() -> bytes:
    """Return the file."""
    return orjson.dumps(dashboard(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


if __name__ == "__main__":
    FILE.write_bytes(content())
