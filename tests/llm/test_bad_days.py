"""Bad days and bad answers of every API, each with its right outcome: a table, run against servers on loopback.

A row's day is what the server sends, in order. Its outcome is the answer's text or the error of the call, after this
many requests.
"""

import gzip
import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

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
from nlp2filters.llm.http import MAX_TRIES
from nlp2filters.llm.opening import create
from nlp2filters.llm.registry import LLMConfig
from tests.llm.listening import Heard
from tests.peers import wires
from tests.peers.wires import ANTHROPIC, CHAT, OLLAMA, RESPONSES, SSE, WIRES, Peer, Sent, Wire, ndjson, sent, sse

# What users write, and providers quote: it names every optional member of a request.
USERS_WORDS = (
    "max_tokens max_completion_tokens response_format json_schema stream stream_options temperature format text"
)
MESSAGES: list[Message] = [{"role": "system", "content": "rules"}, {"role": "user", "content": USERS_WORDS}]
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}
TEXT = '{"a": "größer als 3 €, 🚗"}'

Outcome = str | type[ProviderError]


@dataclass(frozen=True)
class Day:
    """A row. With `stream`, somebody listens. `provider` is the row of the registry, if not that of the `wire`."""

    name: str
    wire: Wire
    sends: Sequence[Sent]
    outcome: Outcome
    requests: int = 1
    stream: bool = False
    timeout_s: float = 20.0
    provider: str = ""
    effort: str = ""

    def __str__(self) -> str:
        return f"{self.provider or self.wire.provider}-{self.name}".replace(" ", "-")


def of_every_api(wire: Wire) -> Iterator[Day]:
    """What can go wrong with every API, in its own words."""
    good, streamed = wire.good(TEXT), wire.streamed(TEXT)

    def failing(status: int) -> Sent:
        return sent(status, wire.error("Something is wrong."), retry_after="0")

    yield Day("good", wire, [good], TEXT)
    yield Day("good stream", wire, [streamed], TEXT, stream=True)
    yield Day("whole instead of stream", wire, [good], TEXT, stream=True)
    for status in (408, 409, 429, 500, 502, 503, 504, 529):
        yield Day(f"{status} once", wire, [failing(status), good], TEXT, 2)
    for status in (401, 403, 404, 405, 413, 451):
        yield Day(f"{status}", wire, [failing(status)], ProviderRejected)
    yield Day("503 always", wire, [failing(503)], ProviderUnavailable, MAX_TRIES)
    yield Day(
        "error page", wire, [sent(502, "<html>Bad gateway</html>", retry_after="0")], ProviderUnavailable, MAX_TRIES
    )
    yield Day("redirect", wire, [sent(302, "", location="/elsewhere")], ProviderRejected)
    yield Day(
        "refusal",
        wire,
        [wire.good(TEXT, "refusal")] if wire is not OLLAMA else [good],
        AnswerRefused if wire is not OLLAMA else TEXT,
    )
    yield Day("cut at the limit", wire, [wire.good(TEXT, "length")], AnswerTruncated)
    yield Day("cut at the limit in a stream", wire, [wire.streamed(TEXT, "length")], AnswerTruncated, stream=True)
    yield Day("empty answer", wire, [wire.good("")], InvalidAnswer)
    yield Day("blank answer", wire, [wire.good(" \n")], InvalidAnswer)
    yield Day("no JSON", wire, [sent(200, "<html>")], InvalidAnswer)
    yield Day("other JSON", wire, [sent(200, [1])], InvalidAnswer)
    yield Day("empty object", wire, [sent(200, {})], InvalidAnswer)
    yield Day("empty body", wire, [sent(200, "")], InvalidAnswer)
    yield Day("huge body", wire, [sent(200, b'"' + b"x" * 2_000_000 + b'"')], InvalidAnswer)
    yield Day("stream cut", wire, [wire.streamed(TEXT, ends="cut", until=-3), streamed], TEXT, 2, stream=True)
    yield Day("stream ends early", wire, [wire.streamed(TEXT, until=2), streamed], TEXT, 2, stream=True)
    yield Day("stream of nothing", wire, [wire.streamed(TEXT, until=0), streamed], TEXT, 2, stream=True)
    never = [wire.streamed(TEXT, ends="never", until=2)]
    yield Day("stream that never ends", wire, never, ProviderTimeout, stream=True, timeout_s=0.5)
    nonsense = ndjson(1) if wire is OLLAMA else sse(1)
    yield Day("nonsense in a stream", wire, [nonsense], InvalidAnswer, stream=True)
    # A rejection that says nothing of the request is tried without features, which are not to blame.
    rejected = sent(400, wire.error(f"Your text {USERS_WORDS!r} is not to our liking."))
    requests = 2 if wire is ANTHROPIC else 3
    yield Day("rejected for its text", wire, [rejected], ProviderRejected, requests)
    yield Day("rejected for its text in a stream", wire, [rejected], ProviderRejected, requests, stream=True)
    if wire is not ANTHROPIC:  # Its models then answer by a tool: see below.
        yield Day("no schemas", wire, [sent(400, wire.error("unsupported")), good], TEXT, 2)
        yield Day("no schemas and down", wire, [sent(400, wire.error("unsupported")), failing(503), good], TEXT, 3)


