"""Requests as OpenAI's published specification has them, and the peers' answers as well; what every API can do."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from nlp2filters import demo
from nlp2filters.core.llm.answer_schema import answer_schema
from nlp2filters.core.llm.messages import Message
from nlp2filters.llm.api import ModelOptions, used
from nlp2filters.llm.capabilities import JSON_OBJECT, JSON_SCHEMA, capabilities
from nlp2filters.llm.embeddings import OpenAIEmbeddings
from nlp2filters.llm.openai import OpenAIChat
from nlp2filters.llm.opening import create
from nlp2filters.llm.registry import PROVIDERS, LLMConfig
from nlp2filters.llm.responses import OpenAIResponses
from tests.llm.listening import Heard
from tests.peers import wires
from tests.peers.wires import WIRES, Peer, Wire

SPECIFICATION = json.loads((Path(__file__).parent / "openai" / "schemas.json").read_text())["components"]["schemas"]
MESSAGES: list[Message] = [
    {"role": "system", "content": "rules"},
    {"role": "system", "content": "more rules"},
    {"role": "user", "content": "text"},
    {"role": "assistant", "content": "{}"},
    {"role": "user", "content": "mend it"},
]
SCHEMA = answer_schema(demo.catalog("cars"))
FORMATS = {JSON_SCHEMA, JSON_OBJECT}
FULL = ModelOptions(model="m", max_tokens=100, effort="low", thinking_tokens=2000)
TEXT = '{"conditions": [{"quote": "größer als 3 €, 🚗", "value": 3}]}'


def validator(name: str) -> Any:
    """A check against one schema of the specification."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": SPECIFICATION}}
    return jsonschema_rs.validator_for(schema)


def members(name: str) -> set[str]:
    """The names of the properties of a schema, which may be composed of several."""
    schema = SPECIFICATION[name]
    names = set(schema.get("properties", {}))
    for part in schema.get("allOf", []):
        names |= set(part.get("properties", {}))
        if "$ref" in part:
            names |= members(part["$ref"].rpartition("/")[2])
    return names


def format_of(request: Mapping[str, Any]) -> str | None:
    """The kind of JSON that a request asks for."""
    asked = request.get("response_format") or request.get("text", {}).get("format", {})
    kind: str | None = asked.get("type")
    return kind


def subsets(api: Any) -> Iterator[frozenset[str]]:
    """Nothing, each feature alone, and everything that a server may lack."""
    yield frozenset()
    yield from (frozenset({name}) for name in api.features)
    yield frozenset(api.features)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("api", "schema"),
    [(OpenAIChat(FULL), "CreateChatCompletionRequest"), (OpenAIResponses(FULL), "CreateResponse")],
    ids=["chat", "responses"],
)
def test_requests_are_as_openai_specifies_them(api: Any, schema: str, stream: bool) -> None:
    specified = validator(schema)
    for lacks in subsets(api):
        request = api.request(MESSAGES, SCHEMA, lacks, stream=stream)
        assert [str(error) for error in specified.iter_errors(request)] == []
        assert set(request) <= members(schema)
        assert used(api.features, request, ()).keys().isdisjoint(lacks - FORMATS)
        assert format_of(request) not in lacks


@pytest.mark.parametrize("dimensions", [0, 512])
def test_requests_for_embeddings_are_as_openai_specifies_them(dimensions: int) -> None:
    request = OpenAIEmbeddings("text-embedding-3-small", dimensions).request(["a", "b"])
    assert [str(error) for error in validator("CreateEmbeddingRequest").iter_errors(request)] == []
    assert set(request) <= members("CreateEmbeddingRequest")


def test_the_specification_refuses_what_is_wrong() -> None:
    request = OpenAIChat(FULL).request(MESSAGES, SCHEMA, (), stream=True)
    specified = validator("CreateChatCompletionRequest")
    assert specified.is_valid(request)
    for wrong in ({"response_format": {"type": "json"}}, {"messages": [{"role": "user"}]}, {"reasoning_effort": 3}):
        assert not specified.is_valid({**request, **wrong})


def test_the_peers_answer_as_openai_specifies_it() -> None:
    whole = validator("CreateChatCompletionResponse")
    for reason in ("stop", "length", "refusal"):
        assert [str(error) for error in whole.iter_errors(wires.CHAT.whole(TEXT, reason))] == []


@pytest.fixture(params=WIRES, ids=lambda wire: wire.provider)
def wire(request: pytest.FixtureRequest) -> Wire:
    chosen: Wire = request.param
    return chosen


@pytest.fixture
def peer(wire: Wire) -> Iterator[Peer]:
    with wires.running(wire.path) as peer:
        yield peer


