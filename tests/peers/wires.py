"""Servers that speak the wire formats of LLM and embedding APIs, and answer each request as their script says."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from tests.peers.llm import serving

SSE, NDJSON, JSON = "text/event-stream", "application/x-ndjson", "application/json"


@dataclass(frozen=True)
class Sent:
    """A response as it goes over the wire. A stream has one element of `parts` to a packet, and `ends` as it says."""

    status: int = 200
    parts: tuple[bytes, ...] = (b"",)
    media_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    ends: Literal["done", "cut", "never"] = "done"


def sent(status: int, body: Any, **headers: str) -> Sent:
    """A response with this body, as JSON unless it is bytes or a string."""
    content = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return Sent(status, (content,), headers={name.replace("_", "-"): value for name, value in headers.items()})


def sse(*events: Any, ends: Literal["done", "cut", "never"] = "done") -> Sent:
    """A stream of these events."""
    return Sent(parts=tuple(map(_event, events)), media_type=SSE, ends=ends)


def ndjson(*lines: Any, ends: Literal["done", "cut", "never"] = "done") -> Sent:
    """A stream of these lines."""
    return Sent(parts=tuple(json.dumps(line).encode() + b"\n" for line in lines), media_type=NDJSON, ends=ends)


def _event(data: Any) -> bytes:
    named = f"event: {data['type']}\n" if isinstance(data, dict) and isinstance(data.get("type"), str) else ""
    return f"{named}data: {data if isinstance(data, str) else json.dumps(data)}\n\n".encode()


class Peer:
    """The script: responses in order, the last of them for ever. `requests` is what came."""

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.rule: Callable[[dict[str, Any]], Sent] | None = None
        self._script: list[Sent] = []

    def script(self, *responses: Sent) -> None:
        """Answer like this from now on, and forget the requests so far."""
        self._script = list(responses)
        self.rule = None
        self.requests.clear()
        self.headers.clear()

    def _next(self) -> Sent:
        return self._script.pop(0) if len(self._script) > 1 else self._script[0]

    async def answer(self, request: Request) -> Response:
        body = await _read(request)
        self.requests.append(body)
        self.headers.append(dict(request.headers))
        reply = self.rule(body) if self.rule else self._next()
        headers = dict(reply.headers)
        if reply.media_type == JSON and reply.ends == "done":
            return Response(b"".join(reply.parts), reply.status, headers, media_type=JSON)
        return StreamingResponse(_parts(reply), reply.status, headers, media_type=reply.media_type)


async def _read(request: Request) -> dict[str, Any]:
    """The JSON of a request, or the fields of its form: the content of a file, the list of a field that is repeated."""
    if not request.headers["content-type"].startswith("multipart/"):
        data: dict[str, Any] = await request.json()
        return data
    fields: dict[str, Any] = {}
    async with request.form() as form:
        for name in form:
            values = [await value.read() if isinstance(value, UploadFile) else value for value in form.getlist(name)]
            fields[name] = values if name.endswith("[]") else values[0]
    return fields


async def _parts(reply: Sent) -> AsyncIterator[bytes]:
    for part in reply.parts:
        yield part
        await asyncio.sleep(0)
    if reply.ends == "cut":
        raise ConnectionAbortedError("as the script says")
    while reply.ends == "never":
        yield b": ping\n\n" if reply.media_type == SSE else b"\n"
        await asyncio.sleep(0.05)


@contextmanager
def running(path: str) -> Iterator[Peer]:
    """A server with one path on a free port of loopback, in a thread, while inside."""
    peer = Peer()
    with serving([Route(path, peer.answer, methods=["POST"])]) as url:
        peer.url = url
        yield peer


@dataclass(frozen=True, eq=False)
class Wire:
    """The format of one chat API: a whole answer, an answer as a stream, and an error.

    `reason` is why an answer ends: `stop`, `length` or `refusal`. `counts` is what the answer's usage amounts to.
    """

    provider: str
    path: str
    whole: Callable[[str, str], dict[str, Any]]
    stream: Callable[[str, str], Sequence[Any]]
    error: Callable[[str], dict[str, Any]]
    counts: Mapping[str, int]

    def good(self, content: str = "{}", reason: str = "stop") -> Sent:
        """A whole answer."""
        return sent(200, self.whole(content, reason))

    def streamed(
        self,
        content: str = "{}",
        reason: str = "stop",
        *,
        ends: Literal["done", "cut", "never"] = "done",
        until: int = 999,
    ) -> Sent:
        """The events of an answer, or the first of them."""
        events = self.stream(content, reason)[:until]
        return ndjson(*events, ends=ends) if self.provider == "ollama" else sse(*events, ends=ends)


def halves(text: str) -> tuple[str, str]:
    return text[: len(text) // 2], text[len(text) // 2 :]


OPENAI_USAGE = {
    "prompt_tokens": 1518,
    "completion_tokens": 70,
    "total_tokens": 1588,
    "prompt_tokens_details": {"cached_tokens": 1425, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 30, "audio_tokens": 0},
}
OPENAI_REASONS = {"refusal": "stop"}


def _chat(content: str, reason: str) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": content, "refusal": None, "annotations": []}
    if reason == "refusal":
        message |= {"content": None, "refusal": "I cannot help with that."}
    choice = {"index": 0, "message": message, "finish_reason": OPENAI_REASONS.get(reason, reason), "logprobs": None}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1764128000,
        "model": "test-1",
        "choices": [choice],
        "usage": OPENAI_USAGE,
    }


def _chat_stream(content: str, reason: str) -> list[Any]:
    def chunk(choices: list[Any], **members: Any) -> dict[str, Any]:
        about = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1764128000, "model": "test-1"}
        return {**about, "choices": choices, **members}

    def choice(finish_reason: str | None = None, **delta: Any) -> dict[str, Any]:
        return {"index": 0, "delta": delta, "finish_reason": finish_reason, "logprobs": None}

    member = "refusal" if reason == "refusal" else "content"
    return [
        chunk([choice(role="assistant", content="", refusal=None)]),
        *(chunk([choice(**{member: half})]) for half in halves(content)),
        chunk([choice(OPENAI_REASONS.get(reason, reason))]),
        chunk([], usage=OPENAI_USAGE),
        "[DONE]",
    ]


RESPONSE_USAGE = {
    "input_tokens": 1518,
    "input_tokens_details": {"cached_tokens": 1425, "cache_write_tokens": 0},
    "output_tokens": 70,
    "output_tokens_details": {"reasoning_tokens": 30},
    "total_tokens": 1588,
}


def _response(content: str, reason: str) -> dict[str, Any]:
    part: dict[str, Any] = {"type": "output_text", "text": content, "annotations": [], "logprobs": []}
    if reason == "refusal":
        part = {"type": "refusal", "refusal": "I cannot help with that."}
    status = "incomplete" if reason == "length" else "completed"
    message = {"id": "msg_1", "type": "message", "role": "assistant", "status": status, "content": [part]}
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1764128000,
        "status": status,
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if reason == "length" else None,
        "model": "test-1",
        "output": [{"id": "rs_1", "type": "reasoning", "summary": []}, message],
        "usage": RESPONSE_USAGE,
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
    }


def _response_stream(content: str, reason: str) -> list[Any]:
    response = _response(content, reason)
    kind = "refusal" if reason == "refusal" else "output_text"
    about: dict[str, Any] = {"item_id": "msg_1", "output_index": 1, "content_index": 0}
    if kind == "output_text":
        about["logprobs"] = []
    events = [
        {"type": "response.created", "response": {**response, "status": "in_progress", "output": [], "usage": None}},
        {"type": "response.output_item.added", "output_index": 0, "item": response["output"][0]},
        *({"type": f"response.{kind}.delta", **about, "delta": half} for half in halves(content)),
        {"type": f"response.{response['status']}", "response": response},
    ]
    return [{**event, "sequence_number": number} for number, event in enumerate(events)]


ANTHROPIC_USAGE = {
    "input_tokens": 93,
    "cache_read_input_tokens": 1425,
    "cache_creation_input_tokens": 0,
    "output_tokens": 70,
    "output_tokens_details": {"thinking_tokens": 30},
    "service_tier": "standard",
}
ANTHROPIC_REASONS = {"stop": "end_turn", "length": "max_tokens", "refusal": "refusal"}


def _message(content: str, reason: str) -> dict[str, Any]:
    thinking = {"type": "thinking", "thinking": "Hm.", "signature": "c2lnbmF0dXJl"}
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "test-1",
        "content": [thinking, {"type": "text", "text": content, "citations": None}],
        "stop_reason": ANTHROPIC_REASONS[reason],
        "stop_sequence": None,
        "usage": ANTHROPIC_USAGE,
    }


def _message_stream(content: str, reason: str) -> list[Any]:
    message = _message(content, reason)
    start = {**message, "content": [], "stop_reason": None, "usage": {**ANTHROPIC_USAGE, "output_tokens": 1}}

    def delta(index: int, kind: str, **members: str) -> dict[str, Any]:
        return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **members}}

    return [
        {"type": "message_start", "message": start},
        {
            "type": "content_block_start",
            "index": 0,
            "content_block": {"type": "thinking", "thinking": "", "signature": ""},
        },
        {"type": "ping"},
        delta(0, "thinking_delta", thinking="Hm."),
        delta(0, "signature_delta", signature="c2lnbmF0dXJl"),
        {"type": "content_block_stop", "index": 0},
        {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}},
        *(delta(1, "text_delta", text=half) for half in halves(content)),
        {"type": "content_block_stop", "index": 1},
        {
            "type": "message_delta",
            "delta": {"stop_reason": message["stop_reason"], "stop_sequence": None},
            "usage": {"output_tokens": 70, "output_tokens_details": {"thinking_tokens": 30}},
        },
        {"type": "message_stop"},
    ]


OLLAMA_END = {
    "total_duration": 4_935_886_791,
    "load_duration": 534_986_708,
    "prompt_eval_count": 1518,
    "prompt_eval_duration": 107_345_000,
    "eval_count": 70,
    "eval_duration": 4_289_432_000,
}


def _ollama(content: str, reason: str) -> dict[str, Any]:
    about = {"model": "test-1", "created_at": "2026-11-26T03:34:27.000000Z"}
    message = {"role": "assistant", "content": content}
    return {**about, "message": message, "done": True, "done_reason": reason, **OLLAMA_END}


def _ollama_stream(content: str, reason: str) -> list[Any]:
    last = _ollama("", reason)
    about = {name: last[name] for name in ("model", "created_at")}
    parts = [{**about, "message": {"role": "assistant", "content": half}, "done": False} for half in halves(content)]
    return [*parts, last]


_COUNTS = {
    "input_tokens": 1518,
    "cached_tokens": 1425,
    "output_tokens": 70,
    "reasoning_tokens": 30,
    "total_tokens": 1588,
}

CHAT = Wire(
    "openai",
    "/chat/completions",
    _chat,
    _chat_stream,
    lambda text: {"error": {"message": text, "type": "invalid_request_error", "param": None, "code": None}},
    _COUNTS,
)
RESPONSES = Wire(
    "responses",
    "/responses",
    _response,
    _response_stream,
    lambda text: {"error": {"message": text, "type": "invalid_request_error", "param": None, "code": None}},
    _COUNTS,
)
ANTHROPIC = Wire(
    "anthropic",
    "/messages",
    _message,
    _message_stream,
    lambda text: {"type": "error", "error": {"type": "invalid_request_error", "message": text}, "request_id": "req_1"},
    _COUNTS,
)
OLLAMA = Wire(
    "ollama",
    "/api/chat",
    _ollama,
    _ollama_stream,
    lambda text: {"error": text},
    {"input_tokens": 1518, "output_tokens": 70, "total_tokens": 1588},
)
WIRES = (CHAT, RESPONSES, ANTHROPIC, OLLAMA)
