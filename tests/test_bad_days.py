"""The whole service, with two llm workers, while the LLM's provider limits the rate of calls or is out of service."""

import json
import shlex
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from redis import Redis

from tests.peers import limited
from tests.peers.limited import Server, refusal, refusing_for
from tests.service import ANSWERING, Service, started
from tests.test_llm_service import ANSWER, TEXT

JOBS = 60


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with limited.running() as server:
        server.content = json.dumps(ANSWER)
        yield server


@pytest.fixture(scope="module")
def service(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    environment = {
        **{"OPENAI_BASE_URL": server.url, "LLM_MODEL": "test", "LLM_CONCURRENCY": "40"},
        "EMBEDDING_THREADS": "2",
    }
    with started(tmp_path_factory.mktemp("bad-days"), *ANSWERING, **environment) as service:
        service.start_command("llm-2", shlex.join([sys.executable, "-m", "nlp2filters", "worker", "llm"]))
        yield service


def submit(service: Service, count: int, **options: Any) -> list[str]:
    return [service.submit(f"{TEXT} {number}", **options) for number in range(count)]


def job(service: Service, job_id: str) -> dict[str, Any]:
    answer: dict[str, Any] = service.client.get(f"/v1/jobs/{job_id}").json()
    return answer


def events(service: Service, job_id: str) -> list[dict[str, Any]]:
    """All events of a job that has ended."""
    redis: Any = Redis.from_url(service.environment["REDIS_URL"])
    with redis:
        return [json.loads(fields[b"data"]) for _, fields in redis.xrange(f"n2f:events:{job_id}")]


def provider(service: Service) -> dict[str, Any]:
    """The provider's state, as `/readyz` shows it."""
    states = service.client.get("/readyz").json()["providers"]
    state: dict[str, Any] = states["openai:test"]
    return state


def test_a_rate_limit_costs_no_answer_and_no_attempt(server: Server, service: Service) -> None:
    server.begin(refusing_for(5))
    ids = submit(service, JOBS)
    results = [service.result(job_id) for job_id in ids]
    assert [(result["provider"], result["degraded_reason"]) for result in results] == JOBS * [("openai", None)]
    assert server.requests <= 2.2 * JOBS
    assert all(job(service, job_id)["stages"]["llm"]["attempt"] == 1 for job_id in ids)
    waits = [
        event["detail"]
        for event in events(service, ids[0])
        if event["type"] == "job.progress" and event["step"] == "waiting"
    ]
    assert waits
    assert all("has reached its limit of calls: going on in" in detail for detail in waits)
    assert provider(service)["breaker"] == "closed"


def test_broken_streams_cost_few_answers_and_no_job(server: Server, service: Service) -> None:
    """Every second stream breaks off in the middle, so one job in eight has three bad tries, and gets its draft."""
    server.begin(lambda *_: None, breaks=2)
    results = [service.result(job_id) for job_id in submit(service, JOBS)]
    assert all("Japan" in [c["value"] for c in result["conditions"]] for result in results)
    assert {result["degraded_reason"] for result in results if result["degraded"]} <= {"ProviderUnavailable"}
    assert sum(result["provider"] == "openai" for result in results) >= 0.6 * JOBS


def test_what_is_put_off_too_long_ends_with_the_draft_or_fails(server: Server, service: Service) -> None:
    server.begin(lambda *_: refusal(3_600))
    with_draft, without = service.submit(TEXT), service.submit(TEXT, strategy="llm")
    result = service.result(with_draft)
    assert (result["provider"], result["degraded"], result["degraded_reason"]) == ("builtin", True, "RateLimited")
    assert [c["value"] for c in result["conditions"]] == ["Japan", 30]
    failed = service.ended(without)
    assert failed["error"]["type"].endswith("llm-unavailable")
    assert failed["stages"]["llm"]["attempt"] == 1
    assert server.requests <= 4  # every worker may have asked once, or heard of it from the other
    assert provider(service)["paused_s"] > 3_000
    metrics = service.client.get("/metrics").text
    assert 'nlp2filters_provider_paused_seconds{provider="openai:test"}' in metrics
    assert 'nlp2filters_provider_breaker{provider="openai:test",state="closed"} 1.0' in metrics
