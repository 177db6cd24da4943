"""The OpenAI provider against a real server that misbehaves in named ways."""

import time
import traceback
from collections.abc import AsyncIterator
from unittest.mock import Mock

import pytest

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
from nlp2filters.llm import MAX_TOKENS, Listener
from nlp2filters.llm.http import MAX_TRIES
from nlp2filters.llm.opening import create
from nlp2filters.llm.provider import LLMProvider
from nlp2filters.llm.registry import LLMConfig
from tests.peers import llm as peer
from tests.peers.llm import LLM, Reply

MESSAGES: list[Message] = [{"role": "system", "content": "rules"}, {"role": "user", "content": "text"}]
SCHEMA = {"type": "object", "properties": {}}


@pytest.fixture
async def provider(llm: LLM) -> AsyncIterator[LLMProvider]:
    async with create(
        LLMConfig(provider="openai", base_url=llm.url, api_key="sk-test", model="m", timeout_s=5)
    ) as provider:
        yield provider


async def test_a_good_answer(llm: LLM, provider: LLMProvider) -> None:
    llm.script(peer.good({"a": 1}))
    answer = await provider.complete(MESSAGES, SCHEMA)
    assert (answer.content, answer.model) == ('{"a": 1}', "test-1")
    assert answer.usage == {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15, "calls": 1}
    (request,) = llm.requests
    assert (request["model"], request["messages"]) == ("m", MESSAGES)
    assert request["response_format"]["json_schema"] == {"name": "filter", "strict": True, "schema": SCHEMA}
    assert llm.keys == ["Bearer sk-test"]


async def test_no_key_no_header(llm: LLM) -> None:
    llm.script(peer.good({}))
    async with create(LLMConfig(provider="openai", base_url=llm.url, api_key="", model="m", timeout_s=5)) as provider:
        await provider.complete(MESSAGES, SCHEMA)
    assert llm.keys == [None]


@pytest.mark.parametrize("failure", [peer.rate_limited, peer.server_error, Reply(408, body=b""), Reply(409, body=b"x")])
async def test_what_may_pass_is_tried_again(llm: LLM, provider: LLMProvider, failure: Reply) -> None:
    llm.script(failure, peer.good({}))
    await provider.complete(MESSAGES, SCHEMA)
    assert len(llm.requests) == 2


async def test_it_gives_up_after_some_tries(llm: LLM, provider: LLMProvider) -> None:
    llm.script(peer.server_error)
    with pytest.raises(ProviderUnavailable, match="500: something broke"):
        await provider.complete(MESSAGES, SCHEMA)
    assert len(llm.requests) == MAX_TRIES


@pytest.mark.parametrize(
    ("reply", "error", "calls"),
    [
        (peer.unauthorized, ProviderRejected, 1),
        (Reply(404, body=b"no such model"), ProviderRejected, 1),
        (Reply(302, headers={"location": "/elsewhere"}, body=b""), ProviderRejected, 1),
        (peer.refusal, AnswerRefused, 1),
        (Reply(content="", finish_reason="content_filter"), AnswerRefused, 1),
        (peer.truncated, AnswerTruncated, 1),
        (peer.huge, InvalidAnswer, 1),
        (peer.no_completion, InvalidAnswer, 1),
        (Reply(body=b"<html>"), InvalidAnswer, 1),
        (Reply(body=b"[1]"), InvalidAnswer, 1),
        (Reply(content=""), InvalidAnswer, 1),
    ],
)
async def test_what_will_not_pass_is_not_tried_again(
    llm: LLM, provider: LLMProvider, reply: Reply, error: type[ProviderError], calls: int
) -> None:
    llm.script(reply)
    with pytest.raises(error) as caught:
        await provider.complete(MESSAGES, SCHEMA)
    assert len(llm.requests) == calls
    assert "sk-test" not in str(caught.value)


async def test_the_deadline_holds_for_everything_together(llm: LLM) -> None:
    llm.script(peer.slow)
    async with create(LLMConfig(provider="openai", base_url=llm.url, api_key="", model="m", timeout_s=0.3)) as provider:
        with pytest.raises(ProviderTimeout):
            await provider.complete(MESSAGES, SCHEMA)


