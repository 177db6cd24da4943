"""A server that speaks the OpenAI chat API and answers each request as its script says, streaming when asked to."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route


@dataclass(frozen=True)
class Reply:
    """One way to answer. `delay_s` comes before the first byte; until `gate` is set, if there is one, nothing does.

    A stream has `piece` characters to an event and `pause_s` before each. It `ends` in order, without its "[DONE]",
    with the connection left open; or in the middle of the text: as if all was well, broken, with an error, or never.
    `packet`: so many bytes are sent at once, wherever an event or a character ends. `streams`: whether it can.
    `usage`: the tokens that it took, if not the usual ones.
    """

    status: int = 200
    content: str | None = None
    body: bytes | None = None
    refusal: str | None = None
    finish_reason: str = "stop"
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    gate: threading.Event | None = None
    streams: bool = True
    piece: int = 20
    pause_s: float = 0.0
    packet: int | None = None
    ends: Literal["done", "not done", "open", "early", "cut", "error", "never"] = "done"
    error: Any = None
    usage: dict[str, Any] | None = None


def good(content: Any) -> Reply:
    """A chat completion with this content, as JSON unless it is a string."""
    return Reply(content=content if isinstance(content, str) else json.dumps(content))


USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15, "details": {}}

malformed = Reply(content='{"conditions": [')
rate_limited = Reply(429, headers={"retry-after": "0"}, body=b'{"error": {"message": "slow down"}}')
server_error = Reply(500, body=b'{"error": {"message": "something broke"}}')
unauthorized = Reply(401, body=b'{"error": {"message": "wrong key"}}')
no_json_schema = Reply(400, body=b'{"error": {"message": "no json_schema", "param": "response_format"}}')
no_stream_options = Reply(422, body=b'{"detail": [{"loc": ["body", "stream_options"], "msg": "not permitted"}]}')
no_stream = Reply(400, body=b'{"error": {"message": "not supported", "param": "stream"}}')
slow = Reply(content="{}", delay_s=30)
refusal = Reply(refusal="I would rather not.")
truncated = Reply(content='{"conditions": []', finish_reason="length")
huge = Reply(body=b'"' + b"x" * 2_000_000 + b'"')
no_completion = Reply(body=b'{"choices": []}')


class LLM:
    """The script: replies in order, the last of them for ever. `requests` is what came, with its `headers`. While
    `talking` is not set, every request waits. `delays`: seconds instead of the reply's own, where the question has the
    word. `respond`, if set, makes the reply to each request instead of the script.
    """

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.headers: list[dict[str, str]] = []
        self.talking = threading.Event()
        self.talking.set()
        self.delays: dict[str, float] = {}
        self.respond: Callable[[dict[str, Any]], Reply] | None = None
        self._script: list[Reply] = []

    def script(self, *replies: Reply) -> None:
        """Answer like this from now on, and forget the requests so far."""
        self.respond = None
        self._script = list(replies)
        self.requests.clear()
        self.keys.clear()
        self.headers.clear()

    async def answer(self, request: Request) -> Response:
        """One chat completion."""
        try:
            body = await request.json()
        except ClientDisconnect:  # a caller that was killed
            return Response()
        self.requests.append(body)
        self.keys.append(request.headers.get("authorization"))
        self.headers.append(dict(request.headers))
        if self.respond:
            reply = self.respond(body)
        else:
            reply = self._script.pop(0) if len(self._script) > 1 else self._script[0]
        question = json.dumps(body)
        await asyncio.sleep(next((delay for word, delay in self.delays.items() if word in question), reply.delay_s))
        while not self.talking.is_set() or (reply.gate and not reply.gate.is_set()):
            await asyncio.sleep(0.02)
        if reply.body is not None:
            return Response(reply.body, reply.status, reply.headers, media_type="application/json")
        if body.get("stream") and reply.streams:
            usage = bool(body.get("stream_options", {}).get("include_usage"))
            return StreamingResponse(streamed(_events(reply, usage), reply), media_type="text/event-stream")
        message = {"role": "assistant", "content": reply.content, "refusal": reply.refusal}
        completion = {
            "model": "test-1",
            "choices": [{"index": 0, "message": message, "finish_reason": reply.finish_reason}],
            "usage": reply.usage or USAGE,
        }
        return JSONResponse(completion, reply.status, reply.headers)


def _events(reply: Reply, usage: bool) -> Sequence[str]:
    """The data of a stream's events, as OpenAI sends them."""

    def chunk(**choice: Any) -> str:
        return json.dumps({"model": "test-1", "choices": [{"index": 0, **choice}]}, ensure_ascii=False)

    text = [chunk(delta={"content": piece}) for piece in pieces(reply)]
    said = [chunk(delta={"role": "assistant", "content": "", "refusal": reply.refusal}), *text]
    end = [chunk(delta={}, finish_reason=reply.finish_reason)]
    if usage:
        end.append(json.dumps({"model": "test-1", "choices": [], "usage": USAGE}))
    match reply.ends:
        case "done" | "open":
            return [*said, *end, "[DONE]"]
        case "not done":
            return [*said, *end]
        case "error":
            return [*said[: len(said) // 2 + 1], json.dumps({"error": reply.error})]
    return said[: len(said) // 2 + 1]


def pieces(reply: Reply) -> list[str]:
    """The text that a reply streams."""
    content = reply.content or ""
    return [content[at : at + reply.piece] for at in range(0, len(content), reply.piece)]


async def streamed(events: Sequence[str], reply: Reply) -> AsyncIterator[bytes]:
    """Data as a stream of events, ended as the reply says."""
    lines = [f"{'' if data[0] == '[' else named(data)}data: {data}\n\n".encode() for data in events]
    if reply.packet:
        joined = b"".join(lines)
        lines = [joined[at : at + reply.packet] for at in range(0, len(joined), reply.packet)]
    for line in lines:
        await asyncio.sleep(reply.pause_s)
        yield line
    if reply.ends == "cut":
        raise ConnectionAbortedError("as the script says")
    while reply.ends in ("open", "never"):
        yield b": ping\n\n"
        await asyncio.sleep(0.05)


def named(data: str) -> str:
    """The line that names an event by its type, where its data has one."""
    kind = json.loads(data).get("type")
    return f"event: {kind}\n" if kind else ""


@contextmanager
def running() -> Iterator[LLM]:
    """The server on a free port of loopback, in a thread, while inside."""
    llm = LLM()
    with serving([Route("/v1/chat/completions", llm.answer, methods=["POST"])]) as url:
        llm.url = f"{url}/v1"
        yield llm


@contextmanager
def serving(routes: Sequence[Route], port: int = 0) -> Iterator[str]:
    """Any routes on a port of loopback, by default a free one, in a thread; gives the address."""
    config = uvicorn.Config(Starlette(routes=list(routes)), port=port, log_config=None, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    socket = config.bind_socket()
    socket.listen()  # who connects before the server runs is answered when it does
    thread = threading.Thread(target=server.run, args=([socket],))
    thread.start()
    try:
        yield f"http://127.0.0.1:{socket.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        socket.close()