def config(wire: Wire, peer: Peer, **options: Any) -> LLMConfig:
    defaults: dict[str, Any] = {
        "provider": wire.provider,
        "base_url": peer.url,
        "api_key": "sk",
        "model": "m",
        "timeout_s": 9,
    }
    return LLMConfig(**defaults | options)


async def test_a_whole_answer_and_a_stream_come_to_the_same(wire: Wire, peer: Peer) -> None:
    async with create(config(wire, peer)) as provider:
        peer.script(wire.good(TEXT))
        whole = await provider.complete(MESSAGES, SCHEMA)
        peer.script(wire.streamed(TEXT))
        heard = Heard()
        streamed = await provider.complete(MESSAGES, SCHEMA, heard)
    assert whole == streamed
    assert (whole.content, whole.model) == (TEXT, "test-1")
    assert heard.texts == [list(wires.halves(TEXT))]
    assert whole.usage == {**wire.counts, "calls": 1}


async def test_the_schema_is_enforced_and_the_prefix_cached(wire: Wire, peer: Peer) -> None:
    peer.script(wire.good())
    async with create(config(wire, peer)) as provider:
        await provider.complete(MESSAGES, SCHEMA)
    (request,) = peer.requests
    where: Mapping[str, Any] = {
        "openai": lambda: request["response_format"]["json_schema"]["schema"],
        "responses": lambda: request["text"]["format"]["schema"],
        "anthropic": lambda: request["output_config"]["format"]["schema"],
        "ollama": lambda: request["format"],
    }
    assert where[wire.provider]() == SCHEMA
    assert json.dumps(request).index("rules") < json.dumps(request).index("mend it")
    if wire.provider == "anthropic":
        assert [block.get("cache_control") for block in request["system"]] == [{"type": "ephemeral"}, None]
        assert "tools" not in request


@pytest.mark.parametrize("effort", ["", "low"])
@pytest.mark.parametrize("thinking", [0, 2000])
async def test_effort_and_thinking_are_settings(wire: Wire, peer: Peer, effort: str, thinking: int) -> None:
    peer.script(wire.good())
    async with create(config(wire, peer, effort=effort, thinking_tokens=thinking, max_tokens=500)) as provider:
        await provider.complete(MESSAGES, SCHEMA)
    (request,) = peer.requests
    expected = {
        "openai": (request.get("reasoning_effort"), request.get("max_completion_tokens")),
        "responses": (request.get("reasoning", {}).get("effort"), request.get("max_output_tokens")),
        "anthropic": (request.get("output_config", {}).get("effort"), request.get("max_tokens")),
        "ollama": (request.get("think"), request.get("options", {}).get("num_predict")),
    }[wire.provider]
    asked = effort or (True if wire.provider == "ollama" and thinking else None)
    assert expected == (asked, 500 + thinking)
    if wire.provider == "anthropic":
        budget = {"type": "enabled", "budget_tokens": 2000} if thinking else None
        assert request.get("thinking") == budget


def test_every_provider_has_a_row_of_capabilities() -> None:
    for name in PROVIDERS:
        assert capabilities(name, "a-model-of-tomorrow").limits.enum_values >= 1000
    assert "temperature" in capabilities("openai", "gpt-5-mini").lacks
    assert capabilities("openai", "gpt-4.1").lacks == frozenset()
    assert "json_schema" in capabilities("anthropic", "claude-sonnet-4-20250514").lacks
    assert "json_schema" not in capabilities("anthropic", "claude-haiku-4-5").lacks


async def test_ollama_gets_room_for_the_whole_prompt() -> None:
    with wires.running(wires.OLLAMA.path) as peer:
        peer.script(wires.OLLAMA.good())
        async with create(config(wires.OLLAMA, peer, max_tokens=1000)) as provider:
            for size in (100, 40_000):
                await provider.complete([{"role": "user", "content": "x" * size}], SCHEMA)
    assert [request["options"]["num_ctx"] for request in peer.requests] == [8192, 16384]


@pytest.mark.parametrize(
    ("provider", "header"),
    [("openai", "authorization"), ("azure", "api-key"), ("anthropic", "x-api-key"), ("ollama", "authorization")],
)
async def test_the_key_is_sent_where_the_provider_expects_it(provider: str, header: str) -> None:
    wire = next((wire for wire in WIRES if wire.provider == provider), wires.CHAT)
    with wires.running(wire.path) as peer:
        peer.script(wire.good())
        async with create(config(wire, peer, provider=provider)) as opened:
            await opened.complete(MESSAGES, SCHEMA)
    assert peer.headers[0][header].endswith("sk")
