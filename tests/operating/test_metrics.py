"""Metrics: what an operator learns of the whole service, from whichever web process is asked."""

import time
from collections.abc import Callable

import httpx
from prometheus_client.parser import text_string_to_metric_families

from nlp2filters.api.metric_table import METRICS
from tests.operating.conftest import ANSWER, Operated
from tests.peers import llm as llms
from tests.peers import webhook as webhooks
from tools import metrics_table

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def samples(text: str) -> Samples:
    families = text_string_to_metric_families(text)
    return {
        (sample.name.removeprefix("nlp2filters_"), frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def value(metrics: Samples, name: str, **labels: str) -> float:
    return metrics.get((name, frozenset(labels.items())), 0.0)


def until(operated: Operated, condition: Callable[[Samples], bool]) -> Samples:
    """The metrics as soon as the workers' heartbeats have made the condition true."""
    deadline = time.monotonic() + 20
    while not condition(metrics := samples(operated.metrics())):
        assert time.monotonic() < deadline, metrics
        time.sleep(0.1)
    return metrics


def test_jobs_stages_calls_and_webhooks_are_counted_once(operated: Operated) -> None:
    before = samples(operated.metrics())
    operated.receiver.script(webhooks.ok)
    jobs = [operated.service.submit(f"japanese cars {n}", webhook={"url": operated.receiver.url}) for n in range(3)]
    assert [operated.service.ended(job)["status"] for job in jobs] == ["succeeded"] * 3
    for _ in jobs:
        operated.receiver.next()

    def difference(metrics: Samples, name: str, **labels: str) -> float:
        return value(metrics, name, **labels) - value(before, name, **labels)

    after = until(
        operated,
        lambda m: (
            difference(m, "webhook_attempts_total", outcome="delivered") == 3
            and difference(m, "llm_calls_total", operation="chat", provider="openai", outcome="answered") == 3
        ),
    )
    for name, labels in (
        ("jobs_created_total", {"kind": "filters"}),
        ("jobs_ended_total", {"kind": "filters", "outcome": "succeeded"}),
        ("job_duration_seconds_count", {"kind": "filters"}),
        ("stage_attempts_total", {"stage": "embedding", "outcome": "succeeded"}),
        ("stage_attempts_total", {"stage": "llm", "outcome": "succeeded"}),
        ("stage_wait_seconds_count", {"stage": "embedding"}),
        ("stage_run_seconds_count", {"stage": "llm"}),
        ("stage_run_seconds_bucket", {"stage": "llm", "le": "+Inf"}),
        ("llm_call_seconds_count", {"operation": "chat", "provider": "openai"}),
        ("llm_requests_total", {"provider": "openai", "model": "gpt-test", "outcome": "answered"}),
        ("webhook_call_seconds_count", {}),
    ):
        assert difference(after, name, **labels) == 3, (name, labels)
    assert value(after, "redis_memory_bytes") > 1e6
    assert value(after, "workers", queue="llm") == 1
    assert value(after, "queue_slots", queue="llm") > 1


def test_every_web_process_reports_the_same_of_the_service(operated: Operated) -> None:
    operated.service.ended(operated.service.submit("japanese cars"))
    shared = {metric.full_name for metric in METRICS if metric.scope == "service" and metric.kind != "gauge"}
    until(operated, lambda m: value(m, "llm_calls_total", operation="chat", provider="openai", outcome="answered") > 0)
    reports = []
    for _ in range(50):  # a heartbeat may come between the two
        reports = [
            {key: value for key, value in samples(operated.metrics(other=other)).items() if _of(key[0]) in shared}
            for other in (False, True)
        ]
        if reports[0] == reports[1]:
            break
    assert reports[0] == reports[1]
    assert reports[0]


def _of(sample: str) -> str:
    for end in ("_bucket", "_sum", "_count"):
        sample = sample.removesuffix(end)
    return f"nlp2filters_{sample}"


def test_a_failing_llm_shows_as_a_degraded_job(operated: Operated) -> None:
    before = samples(operated.metrics())
    operated.llm.script(llms.unauthorized)
    try:
        operated.service.ended(operated.service.submit("japanese cars since 1980"))
    finally:
        operated.llm.script(llms.good(ANSWER))
    until(
        operated,
        lambda m: (
            value(m, "jobs_degraded_total", kind="filters") == value(before, "jobs_degraded_total", kind="filters") + 1
            and value(m, "llm_calls_total", operation="chat", provider="openai", outcome="rejected") > 0
        ),
    )


def test_a_canceled_job_and_its_attempt_are_counted_once(operated: Operated) -> None:
    before = samples(operated.metrics())
    operated.llm.script(llms.slow)
    try:
        job = operated.service.submit("japanese cars that are slow")
        until(operated, lambda m: value(m, "queue_running_jobs", queue="llm") == 1)
        httpx.post(f"{operated.service.url}/v1/jobs/{job}/cancel", trust_env=False).raise_for_status()
        assert operated.service.ended(job)["status"] == "canceled"
    finally:
        operated.llm.script(llms.good(ANSWER))
    after = samples(operated.metrics())
    for name, labels in (
        ("jobs_ended_total", {"kind": "filters", "outcome": "canceled"}),
        ("stage_attempts_total", {"stage": "llm", "outcome": "canceled"}),
    ):
        assert value(after, name, **labels) == value(before, name, **labels) + 1, name
    until(operated, lambda m: value(m, "queue_running_jobs", queue="llm") == 0)


def test_all_metrics_are_in_the_table_and_the_other_way_round(operated: Operated) -> None:
    types = {
        family.name: (family.type, family.documentation)
        for family in text_string_to_metric_families(operated.metrics())
    }
    assert types == {metric.full_name.removesuffix("_total"): (metric.kind, metric.help) for metric in METRICS}
    for name, labels in samples(operated.metrics()):
        row = next(metric for metric in METRICS if metric.full_name == _of(name) or _of(f"{name}") == metric.full_name)
        assert {label for label, _ in labels} - {"le"} == set(row.labels), name


def test_the_table_of_the_docs_is_that_of_the_code() -> None:
    page = metrics_table.PAGE.read_text("utf-8")
    assert metrics_table.with_table(page) == page, "run: python -m tools.metrics_table"
