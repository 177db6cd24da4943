"""Streams of the OpenAI kind: what is heard of an answer while it comes, and streams that end as they should not."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from nlp2filters.core.llm.messages import Message
from nlp2filters.errors import (
    AnswerRefused,
    AnswerTruncated,
    InvalidAnswer,
    ProviderError,
    ProviderRejected,
    ProviderTimeout,
    ProviderUnavailable,
)
from nlp2filters.llm.http import MAX_TRIES
from nlp2filters.llm.opening import create
from nlp2filters.llm.provider import LLMProvider
from nlp2filters.llm.registry import LLMConfig
from tests.llm.listening import Heard
from tests.peers import llm as peer
from tests.peers.llm import LLM, Reply

MESSAGES: list[Message] = [{"role": "user", "content": "text"}]
TEXT = '{"conditions": [{"quote": "größer als 3 €, 🚗", "value": 3}]}'
GOOD = peer.good(TEXT)
WORDY = 'data: {"padding": "' + "x" * 300 + '", "choices": [{"delta": {"content": "{}"}}]}\n\n'
EVENTS = 'data: {"choices": [{"delta": {"content": "{}"}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n'


@pytest.fixture
async def provider(llm: LLM) -> AsyncIterator[LLMProvider]:
    async with create(
        LLMConfig(provider="openai", base_url=llm.url, api_key="sk-test", model="m", timeout_s=5)
    ) as provider:
        yield provider


async def test_the_answer_is_heard_while_it_comes(llm: LLM, provider: LLMProvider) -> None:
    llm.script(GOOD)
    heard = Heard()
    answer = await provider.complete(MESSAGES, {}, heard)
    assert (answer.content, answer.model, heard.tries) == (TEXT, "test-1", [TEXT])
    assert answer.usage == {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15, "calls": 1}
    assert heard.texts[0] == peer.pieces(GOOD)
    assert (llm.requests[0]["stream"], llm.requests[0]["stream_options"]) == (True, {"include_usage": True})


async def test_nobody_listens_nothing_is_streamed(llm: LLM, provider: LLMProvider) -> None:
    llm.script(GOOD)
    assert (await provider.complete(MESSAGES, {})).content == TEXT
    assert "stream" not in llm.requests[0]


@pytest.mark.parametrize("packet", [1, 7, 64])
async def test_packets_end_anywhere(llm: LLM, provider: LLMProvider, packet: int) -> None:
    llm.script(replace(GOOD, packet=packet))
    heard = Heard()
    assert (await provider.complete(MESSAGES, {}, heard)).content == TEXT
    assert heard.tries == [TEXT]


@pytest.mark.parametrize("ends", ["not done", "open"])
async def test_an_answer_that_is_whole_is_taken(llm: LLM, provider: LLMProvider, ends: str) -> None:
    llm.script(replace(GOOD, ends=ends))  # type: ignore[arg-type]
    assert (await provider.complete(MESSAGES, {}, Heard())).content == TEXT
    assert len(llm.requests) == 1


@pytest.mark.parametrize(
    "first",
    [
        replace(GOOD, ends="cut"),
        replace(GOOD, ends="early"),
        replace(GOOD, ends="error", error={"message": "overloaded", "code": 502}),
        replace(GOOD, ends="error", error="something broke"),
    ],
    ids=["cut", "early", "error", "error text"],
)
async def test_a_stream_that_breaks_is_begun_anew(llm: LLM, provider: LLMProvider, first: Reply) -> None:
    llm.script(first, GOOD)
    heard = Heard()
    assert (await provider.complete(MESSAGES, {}, heard)).content == TEXT
    void, whole = heard.tries
    assert void
    assert TEXT.startswith(void)
    assert (whole, heard.waited, len(llm.requests)) == (TEXT, [(2, MAX_TRIES)], 2)


async def test_an_error_before_the_stream_is_waited_out(llm: LLM, provider: LLMProvider) -> None:
    llm.script(peer.rate_limited, peer.server_error, GOOD)
    heard = Heard()
    await provider.complete(MESSAGES, {}, heard)
    assert (heard.tries, heard.waited) == (["", "", TEXT], [(2, MAX_TRIES)])  # a refusal for the rate is no failure


@pytest.mark.parametrize(
    ("reply", "error", "calls"),
    [
        (replace(GOOD, ends="cut"), ProviderUnavailable, MAX_TRIES),
        (replace(GOOD, ends="error", error={"message": "no", "code": 400}), ProviderRejected, 1),
        (replace(GOOD, finish_reason="length"), AnswerTruncated, 1),
        (replace(GOOD, finish_reason="content_filter"), AnswerRefused, 1),
        (peer.refusal, AnswerRefused, 1),
        (Reply(content=""), InvalidAnswer, 1),
        (Reply(content="x" * 1_500_000, piece=10_000), InvalidAnswer, 1),
        (peer.unauthorized, ProviderRejected, 1),
        (peer.huge, InvalidAnswer, 1),
    ],
)
async def test_what_is_of_no_use(
    llm: LLM, provider: LLMProvider, reply: Reply, error: type[ProviderError], calls: int
) -> None:
    llm.script(reply)
    with pytest.raises(error) as caught:
        await provider.complete(MESSAGES, {}, Heard())
    assert len(llm.requests) == calls
    assert "sk-test" not in str(caught.value)


async def test_the_deadline_holds_for_a_stream_that_never_ends(llm: LLM) -> None:
    llm.script(replace(GOOD, ends="never"))
    async with create(LLMConfig(provider="openai", base_url=llm.url, api_key="", model="m", timeout_s=0.5)) as provider:
        with pytest.raises(ProviderTimeout):
            await provider.complete(MESSAGES, {}, Heard())
    assert len(llm.requests) == 1


async def test_a_server_that_gives_the_whole_answer_at_once(llm: LLM, provider: LLMProvider) -> None:
    llm.script(replace(GOOD, streams=False))
    heard = Heard()
    assert (await provider.complete(MESSAGES, {}, heard)).content == TEXT
    assert heard.texts == [[TEXT]]


async def test_what_a_server_does_not_know_it_is_not_asked_again(llm: LLM, provider: LLMProvider) -> None:
    llm.script(peer.no_stream_options, GOOD)
    assert (await provider.complete(MESSAGES, {}, Heard())).usage == {"calls": 2, "failed_calls": 1}
    llm.script(peer.no_json_schema, peer.no_stream, replace(GOOD, streams=False))
    heard = Heard()
    assert (await provider.complete(MESSAGES, {}, heard)).content == TEXT
    asked = [("stream" in one, "stream_options" in one, one["response_format"]["type"]) for one in llm.requests]
    assert asked == [(True, False, "json_schema"), (True, False, "json_object"), (False, False, "json_object")]
    assert heard.tries == [TEXT]


async def test_calls_at_once_all_do_without_what_the_server_does_not_know() -> None:
    all_there = asyncio.Barrier(5)

    async def answer(request: Request) -> Response:
        if b"stream_options" in await request.body():
            await all_there.wait()
            return Response(b'{"error": {"message": "", "param": "stream_options"}}', 400)
        return Response(EVENTS, media_type="text/event-stream")

    with peer.serving([Route("/chat/completions", answer, methods=["POST"])]) as url:
        async with create(LLMConfig(provider="openai", base_url=url, api_key="", model="m", timeout_s=20)) as provider:
            answers = await asyncio.gather(*(provider.complete(MESSAGES, {}, Heard()) for _ in range(5)))
    assert [answer.content for answer in answers] == 5 * ["{}"]


async def test_an_upstream_that_fails_says_nothing_of_streams(llm: LLM, provider: LLMProvider) -> None:
    llm.script(GOOD)
    await provider.complete(MESSAGES, {}, Heard())
    llm.script(Reply(400, body=b'{"error": "the upstream refused"}'))
    with pytest.raises(ProviderRejected):
        await provider.complete(MESSAGES, {}, Heard())
    assert len(llm.requests) == 1
    assert llm.requests[0]["stream"] is True


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (EVENTS, "{}"),
        (5_000 * WORDY + EVENTS, 5_001 * "{}"),
        (f"data: {' ' * 21_000_000}", "longer than"),
        ("data: 1\n\n", "not that of"),
    ],
    ids=["good", "wordy", "huge when unpacked", "nonsense"],
)
async def test_a_stream_that_is_compressed(body: str, said: str) -> None:
    async def answer(request: Request) -> Response:
        headers = {"content-encoding": "gzip"}
        return Response(gzip.compress(body.encode()), 200, headers, media_type="text/event-stream")

    with peer.serving([Route("/chat/completions", answer, methods=["POST"])]) as url:
        async with create(LLMConfig(provider="openai", base_url=url, api_key="", model="m", timeout_s=5)) as provider:
            if said.startswith("{"):
                assert (await provider.complete(MESSAGES, {}, Heard())).content == said
            else:
                with pytest.raises(InvalidAnswer, match=said):
                    await provider.complete(MESSAGES, {}, Heard())


async def test_a_connection_is_used_again() -> None:
    clients = set()

    async def answer(request: Request) -> Response:
        clients.add(request.client)
        return Response(EVENTS, media_type="text/event-stream")

    with peer.serving([Route("/chat/completions", answer, methods=["POST"])]) as url:
        async with create(LLMConfig(provider="openai", base_url=url, api_key="", model="m", timeout_s=5)) as provider:
            for _ in range(5):
                await provider.complete(MESSAGES, {}, Heard())
    assert len(clients) == 1