def error(**members: Any) -> dict[str, Any]:
    return {"error": {"message": USERS_WORDS, "type": "invalid_request_error", "param": None, "code": None, **members}}


def detail(*location: str) -> dict[str, Any]:
    return {
        "detail": [{"type": "extra_forbidden", "loc": ["body", *location], "msg": USERS_WORDS, "input": USERS_WORDS}]
    }


def of_openai(wire: Wire) -> Iterator[Day]:
    """Rejections that name the member of the request, as OpenAI and servers like it do."""
    good = wire.good(TEXT)
    schema = {CHAT: "response_format", RESPONSES: "text.format.schema"}[wire]
    effort = {CHAT: "reasoning_effort", RESPONSES: "reasoning.effort"}[wire]
    yield Day("invalid schema", wire, [sent(400, error(param=schema, code="invalid_json_schema")), good], TEXT, 2)
    yield Day("no temperature", wire, [sent(400, error(param="temperature", code="unsupported_value")), good], TEXT, 2)
    both = [sent(400, error(param=param, code="unsupported_parameter")) for param in ("temperature", schema)]
    yield Day("neither", wire, [*both, good], TEXT, 3)
    denied = sent(400, error(param=effort, code="unsupported_value"))
    yield Day("no effort", wire, [denied, good], TEXT, 2, effort="low")
    yield Day(
        "wrong messages",
        wire,
        [sent(400, error(param="messages[1].content"))],
        ProviderRejected,
        1 if wire is CHAT else 3,
    )
    yield Day("wrong model", wire, [sent(400, error(param="model", code="model_not_found"))], ProviderRejected)
    yield Day("too long", wire, [sent(400, error(param="messages", code="context_length_exceeded"))], ProviderRejected)
    yield Day("content filter", wire, [sent(400, error(param="prompt", code="content_filter"))], AnswerRefused)
    yield Day(
        "no quota", wire, [sent(429, error(type="insufficient_quota", code="insufficient_quota"))], ProviderRejected
    )


