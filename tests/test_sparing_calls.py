"""The whole service, where calls of the LLM are spared: answers are cached, and certain drafts stand."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.peers import llm as peer
from tests.peers.llm import LLM
from tests.service import ANSWERING, Service, started

CERTAIN = "japanese cars with at least 30 mpg"
# "Nimble" is a word that only an LLM could read.
DOUBTFUL = "nimble japanese cars with at least 30 mpg"


def answer(*more: dict[str, Any], text: str = DOUBTFUL) -> str:
    japan: dict[str, Any] = {
        "quote": "japanese",
        "field": "Origin",
        "op": "=",
        "value": "Japan",
        "group": 0,
        "confidence": 0.9,
    }
    assert japan["quote"] in text
    return json.dumps({"conditions": [japan, *more], "sort": [], "limit": None, "text": "", "ignored": []})


LIGHT = {"quote": "nimble", "field": "Weight_in_lbs", "op": "<", "value": 2500, "group": 0, "confidence": 0.8}
MILEAGE = {
    "quote": "at least 30 mpg",
    "field": "Miles_per_Gallon",
    "op": ">=",
    "value": 30,
    "group": 0,
    "confidence": 0.7,
}


@pytest.fixture(scope="module")
def service(llm: LLM, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    environment = {
        "OPENAI_BASE_URL": llm.url,
        "LLM_MODEL": "test",
        "LLM_TIMEOUT_S": "5",
        "LLM_CACHE_S": "600",
        "LLM_SKIP_CERTAIN": "true",
    }
    with started(tmp_path_factory.mktemp("sparing"), *ANSWERING, **environment) as service:
        yield service


def test_a_certain_draft_stands(llm: LLM, service: Service) -> None:
    llm.script(peer.good(answer()))
    result = service.result(service.submit(CERTAIN))
    assert (result["provider"], result["degraded"], result["usage"]) == ("builtin", False, None)
    assert result["llm"] == {"consulted": False, "cached": False, "disagreement": None}
    assert llm.requests == []


def test_the_strategy_llm_asks_even_so(llm: LLM, service: Service) -> None:
    llm.script(peer.good(answer(text=CERTAIN)))
    result = service.result(service.submit(CERTAIN, strategy="llm"))
    assert (result["provider"], result["llm"]["consulted"]) == ("openai", True)


def test_the_same_question_is_asked_once(llm: LLM, service: Service) -> None:
    llm.script(peer.good(answer(LIGHT, MILEAGE)))
    first, second = (service.result(service.submit(DOUBTFUL)) for _ in range(2))
    assert [result["llm"]["cached"] for result in (first, second)] == [False, True]
    assert second["conditions"] == first["conditions"]
    assert (second["provider"], second["model"], second["usage"]) == ("openai", "test-1", None)
    assert len(llm.requests) == 1


def test_what_comes_after_the_answer_does_not_matter_to_the_cache(llm: LLM, service: Service) -> None:
    llm.script(peer.good(answer(LIGHT, MILEAGE)))
    service.result(service.submit(DOUBTFUL))
    scope = {"op": "=", "args": [{"property": "Cylinders"}, 4]}
    result = service.result(service.submit(DOUBTFUL, scope=scope, dialects=["elasticsearch"]))
    assert result["llm"]["cached"]
    assert scope in result["filter"]["args"]
    assert list(result["dialects"]) == ["elasticsearch"]


def test_a_request_can_want_a_new_answer(llm: LLM, service: Service) -> None:
    llm.script(peer.good(answer(LIGHT, MILEAGE)))
    results = [service.result(service.submit(f"{DOUBTFUL}!", cache=False)) for _ in range(2)]
    assert [result["llm"]["cached"] for result in results] == [False, False]
    assert len(llm.requests) == 2
    service.result(service.submit(f"{DOUBTFUL}!"))
    assert len(llm.requests) == 3  # the answers were not kept either


def test_another_text_or_locale_or_day_is_another_question(llm: LLM, service: Service) -> None:
    llm.script(peer.good(answer(LIGHT)))
    text = f"{DOUBTFUL}, built this year"
    service.result(service.submit(text, now="1975-06-01"))
    for other in ({"now": "1976-06-01"}, {"timezone": "Asia/Tokyo"}, {"locale": "en-GB"}):
        result = service.result(service.submit(text, **{"now": "1975-06-01", **other}))
        assert not result["llm"]["cached"], other
    assert service.result(service.submit(text, now="1975-06-01"))["llm"]["cached"]


def test_a_text_without_relative_dates_is_not_cut_at_midnight(llm: LLM, service: Service) -> None:
    llm.script(peer.good(answer(LIGHT)))
    text = f"{DOUBTFUL}?"
    service.result(service.submit(text, now="2026-06-01T23:59"))
    assert service.result(service.submit(text, now="2026-06-02T00:01"))["llm"]["cached"]


def test_a_faulty_answer_is_not_cached_and_a_repaired_one_is(llm: LLM, service: Service) -> None:
    text = f"{DOUBTFUL}…"
    llm.script(peer.malformed)
    assert service.result(service.submit(text))["degraded"]
    llm.script(peer.malformed, peer.good(answer(LIGHT)))
    assert not service.result(service.submit(text))["degraded"]
    assert service.result(service.submit(text))["llm"]["cached"]
    assert len(llm.requests) == 2


def test_a_disagreement_is_shown_and_lowers_confidence(llm: LLM, service: Service) -> None:
    twenty = {**MILEAGE, "value": 20, "confidence": 0.9}
    llm.script(peer.good(answer(LIGHT, twenty)))
    result = service.result(service.submit(f"{DOUBTFUL} please"))
    confidence = {part["field"]: part["confidence"] for part in result["conditions"]}
    assert confidence["Origin"] > 0.9  # both say so
    assert confidence["Weight_in_lbs"] == 0.8
    assert confidence["Miles_per_Gallon"] < 0.6
    changed = result["llm"]["disagreement"]["changed"]
    assert [(pair["from"]["value"], pair["to"]["value"]) for pair in changed] == [(30, 20)]


def test_an_answer_to_a_question_needs_no_call(llm: LLM, service: Service) -> None:
    llm.script(peer.malformed)
    first = service.submit("over 200 hp, under 100 hp")
    choices = service.result(first)["clarification"]["choices"]
    llm.script(peer.good(answer()))
    settled = service.result(service.submit(choices[1], refines=first))
    assert [part["value"] for part in settled["conditions"]] == [100]
    assert (settled["llm"]["consulted"], llm.requests) == (False, [])


def test_of_thousands_of_values_the_llm_is_told_those_that_the_text_may_mean(llm: LLM, service: Service) -> None:
    names = [f"{word} {number}" for word in ("Alpha", "Bravo") for number in range(400)]
    stays = {"name": "stays", "fields": [{"name": "place", "type": "keyword", "closed": True, "values": names}]}
    place = {"quote": "brvo 399", "field": "place", "op": "=", "value": "Bravo 399", "group": 0, "confidence": 0.8}
    llm.script(peer.good({"conditions": [place]}))
    result = service.result(service.submit("a cosy room in brvo 399", catalog=stays))
    assert [part["value"] for part in result["conditions"]] == ["Bravo 399"]
    told = json.loads(llm.requests[0]["messages"][-1]["content"])
    assert "Bravo 399" in told["values_in_text"]["place"]
    assert not any("Bravo 399" in message["content"] for message in llm.requests[0]["messages"][:-1])


def test_the_llm_is_told_the_question_that_a_text_answers(llm: LLM, service: Service) -> None:
    llm.script(peer.malformed)
    first = service.submit("over 200 hp, under 100 hp")
    question = service.result(first)["clarification"]["question"]
    weak = {"quote": "under 100 hp", "field": "Horsepower", "op": "<", "value": 100, "group": 0, "confidence": 0.9}
    llm.script(peer.good({"conditions": [weak]}))
    result = service.result(service.submit("the weak ones of course", refines=first))
    told = json.loads(llm.requests[0]["messages"][-1]["content"])
    assert told["earlier"]["question"] == question
    assert [(part["value"], part["said_in"]) for part in result["conditions"]] == [(100, first)]