@pytest.mark.parametrize("after", ["3600", "Fri, 31 Dec 2100 23:59:59 GMT"])
async def test_a_wait_beyond_the_deadline_ends_it_at_once(llm: LLM, provider: LLMProvider, after: str) -> None:
    llm.script(Reply(429, headers={"retry-after": after}, body=b""))
    began = time.monotonic()
    with pytest.raises(ProviderUnavailable):
        await provider.complete(MESSAGES, SCHEMA)
    assert time.monotonic() - began < 4
    assert len(llm.requests) == 1


@pytest.mark.parametrize("after", ["0", "Fri, 31 Dec 1999 23:59:59 GMT", "soon", "-1"])
async def test_any_retry_after_can_be_read(llm: LLM, provider: LLMProvider, after: str) -> None:
    llm.script(Reply(429, headers={"retry-after": after}, body=b""), peer.good({}))
    await provider.complete(MESSAGES, SCHEMA)
    assert len(llm.requests) == 2


async def test_a_server_without_json_schema_is_asked_for_plain_json(llm: LLM, provider: LLMProvider) -> None:
    llm.script(peer.no_json_schema, peer.good({}))
    await provider.complete(MESSAGES, SCHEMA)
    await provider.complete(MESSAGES, SCHEMA)
    first, second, third = llm.requests
    assert first["response_format"]["type"] == "json_schema"
    assert second["response_format"] == third["response_format"] == {"type": "json_object"}
    assert "properties" in second["messages"][1]["content"]


async def test_a_model_that_takes_no_temperature_is_asked_without(llm: LLM, provider: LLMProvider) -> None:
    body = b"""{"error": {"message": "Unsupported value", "param": "temperature", "code": "unsupported_value"}}"""
    llm.script(Reply(400, body=body), peer.good({}))
    await provider.complete(MESSAGES, SCHEMA)
    await provider.complete(MESSAGES, SCHEMA)
    assert [request.get("temperature") for request in llm.requests] == [0, None, None]
    assert all(request["response_format"]["type"] == "json_schema" for request in llm.requests)


async def test_nobody_listens() -> None:
    async with create(
        LLMConfig(provider="openai", base_url="http://127.0.0.1:9", api_key="", model="m", timeout_s=30)
    ) as provider:
        with pytest.raises(ProviderUnavailable):
            await provider.complete(MESSAGES, SCHEMA)


async def test_an_answer_has_a_limit_whatever_the_server_calls_it(llm: LLM, provider: LLMProvider) -> None:
    def unknown(name: str) -> Reply:
        return Reply(
            400, body=b'{"error": {"message": "", "param": "%b", "code": "unsupported_parameter"}}' % name.encode()
        )

    limits = ("max_completion_tokens", "max_tokens")
    llm.script(*map(unknown, limits), peer.good({}))
    await provider.complete(MESSAGES, SCHEMA)
    sent = [{name: request[name] for name in limits if name in request} for request in llm.requests]
    assert sent == [{"max_completion_tokens": MAX_TOKENS}, {"max_tokens": MAX_TOKENS}, {}]
    await provider.complete(MESSAGES, SCHEMA)
    assert not llm.requests[-1].keys() & set(limits)


@pytest.mark.parametrize(
    "quoting",
    [
        Reply(401, body=b'{"error": {"message": "Incorrect API key provided: sk-test."}}'),
        Reply(503, body=b"no route for sk-test", headers={"retry-after": "0"}),
        Reply(content="{}", ends="error", error={"message": "sk-test is over its quota"}),
        Reply(refusal="sk-test"),
    ],
)
async def test_a_key_that_the_server_quotes_is_told_to_nobody(
    llm: LLM, provider: LLMProvider, quoting: Reply, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="nlp2filters")
    llm.script(quoting)
    with pytest.raises(ProviderError) as caught:
        await provider.complete(MESSAGES, SCHEMA, Mock(spec=Listener))
    told = "".join(traceback.format_exception(caught.value))
    assert "[withheld]" in str(caught.value)
    assert "sk-test" not in told + caplog.text