def of_compatible_servers() -> Iterator[Day]:
    """How servers with OpenAI's chat API differ from it, each as it was observed or documented."""
    good, streamed = CHAT.good(TEXT), CHAT.streamed(TEXT)
    bad = {"object": "error", "message": detail("temperature"), "type": "invalid_request_error", "code": None}
    yield Day("error in its message", CHAT, [sent(422, bad), good], TEXT, 2, provider="mistral")
    yield Day("detail", CHAT, [sent(422, detail("stream_options")), streamed], TEXT, 2, stream=True, provider="vllm")
    wrapped = {
        "object": "error",
        "message": USERS_WORDS,
        "type": "BadRequestError",
        "param": "response_format",
        "code": 400,
    }
    yield Day("flat error", CHAT, [sent(400, wrapped), good], TEXT, 2, provider="vllm")
    yield Day(
        "wrong messages", CHAT, [sent(422, detail("messages", "0", "content"))], ProviderRejected, provider="vllm"
    )
    violation = {
        "@type": "type.googleapis.com/google.rpc.BadRequest",
        "fieldViolations": [{"field": "reasoning_effort", "description": USERS_WORDS}],
    }
    gemini = [{"error": {"code": 400, "message": USERS_WORDS, "status": "INVALID_ARGUMENT", "details": [violation]}}]
    yield Day("list of errors", CHAT, [sent(400, gemini), good], TEXT, 2, provider="gemini", effort="low")
    failed = error(code="json_validate_failed", failed_generation='{"a": ')
    yield Day("answer of another form", CHAT, [sent(400, failed)], InvalidAnswer, provider="groq")
    usage = {"id": "chatcmpl-1", "choices": [], "x_groq": {"id": "req_1", "usage": wires.OPENAI_USAGE}}
    groq = [*CHAT.stream(TEXT, "stop")[:-2], usage, "[DONE]"]
    yield Day("usage of its own", CHAT, [sse(*groq)], TEXT, stream=True, provider="groq")
    upstream = {"error": {"code": 502, "message": "Provider returned error", "metadata": {"raw": USERS_WORDS}}}
    yield Day("error with status 200", CHAT, [sent(200, upstream), good], TEXT, 2, provider="openrouter")
    yield Day(
        "error in a stream",
        CHAT,
        [sse({**upstream, "choices": []}), streamed],
        TEXT,
        2,
        stream=True,
        provider="openrouter",
    )
    comment = Sent(parts=(b": OPENROUTER PROCESSING\n\n", *streamed.parts), media_type=streamed.media_type)
    yield Day("comments", CHAT, [comment], TEXT, stream=True, provider="openrouter")
    filtered = {
        "error": {
            "code": "content_filter",
            "status": 400,
            "message": USERS_WORDS,
            "innererror": {"code": "ResponsibleAIPolicyViolation"},
        }
    }
    yield Day("content filter", CHAT, [sent(400, filtered)], AnswerRefused, provider="azure")
    annotated = [
        {"id": "", "model": "", "choices": [], "prompt_filter_results": [{"prompt_index": 0}]},
        *CHAT.stream(TEXT, "stop"),
    ]
    yield Day("filter results first", CHAT, [sse(*annotated)], TEXT, stream=True, provider="azure")
    too_long = {
        "error": {"code": 400, "message": USERS_WORDS, "type": "exceed_context_size_error", "n_prompt_tokens": 9000}
    }
    yield Day("too long", CHAT, [sent(400, too_long)], ProviderRejected, provider="llamacpp")
    loading = {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}}
    yield Day("loading", CHAT, [sent(503, loading, retry_after="0"), good], TEXT, 2, provider="llamacpp")
    only = {"error": "'response_format.type' must be 'json_schema' or 'text'"}
    yield Day("text as error", CHAT, [sent(400, only), good], TEXT, 2, provider="lmstudio")
    parts = {"role": "assistant", "content": [{"type": "thinking", "thinking": []}, {"type": "text", "text": TEXT}]}
    thinking = {**CHAT.whole(TEXT, "stop"), "choices": [{"index": 0, "finish_reason": "stop", "message": parts}]}
    yield Day("answer in parts", CHAT, [sent(200, thinking)], TEXT, provider="mistral")
    reasons = replace(streamed, parts=streamed.parts[:-1])
    yield Day("no [DONE]", CHAT, [reasons], TEXT, stream=True, provider="together")


def whole(finish_reason: str | None, **message: Any) -> Sent:
    """A chat completion with any message."""
    choice = {"index": 0, "finish_reason": finish_reason, "message": {"role": "assistant", **message}}
    return sent(200, {**CHAT.whole(TEXT, "stop"), "choices": [choice]})


