"""The whole service with a chain of providers and an embedding API: who answers, what it took, and who may go on."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from redis import Redis

from tests.peers import embeddings, wires
from tests.peers.wires import ANTHROPIC, CHAT, Peer, sent
from tests.service import ANSWERING, ROOT, Service, started

TEXT = "japanese cars"
CONDITION = {"field": "Origin", "op": "=", "value": "Japan", "quote": "japanese", "confidence": 1}
ANSWER = json.dumps({"conditions": [CONDITION]})
FAULTY = json.dumps({"conditions": [{**CONDITION, "field": "Nationality"}]})
# What the peers report for an answer, at the prices below, in millionths.
COST = {"openai": 93 * 1 + 1425 * 0.1 + 70 * 4, "anthropic": 93 * 2 + 1425 * 0.2 + 70 * 10}


@pytest.fixture(scope="module")
def first() -> Iterator[Peer]:
    with wires.running(CHAT.path) as peer:
        yield peer


@pytest.fixture(scope="module")
def second() -> Iterator[Peer]:
    with wires.running(ANTHROPIC.path) as peer:
        yield peer


@pytest.fixture(scope="module")
def embedding() -> Iterator[Peer]:
    def rule(request: dict[str, Any]) -> wires.Sent:
        vectors = [[1.0 + len(text), float(sum(text.encode()) % 97), 1.0] for text in request["input"]]
        return embeddings.OLLAMA.good(vectors, len(request["input"]))

    with wires.running(embeddings.OLLAMA.path) as peer:
        peer.rule = rule
        yield peer


@pytest.fixture(scope="module")
def service(first: Peer, second: Peer, embedding: Peer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    environment = {
        "LLM_PROVIDER": "openai:gpt-test,anthropic:claude-test",
        "OPENAI_BASE_URL": first.url,
        "ANTHROPIC_BASE_URL": second.url,
        "LLM_PRICES": "gpt-*=1/4/0.1, claude-*=2/10/0.2, embed=5",
        "LLM_TIMEOUT_S": "5",
        "MAX_DAILY_COST": "0.003",
        "LOG_LLM_ANSWERS": "true",
        "EMBEDDING_PROVIDER": "ollama",
        "EMBEDDING_MODEL": "embed",
        "OLLAMA_BASE_URL": embedding.url,
        "MAX_ATTEMPTS": "1",
    }
    with started(tmp_path_factory.mktemp("usage"), *ANSWERING, **environment) as service:
        yield service


@pytest.fixture(autouse=True)
def answering(first: Peer, second: Peer) -> None:
    first.script(CHAT.streamed(ANSWER))
    second.script(ANTHROPIC.streamed(ANSWER))


def test_the_usage_of_a_job_is_that_of_all_its_calls(service: Service, first: Peer, embedding: Peer) -> None:
    embedding.requests.clear()
    first.script(CHAT.streamed(FAULTY), CHAT.streamed(ANSWER))
    result = service.result(service.submit(f"{TEXT} with engine muscle over 100"))
    usage = result["usage"]
    assert (result["provider"], result["model"], result["degraded"]) == ("openai", "test-1", False)
    assert (len(first.requests), len(embedding.requests)) == (2, 3)  # The dimensions, the index and the phrases.
    assert (usage["calls"], usage.get("failed_calls")) == (5, None)
    assert usage["embedding_tokens"] == sum(len(request["input"]) for request in embedding.requests)
    assert {name: usage[name] for name in CHAT.counts if name != "total_tokens"} == {
        name: 2 * count for name, count in CHAT.counts.items() if name != "total_tokens"
    }
    assert usage["cost"] == pytest.approx((2 * round(COST["openai"]) + 5 * usage["embedding_tokens"]) / 1e6, abs=2e-6)


def test_the_next_provider_answers_for_one_that_fails(service: Service, first: Peer) -> None:
    first.script(sent(401, {"error": {"message": "no"}}))
    result = service.result(service.submit(TEXT))
    assert (result["provider"], result["usage"]["calls"], result["usage"]["failed_calls"]) == ("anthropic", 2, 1)
    assert result["usage"]["cost"] == pytest.approx(round(COST["anthropic"]) / 1e6)


def test_a_job_that_ends_with_its_draft_has_paid_for_the_answer(service: Service, first: Peer) -> None:
    first.script(CHAT.streamed(ANSWER, "length"))
    result = service.result(service.submit(TEXT))
    assert (result["provider"], result["degraded_reason"]) == ("builtin", "AnswerTruncated")
    assert result["usage"]["cost"] == pytest.approx(round(COST["openai"]) / 1e6)


def test_a_request_may_name_a_provider(service: Service, first: Peer, second: Peer) -> None:
    result = service.result(service.submit(TEXT, provider="anthropic"))
    assert result["provider"] == "anthropic"
    assert first.requests == []
    body = {"catalog": "cars", "text": TEXT, "provider": "ollama"}
    response = service.client.post("/v1/jobs", json=body)
    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (422, "/provider")


def test_the_operator_sees_answers_as_they_came(service: Service) -> None:
    job_id = service.submit(TEXT)
    service.result(job_id)
    lines = [json.loads(line) for line in service.log_lines("llm") if job_id in line]
    assert [line["answer"] for line in lines if "answer" in line] == [ANSWER]


def test_metrics_show_what_providers_took_and_models_lack(service: Service, first: Peer) -> None:
    def rule(request: dict[str, Any]) -> wires.Sent:
        if "temperature" in request:
            return sent(400, {"error": {"message": TEXT, "param": "temperature", "code": "unsupported_value"}})
        return CHAT.streamed(ANSWER)

    first.rule = rule
    fields = [{"name": "Origin", "type": "keyword", "values": ["Japan"]}]
    assert service.result(service.submit(TEXT, catalog={"name": "origins", "fields": fields}))["provider"] == "openai"
    text = service.client.get("/metrics").text
    assert 'nlp2filters_llm_lacks_total{feature="temperature",model="gpt-test",provider="openai"} 1.0' in text
    assert 'nlp2filters_llm_tokens_total{model="gpt-test",provider="openai",type="reasoning"}' in text
    assert 'nlp2filters_llm_cost_total{model="gpt-test",provider="openai"} 0.' in text
    assert 'nlp2filters_llm_tokens_total{model="embed",provider="ollama",type="embedding"}' in text


def keys(service: Service, *words: str) -> Any:
    run = subprocess.run(
        [sys.executable, "-m", "nlp2filters", "keys", *words, "--json"],
        cwd=ROOT, env=service.environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return json.loads(run.stdout)


def test_an_api_key_that_has_cost_enough_today_gets_no_more_answers(service: Service, first: Peer) -> None:
    key = keys(service, "create", "anna")
    headers = {"Authorization": f"Bearer {key['key']}"}
    with httpx.Client(base_url=service.url, headers=headers, timeout=30, trust_env=False) as client:

        def submit(**options: Any) -> httpx.Response:
            body = {"catalog": "cars", "text": TEXT, **options}
            return client.post("/v1/jobs", json=body, headers={"Prefer": "wait=20"})

        costs = []
        while (response := submit()).status_code == 200:
            costs.append(response.json()["result"]["usage"]["cost"])
            assert len(costs) < 20
        problem = response.json()
        assert (response.status_code, problem["type"]) == (429, "/problems/daily-cost-reached")
        assert 0 < int(response.headers["retry-after"]) <= 86_400
        assert sum(costs) >= 0.003 > sum(costs[:-1])
        before = len(client.get("/v1/jobs").json()["jobs"])
        batch = {"requests": [{"custom_id": "1", "catalog": "cars", "text": TEXT}]}
        assert client.post("/v1/batches", json=batch).status_code == 429
        assert len(client.get("/v1/jobs").json()["jobs"]) == before == len(costs)
        assert submit(strategy="builtin").json()["result"]["provider"] == "builtin"
    (today,) = keys(service, "usage", key["id"])
    assert today["cost"] == pytest.approx(sum(costs))
    assert today["calls"] == len(first.requests) == len(costs)


def test_usage_in_redis_expires(service: Service) -> None:
    redis: Any = Redis.from_url(service.environment["REDIS_URL"])
    with redis:
        names = list(redis.scan_iter("n2f:usage-of-*"))
        assert names
        assert all(redis.ttl(name) > 0 for name in names)
