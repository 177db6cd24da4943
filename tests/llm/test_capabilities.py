"""What is learnt of a server: from which answers, for whom, and for how long."""

from collections.abc import Iterator
from typing import Any

import pytest

from nlp2filters.core.llm.messages import Message
from nlp2filters.errors import ProviderRejected
from nlp2filters.llm.capabilities import JSON_SCHEMA, LEARNT_FOR_S, MAX_SCHEMAS, Capabilities, LearntFeatures
from nlp2filters.llm.opening import create
from nlp2filters.llm.provider import LLMProvider
from nlp2filters.llm.registry import LLMConfig
from tests.peers import wires
from tests.peers.wires import CHAT, Peer, Sent, sent

MESSAGES: list[Message] = [{"role": "user", "content": "max_tokens of response_format and stream"}]
CARS = {"type": "object", "properties": {"car": {"type": "string"}}}
FILMS = {"type": "object", "properties": {"film": {"type": "string"}}}
GOOD = CHAT.good()


@pytest.fixture
def peer() -> Iterator[Peer]:
    with wires.running(CHAT.path) as peer:
        yield peer


def provider(peer: Peer, learnt: list[tuple[str, str, str]] | None = None) -> LLMProvider:
    config = LLMConfig(provider="openai", base_url=peer.url, api_key="", model="m", timeout_s=9)
    return create(config, lambda *lack: learnt.append(lack) if learnt is not None else None)


@pytest.mark.parametrize(
    "error",
    [
        {"message": "Your text 'max_tokens of response_format and stream' violates our policy."},
        {
            "message": "This model's maximum is 4096 max_tokens; response_format json_schema takes 9000.",
            "code": "context_length_exceeded",
        },
        {"message": "Invalid 'messages[0].content': stream temperature", "param": "messages[0].content"},
    ],
    ids=["echo", "limit", "place"],
)
async def test_an_error_of_one_text_changes_nothing_for_another_catalog(peer: Peer, error: dict[str, Any]) -> None:
    learnt: list[tuple[str, str, str]] = []
    async with provider(peer, learnt) as opened:
        peer.script(GOOD)
        await opened.complete(MESSAGES, FILMS)
        (before,) = peer.requests
        peer.script(sent(400, {"error": {"type": "invalid_request_error", "param": None, "code": None, **error}}))
        with pytest.raises(ProviderRejected):
            await opened.complete(MESSAGES, CARS)
        peer.script(GOOD)
        for schema in (FILMS, CARS):
            await opened.complete(MESSAGES, schema)
    films, cars = peer.requests
    assert films == before
    assert cars["response_format"]["json_schema"]["schema"] == CARS
    assert {**cars, "response_format": None} == {**films, "response_format": None}
    assert learnt == []


async def test_a_lack_is_learnt_for_one_schema_and_told(peer: Peer) -> None:
    def rule(request: dict[str, Any]) -> Sent:
        if request.get("response_format", {}).get("json_schema", {}).get("schema") == CARS:
            return sent(400, {"error": {"message": "no", "param": "response_format", "code": "invalid_json_schema"}})
        return GOOD

    learnt: list[tuple[str, str, str]] = []
    async with provider(peer, learnt) as opened:
        peer.script(GOOD)
        peer.rule = rule
        for schema in (CARS, CARS, FILMS):
            await opened.complete(MESSAGES, schema)
    formats = [request["response_format"]["type"] for request in peer.requests]
    assert formats == ["json_schema", "json_object", "json_object", "json_schema"]
    assert learnt == [("openai", "m", JSON_SCHEMA)]


async def test_once_accepted_a_request_is_not_doubted_again(peer: Peer) -> None:
    async with provider(peer) as opened:
        peer.script(GOOD, sent(400, {"error": "something about this text"}))
        await opened.complete(MESSAGES, CARS)
        for _ in range(3):
            with pytest.raises(ProviderRejected):
                await opened.complete(MESSAGES, CARS)
    assert len(peer.requests) == 4


def test_what_is_learnt_is_forgotten() -> None:
    now = [0.0]
    features = LearntFeatures(Capabilities("p", "m", lacks=frozenset({"temperature"})), clock=lambda: now[0])
    features.learn("a", frozenset({"temperature", JSON_SCHEMA}))
    assert features.lacks("a") == {"temperature", JSON_SCHEMA}
    assert features.lacks("b") == {"temperature"}
    assert (features.confirmed("a"), features.confirmed("b")) == (True, False)
    now[0] = LEARNT_FOR_S + 1
    assert features.lacks("a") == {"temperature"}
    assert not features.confirmed("a")


def test_only_the_latest_schemas_are_remembered() -> None:
    features = LearntFeatures(Capabilities("p", "m"))
    for number in range(MAX_SCHEMAS + 1):
        features.learn(str(number), frozenset({JSON_SCHEMA}))
    assert features.lacks("0") == frozenset()
    assert features.lacks(str(MAX_SCHEMAS)) == {JSON_SCHEMA}
