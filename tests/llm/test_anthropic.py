"""The Anthropic provider with a model that answers by a tool, against a real server that misbehaves in named ways."""

import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from nlp2filters.core.llm.messages import Message
from nlp2filters.errors import (
    AnswerRefused,
    AnswerTruncated,
    InvalidAnswer,
    ProviderError,
    ProviderRejected,
    ProviderUnavailable,
)
from nlp2filters.llm.http import MAX_TRIES
from nlp2filters.llm.opening import create
from nlp2filters.llm.provider import LLMProvider
from nlp2filters.llm.registry import LLMConfig
from nlp2filters.settings import ProviderChoice, Settings
from tests.llm.listening import Heard
from tests.peers.llm import Reply, serving, streamed

MESSAGES: list[Message] = [
    {"role": "system", "content": "rules"},
    {"role": "user", "content": "text"},
    {"role": "assistant", "content": "{}"},
    {"role": "user", "content": "mend it"},
]
SCHEMA = {"type": "object", "properties": {}}
USED = {"type": "tool_use", "id": "t1", "name": "answer", "input": {"a": "ü"}}
OVERLOADED = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}


def message(*content: Any, stop_reason: str = "tool_use") -> dict[str, Any]:
    return {
        "type": "message",
        "model": "test-1",
        "content": list(content),
        "stop_reason": stop_reason,
        "usage": {"input_tokens": 10, "output_tokens": 5, "service_tier": "standard"},
    }


IN_ORDER = Reply()


@dataclass
class Stream:
    """A message as a stream: that of a good answer, with `instead` of the events from `at` on."""

    instead: Sequence[Mapping[str, Any]] = ()
    at: int = 99
    reply: Reply = IN_ORDER

    def body(self) -> AsyncIterator[bytes]:
        events = [*EVENTS[: self.at], *self.instead]
        return streamed([json.dumps(event, ensure_ascii=False) for event in events], self.reply)


def delta(index: int, kind: str, **content: str) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **content}}


def ended(stop_reason: str | None) -> list[dict[str, Any]]:
    usage = {"output_tokens": 5}
    return [
        {"type": "message_delta", "delta": {"stop_reason": stop_reason, "stop_sequence": None}, "usage": usage},
        {"type": "message_stop"},
    ]


EVENTS = [
    {"type": "message_start", "message": message() | {"usage": {"input_tokens": 10, "output_tokens": 1}}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "ping"},
    delta(0, "text_delta", text="Here:"),
    {"type": "content_block_stop", "index": 0},
    {"type": "content_block_start", "index": 1, "content_block": {**USED, "input": {}}},
    delta(1, "input_json_delta", partial_json=""),
    delta(1, "input_json_delta", partial_json='{"a":'),
    {"type": "something_new"},
    delta(1, "input_json_delta", partial_json=' "ü"}'),
    {"type": "content_block_stop", "index": 1},
    *ended("tool_use"),
]
CUT = 8  # in the middle of the text


class Peer:
    """Answers in order, the last for ever."""

    def __init__(self) -> None:
        self.url = ""
        self.seen: list[tuple[dict[str, str], Any]] = []
        self.script: list[tuple[int, Any]] = []

    async def answer(self, request: Request) -> Response:
        self.seen.append((dict(request.headers), await request.json()))
        status, content = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(content, Stream):
            return StreamingResponse(content.body(), media_type="text/event-stream")
        return JSONResponse(content, status, {"retry-after": "0"})


@pytest.fixture
def peer() -> Iterator[Peer]:
    peer = Peer()
    with serving([Route("/v1/messages", peer.answer, methods=["POST"])]) as url:
        peer.url = f"{url}/v1"
        yield peer


@pytest.fixture
async def provider(peer: Peer) -> AsyncIterator[LLMProvider]:
    async with create(
        LLMConfig(provider="anthropic", base_url=peer.url, api_key="sk-test", model="claude-3-haiku", timeout_s=5)
    ) as provider:
        yield provider


