"""The whole service with an LLM, which is a real server that answers well or fails in named ways."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from redis import Redis

from tests.peers import llm as peer
from tests.peers.llm import LLM, Reply
from tests.service import ANSWERING, Service, started

TEXT = "japanese cars with at least 30 mpg"
ANSWER = {
    "conditions": [
        {"field": "Origin", "op": "=", "value": "Japan", "quote": "japanese", "group": 0, "confidence": 0.99},
        {
            "field": "Miles_per_Gallon",
            "op": ">=",
            "value": 31,
            "quote": "at least 30 mpg",
            "group": 0,
            "confidence": 0.9,
        },
    ],
    "sort": [{"field": "Year", "direction": "desc"}],
    "limit": 7,
    "text": "",
    "ignored": [],
    "clarification": None,
}
WRONG_FIELD = json.loads(json.dumps(ANSWER).replace("Origin", "Nationality"))


@pytest.fixture(scope="module")
def service(llm: LLM, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    environment = {
        "OPENAI_BASE_URL": llm.url,
        "OPENAI_API_KEY": "sk-canary",
        "LLM_MODEL": "test",
        "LLM_TIMEOUT_S": "2",
    }
    with started(tmp_path_factory.mktemp("llm"), **environment) as service:
        yield service


@pytest.fixture(scope="module")
def hasty(llm: LLM, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that tries each stage once."""
    environment = {
        **{"OPENAI_BASE_URL": llm.url, "LLM_MODEL": "test", "LLM_TIMEOUT_S": "2"},
        **{"MAX_ATTEMPTS": "1", "MAX_PUT_OFF_S": "0"},
    }
    with started(tmp_path_factory.mktemp("hasty"), *ANSWERING, **environment) as service:
        yield service


def test_a_good_answer_is_the_result(llm: LLM, service: Service) -> None:
    llm.script(peer.good(ANSWER))
    result = service.result(service.submit(TEXT))
    assert (result["provider"], result["model"], result["degraded"]) == ("openai", "test-1", False)
    assert result["usage"]["total_tokens"] == 15
    assert [(c["field"], c["value"], c["source"]) for c in result["conditions"]] == [
        ("Origin", "Japan", "llm"),
        ("Miles_per_Gallon", 31, "llm"),
    ]
    assert (result["limit"], result["sort"]) == (7, [{"field": "Year", "direction": "desc"}])
    assert [c["value"] for c in result["draft"]["conditions"]] == ["Japan", 30]
    assert llm.requests[0]["model"] == "test"
    assert TEXT in llm.requests[0]["messages"][-1]["content"]


@pytest.mark.parametrize("first", [peer.malformed, peer.good(WRONG_FIELD)], ids=["malformed", "wrong field"])
def test_a_faulty_answer_is_repaired_once(llm: LLM, service: Service, first: Reply) -> None:
    llm.script(first, peer.good(ANSWER))
    result = service.result(service.submit(TEXT))
    assert (result["provider"], result["degraded"]) == ("openai", False)
    assert [message["role"] for message in llm.requests[1]["messages"][-2:]] == ["assistant", "user"]


def test_the_llm_goes_on_from_an_earlier_job(llm: LLM, service: Service) -> None:
    llm.script(peer.good(ANSWER))
    first = service.submit(TEXT)
    service.result(first)
    origin = {"field": "Origin", "op": "=", "value": "Japan", "quote": "japanese", "group": 0, "confidence": 0.99}
    lighter = {"field": "Weight_in_lbs", "op": "<", "value": 2000, "quote": "under 2000 lbs", "confidence": 0.9}
    llm.script(peer.good({**ANSWER, "conditions": [origin, lighter]}))
    result = service.result(service.submit("under 2000 lbs", refines=first))
    assert [(c["quote"], c["said_in"]) for c in result["conditions"]] == [
        ("japanese", first),
        ("under 2000 lbs", None),
    ]
    asked = json.loads(llm.requests[-1]["messages"][-1]["content"])
    assert asked["earlier"]["conditions"][1]["value"] == 31  # as the LLM had it, not the draft
    difference = result["refines"]["difference"]
    assert [one["field"] for one in difference["removed"]] == ["Miles_per_Gallon"]
    assert [one["field"] for one in difference["added"]] == ["Weight_in_lbs"]


