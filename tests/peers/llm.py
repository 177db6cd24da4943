"""A server that speaks the OpenAI chat API and answers each request as its script says."""

import asyncio
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


@dataclass(frozen=True)
class Reply:
    """One way to answer. `delay_s` comes before the first byte."""

    status: int = 200
    content: str | None = None
    body: bytes | None = None
    refusal: str | None = None
    finish_reason: str = "stop"
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0.0


def good(content: Any) -> Reply:
    """A chat completion with this content, as JSON unless it is a string."""
    return Reply(content=content if isinstance(content, str) else json.dumps(content))


malformed = Reply(content='{"conditions": [')
rate_limited = Reply(429, headers={"retry-after": "0"}, body=b'{"error": {"message": "slow down"}}')
server_error = Reply(500, body=b'{"error": {"message": "something broke"}}')
unauthorized = Reply(401, body=b'{"error": {"message": "wrong key"}}')
no_json_schema = Reply(400, body=b'{"error": {"message": "response_format json_schema is not supported"}}')
slow = Reply(content="{}", delay_s=30)
refusal = Reply(refusal="I would rather not.")
truncated = Reply(content='{"conditions": []', finish_reason="length")
huge = Reply(body=b'"' + b"x" * 2_000_000 + b'"')
no_completion = Reply(body=b'{"choices": []}')


class LLM:
    """The script: replies in order, the last of them for ever. `requests` is what came. While `talking` is not set,
    every request waits.
    """

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.talking = threading.Event()
        self.talking.set()
        self._script: list[Reply] = []

    def script(self, *replies: Reply) -> None:
        """Answer like this from now on, and forget the requests so far."""
        self._script = list(replies)
        self.requests.clear()
        self.keys.clear()

    async def answer(self, request: Request) -> Response:
        """One chat completion."""
        try:
            self.requests.append(await request.json())
        except ClientDisconnect:  # a caller that was killed
            return Response()
        self.keys.append(request.headers.get("authorization"))
        reply = self._script.pop(0) if len(self._script) > 1 else self._script[0]
        await asyncio.sleep(reply.delay_s)
        while not self.talking.is_set():
            await asyncio.sleep(0.02)
        if reply.body is not None:
            return Response(reply.body, reply.status, reply.headers, media_type="application/json")
        message = {"role": "assistant", "content": reply.content, "refusal": reply.refusal}
        completion = {
            "model": "test-1",
            "choices": [{"index": 0, "message": message, "finish_reason": reply.finish_reason}],
            "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15, "details": {}},
        }
        return JSONResponse(completion, reply.status, reply.headers)


@contextmanager
def running() -> Iterator[LLM]:
    """The server on a free port of loopback, in a thread, while inside."""
    llm = LLM()
    with serving([Route("/v1/chat/completions", llm.answer, methods=["POST"])]) as url:
        llm.url = f"{url}/v1"
        yield llm


@contextmanager
def serving(routes: Sequence[Route]) -> Iterator[str]:
    """Any routes on a free port of loopback, in a thread; gives the address."""
    config = uvicorn.Config(Starlette(routes=list(routes)), port=0, log_config=None, timeout_graceful_shutdown=1)
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