async def test_a_good_answer(peer: Peer, provider: LLMProvider) -> None:
    peer.script = [(200, message({"type": "text", "text": "Here:"}, USED))]
    answer = await provider.complete(MESSAGES, SCHEMA)
    assert (json.loads(answer.content), answer.model) == ({"a": "ü"}, "test-1")
    assert answer.usage == {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15, "calls": 1}
    ((headers, request),) = peer.seen
    assert (headers["x-api-key"], headers["anthropic-version"]) == ("sk-test", "2023-06-01")
    assert request["system"] == [{"type": "text", "text": "rules", "cache_control": {"type": "ephemeral"}}]
    assert request["messages"] == MESSAGES[1:]
    assert request["tools"][0]["input_schema"] == SCHEMA
    assert request["tool_choice"] == {"type": "tool", "name": request["tools"][0]["name"]}


async def test_an_overloaded_server_is_asked_again(peer: Peer, provider: LLMProvider) -> None:
    peer.script = [(529, OVERLOADED), (200, message(USED))]
    await provider.complete(MESSAGES, SCHEMA)
    assert len(peer.seen) == 2


@pytest.mark.parametrize(
    ("status", "content", "error", "calls"),
    [
        (401, {"error": {"message": "invalid x-api-key"}}, ProviderRejected, 1),
        (529, OVERLOADED, ProviderUnavailable, MAX_TRIES),
        (200, message(stop_reason="refusal"), AnswerRefused, 1),
        (200, message(USED, stop_reason="max_tokens"), AnswerTruncated, 1),
        (200, message({"type": "text", "text": "no"}, stop_reason="end_turn"), InvalidAnswer, 1),
        (200, {"completion": "no"}, InvalidAnswer, 1),
        (200, [], InvalidAnswer, 1),
    ],
)
async def test_what_is_of_no_use(
    peer: Peer, provider: LLMProvider, status: int, content: Any, error: type[ProviderError], calls: int
) -> None:
    peer.script = [(status, content)]
    with pytest.raises(error):
        await provider.complete(MESSAGES, SCHEMA)
    assert len(peer.seen) == calls


async def test_a_stream(peer: Peer, provider: LLMProvider) -> None:
    peer.script = [(200, Stream(reply=Reply(packet=5)))]
    heard = Heard()
    answer = await provider.complete(MESSAGES, SCHEMA, heard)
    assert (answer.content, answer.model, heard.texts) == ('{"a": "ü"}', "test-1", [['{"a":', ' "ü"}']])
    assert answer.usage == {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15, "calls": 1}
    assert peer.seen[0][1]["stream"] is True


async def test_a_whole_answer_instead_of_a_stream(peer: Peer, provider: LLMProvider) -> None:
    peer.script = [(200, message(USED))]
    heard = Heard()
    answer = await provider.complete(MESSAGES, SCHEMA, heard)
    assert heard.texts == [[answer.content]]


@pytest.mark.parametrize(
    "first",
    [
        Stream([OVERLOADED], CUT),
        Stream([], CUT),
        Stream([], CUT, Reply(ends="cut")),
        Stream([], 0),
    ],
    ids=["error", "early", "cut", "empty"],
)
async def test_a_stream_that_breaks_is_begun_anew(peer: Peer, provider: LLMProvider, first: Stream) -> None:
    peer.script = [(200, first), (200, Stream())]
    heard = Heard()
    await provider.complete(MESSAGES, SCHEMA, heard)
    assert (heard.tries[1], heard.waited) == ('{"a": "ü"}', [(2, MAX_TRIES)])


@pytest.mark.parametrize(
    ("stream", "error"),
    [
        (Stream([{"type": "error", "error": {"type": "authentication_error", "message": "no"}}], 1), ProviderRejected),
        (Stream(ended("refusal"), CUT), AnswerRefused),
        (Stream(ended("max_tokens"), CUT), AnswerTruncated),
        (Stream(ended("end_turn"), 5), InvalidAnswer),
        (Stream([{"message": "no type"}], 0), InvalidAnswer),
    ],
    ids=["rejected", "refused", "cut off", "no tool", "nonsense"],
)
async def test_a_stream_of_no_use(
    peer: Peer, provider: LLMProvider, stream: Stream, error: type[ProviderError]
) -> None:
    peer.script = [(200, stream)]
    with pytest.raises(error):
        await provider.complete(MESSAGES, SCHEMA, Heard())
    assert len(peer.seen) == 1


async def test_the_settings_choose_it() -> None:
    choice = (ProviderChoice("anthropic"),)
    assert Settings(llm_providers=choice).llms == ()
    (config,) = Settings(llm_providers=choice, llm_model="m").llms
    async with create(config) as provider:
        assert (provider.name, provider.model) == ("anthropic", "m")