def test_what_may_pass_is_tried_again(llm: LLM, service: Service) -> None:
    llm.script(peer.rate_limited, peer.server_error, peer.good(ANSWER))
    result = service.result(service.submit(TEXT))
    assert (result["provider"], result["degraded"], len(llm.requests)) == ("openai", False, 3)


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (peer.malformed, "InvalidAnswer"),
        (peer.server_error, "ProviderUnavailable"),
        (peer.slow, "ProviderTimeout"),
        (peer.unauthorized, "ProviderRejected"),
        (peer.refusal, "AnswerRefused"),
        (peer.truncated, "AnswerTruncated"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_draft_stands_when_the_llm_fails(llm: LLM, service: Service, reply: Reply, reason: str) -> None:
    llm.script(reply)
    result = service.result(service.submit(TEXT))
    assert (result["degraded"], result["degraded_reason"]) == (True, reason)
    assert (result["provider"], result["model"]) == ("builtin", None)
    assert [c["value"] for c in result["conditions"]] == ["Japan", 30]


QUOTE = "organisation org-4711 has used up its quota"


def quoting(status: int) -> Reply:
    return Reply(status, headers={"retry-after": "0"}, body=json.dumps({"error": {"message": QUOTE}}).encode())


@pytest.mark.parametrize(
    ("reply", "detail"),
    [
        (quoting(402), "The LLM's API rejected the request (status 402)."),
        (quoting(429), "The LLM's API is overloaded or out of reach (status 429)."),
        (Reply(content=QUOTE), "The model's answer does not have the form that was asked for."),
        (Reply(refusal=QUOTE), "The model declined to answer."),
        (peer.truncated, "The model's answer was cut at the token limit."),
        (peer.slow, "The LLM did not answer in time."),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_owner_of_a_job_is_told_nothing_of_what_the_provider_says(
    llm: LLM, hasty: Service, reply: Reply, detail: str
) -> None:
    llm.script(reply)
    job_id = hasty.submit(TEXT, strategy="llm")
    events = hasty.client.get(f"/v1/jobs/{job_id}/events", timeout=60).text
    job = hasty.client.get(f"/v1/jobs/{job_id}").json()
    assert (job["status"], job["error"]["detail"]) == ("failed", detail)
    shown = [line for line in events.splitlines() if "job.delta" not in line]  # what the model writes is the owner's
    assert QUOTE not in "".join(shown)
    assert reply.body is None or any(QUOTE in line for line in hasty.log_lines("llm"))


def test_a_scope_is_added_after_the_llm_which_never_sees_it(llm: LLM, service: Service) -> None:
    llm.script(peer.good(ANSWER))
    scope = {"op": "=", "args": [{"property": "Cylinders"}, 8]}
    result = service.result(service.submit(TEXT, scope=scope))
    assert result["filter"]["args"][0] == scope
    assert not any("Cylinders = 8" in str(message) for message in llm.requests[0]["messages"])


def test_nobody_asks_the_llm_when_the_submitter_does_not_want_it(llm: LLM, service: Service) -> None:
    llm.script(peer.good(ANSWER))
    result = service.result(service.submit(TEXT, strategy="builtin"))
    assert (result["provider"], result["degraded"], llm.requests) == ("builtin", False, [])


def test_the_key_is_in_no_log_and_not_in_redis(llm: LLM, service: Service) -> None:
    llm.script(peer.unauthorized)
    service.result(service.submit(TEXT))
    for name in service.processes:
        assert not any("sk-canary" in line for line in service.log_lines(name))
    redis: Any = Redis.from_url(service.environment["REDIS_URL"])
    with redis:
        kept = [_content(redis, key) for key in redis.scan_iter()]
    assert any("japanese cars" in content for content in kept)
    assert not any("sk-canary" in content for content in kept)


def _content(redis: Any, key: bytes) -> str:
    """Everything in a key, of whatever type."""
    match redis.type(key):
        case b"zset":
            return str(redis.zrange(key, 0, -1))
        case b"list":
            return str(redis.lrange(key, 0, -1))
        case b"hash":
            return str(redis.hgetall(key))
        case b"stream":
            return str(redis.xrange(key))
    return str(redis.get(key))