def chunks(*deltas: dict[str, Any], finish_reason: str | None = "stop") -> Sent:
    """A chat completion as a stream of these deltas."""
    events: list[Any] = [{"model": "m", "choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    end = {"model": "m", "choices": [{"index": 0, "delta": {}, "finish_reason": finish_reason}]}
    return sse(*events, end, {"model": "m", "choices": None, "usage": wires.OPENAI_USAGE}, "[DONE]")


def of_reasons_to_end() -> Iterator[Day]:
    """Chat completions that end for reasons of a provider's own, or without an answer."""
    good, streamed = CHAT.good(TEXT), CHAT.streamed(TEXT)
    nothing = {**CHAT.whole(TEXT, "stop"), "choices": []}
    yield Day("no candidates", CHAT, [sent(200, nothing)], InvalidAnswer, provider="gemini")
    prohibited = whole("content_filter: PROHIBITED_CONTENT")
    yield Day("prohibited", CHAT, [prohibited], AnswerRefused, provider="gemini")
    filtered = chunks({"content": TEXT[:5]}, finish_reason="content_filter")
    yield Day("filtered in a stream", CHAT, [filtered], AnswerRefused, stream=True, provider="azure")
    interrupted = whole("insufficient_system_resource", content=TEXT[:5])
    yield Day("lack of resources", CHAT, [interrupted, good], TEXT, 2)
    broken = chunks({"content": TEXT[:5]}, finish_reason="insufficient_system_resource")
    yield Day("lack of resources in a stream", CHAT, [broken, streamed], TEXT, 2, stream=True)
    failed = chunks({"content": TEXT[:5]}, finish_reason="error")
    yield Day("upstream fails in a stream", CHAT, [failed, streamed], TEXT, 2, stream=True, provider="openrouter")
    thoughts = {"content": None, "reasoning_content": f"Perhaps {TEXT}?"}
    yield Day("only thoughts", CHAT, [whole("stop", **thoughts)], InvalidAnswer, provider="vllm")
    yield Day("thoughts without end", CHAT, [whole("length", **thoughts)], AnswerTruncated, provider="vllm")
    first = chunks({"role": "assistant", "content": None}, {"reasoning_content": "Hm."}, {"content": TEXT})
    yield Day("thoughts first", CHAT, [first], TEXT, stream=True, provider="llamacpp")
    endless = chunks({"content": TEXT}, finish_reason=None)
    yield Day("no reason to end", CHAT, [endless], TEXT, stream=True, provider="vllm")
    call = {"id": "1", "type": "function", "function": {"name": "filter", "arguments": TEXT}}
    yield Day("a tool that nobody offered", CHAT, [whole("tool_calls", content=None, tool_calls=[call])], InvalidAnswer)


def of_gateways() -> Iterator[Day]:
    """What stands between us and the provider."""
    good, streamed = CHAT.good(TEXT), CHAT.streamed(TEXT)
    for status in (520, 522, 524):
        page = sent(status, f"<!DOCTYPE html><title>api.example.com | {status}</title>", retry_after="0")
        yield Day(f"{status} once", CHAT, [page, good], TEXT, 2, stream=True)
    challenge = sent(403, "<!DOCTYPE html><title>Just a moment...</title>", cf_mitigated="challenge")
    yield Day("challenge", CHAT, [challenge], ProviderRejected)
    body = b"".join(good.parts)
    compressed = sent(200, gzip.compress(body), content_encoding="gzip")
    yield Day("compressed", CHAT, [compressed], TEXT)
    pieces = gzip.compress(b"".join(streamed.parts))
    packed = replace(streamed, parts=(pieces[:20], pieces[20:]), headers={"content-encoding": "gzip"})
    yield Day("compressed stream", CHAT, [packed], TEXT, stream=True)
    yield Day("wrongly compressed", CHAT, [sent(200, body, content_encoding="gzip")], InvalidAnswer)
    waiting = sent(200, b"\n\n\n" + body)
    yield Day("blank lines while it waits", CHAT, [waiting], TEXT)
    returns = replace(streamed, parts=tuple(part.replace(b"\n", b"\r\n") for part in streamed.parts))
    yield Day("line ends of its own", CHAT, [returns], TEXT, stream=True)
    told = Sent(parts=(b'event: error\ndata: {"error": {"message": "Model unloaded"}}\n\n',), media_type=SSE)
    yield Day("error as an event", CHAT, [told, streamed], TEXT, 2, stream=True, provider="lmstudio")


def of_one_api() -> Iterator[Day]:
    """What only one API can send."""
    good, streamed = ANTHROPIC.good(TEXT), ANTHROPIC.streamed(TEXT)
    overloaded = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    yield Day(
        "overloaded in a stream",
        ANTHROPIC,
        [sse(*ANTHROPIC.stream(TEXT, "stop")[:8], overloaded), streamed],
        TEXT,
        2,
        stream=True,
    )
    denied = {"type": "error", "error": {"type": "authentication_error", "message": "no"}}
    yield Day("denied in a stream", ANTHROPIC, [sse(denied)], ProviderRejected, stream=True)
    full = {**ANTHROPIC.whole(TEXT, "stop"), "stop_reason": "model_context_window_exceeded"}
    yield Day("full window", ANTHROPIC, [sent(200, full)], AnswerTruncated)
    only_thinking = {**ANTHROPIC.whole(TEXT, "stop"), "content": [{"type": "thinking", "thinking": "Hm."}]}
    yield Day("only thoughts", ANTHROPIC, [sent(200, only_thinking)], InvalidAnswer)
    tool = {
        **ANTHROPIC.whole(TEXT, "stop"),
        "content": [{"type": "tool_use", "id": "t", "name": "answer", "input": json.loads(TEXT)}],
    }
    grammar = ANTHROPIC.error("output_config.format.schema: The compiled grammar is too large.")
    as_tool = json.dumps(json.loads(TEXT), ensure_ascii=False, separators=(",", ":"))
    yield Day("grammar too large", ANTHROPIC, [sent(400, grammar), sent(200, tool)], as_tool, 2)
    yield Day("text instead of the tool", ANTHROPIC, [sent(400, grammar), good], InvalidAnswer, 2)
    limited = {
        **RESPONSES.whole(TEXT, "stop"),
        "status": "failed",
        "error": {"code": "rate_limit_exceeded", "message": "slow down"},
    }
    yield Day("failed by a limit", RESPONSES, [sent(200, limited), RESPONSES.good(TEXT)], TEXT, 2)
    prompt = {**limited, "error": {"code": "invalid_prompt", "message": "no"}}
    yield Day("failed by its prompt", RESPONSES, [sent(200, prompt)], ProviderRejected)
    event = {"type": "response.failed", "response": {**limited, "error": {"code": "server_error", "message": "oops"}}}
    yield Day("failed in a stream", RESPONSES, [sse(event), RESPONSES.streamed(TEXT)], TEXT, 2, stream=True)
    flat = {"type": "error", "code": "server_error", "message": "oops", "param": None}
    yield Day("error in a stream", RESPONSES, [sse(flat), RESPONSES.streamed(TEXT)], TEXT, 2, stream=True)
    filtered = {**RESPONSES.whole(TEXT, "length"), "incomplete_details": {"reason": "content_filter"}}
    yield Day("filtered answer", RESPONSES, [sent(200, filtered)], AnswerRefused)
    runner = ndjson(OLLAMA.stream(TEXT, "stop")[0], {"error": "an error was encountered while running the model"})
    yield Day("runner dies", OLLAMA, [runner, OLLAMA.streamed(TEXT)], TEXT, 2, stream=True)
    yield Day("model not pulled", OLLAMA, [sent(404, {"error": "model 'm' not found"})], ProviderRejected)
    yield Day("queue full", OLLAMA, [sent(503, {"error": "server busy"}, retry_after="0"), OLLAMA.good(TEXT)], TEXT, 2)


DAYS = [
    *(day for wire in WIRES for day in of_every_api(wire)),
    *(day for wire in (CHAT, RESPONSES) for day in of_openai(wire)),
    *of_compatible_servers(),
    *of_reasons_to_end(),
    *of_gateways(),
    *of_one_api(),
]


@pytest.fixture(scope="module")
def peers() -> Iterator[dict[str, Peer]]:
    with ExitStack() as stack:
        yield {wire.path: stack.enter_context(wires.running(wire.path)) for wire in WIRES}


def test_the_table_is_long() -> None:
    assert len(DAYS) >= 150
    assert len(set(map(str, DAYS))) == len(DAYS)


@pytest.mark.parametrize("day", DAYS, ids=str)
async def test_a_day(day: Day, peers: dict[str, Peer]) -> None:
    peer = peers[day.wire.path]
    peer.script(*day.sends)
    config = LLMConfig(
        provider=day.provider or day.wire.provider,
        base_url=peer.url,
        api_key="sk-test",
        model="m",
        timeout_s=day.timeout_s,
        effort=day.effort,
    )
    listener = Heard() if day.stream else None
    async with create(config) as provider:
        try:
            answer = await provider.complete(MESSAGES, SCHEMA, listener)
        except ProviderError as exc:
            assert type(exc) is day.outcome, exc
            assert exc.usage["calls"] == exc.usage["failed_calls"] == day.requests
            assert "sk-test" not in str(exc)
        else:
            assert answer.content == day.outcome
            assert answer.usage
            assert (answer.usage["calls"], answer.usage.get("failed_calls", 0)) == (day.requests, day.requests - 1)
            assert answer.usage["total_tokens"] == answer.usage["input_tokens"] + answer.usage["output_tokens"]
            assert listener is None or listener.tries[-1] == answer.content
    assert len(peer.requests) == day.requests
