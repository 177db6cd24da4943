"""An OpenAI-like server with bad days: it refuses calls for their rate, fails, or breaks off its streams."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.peers.llm import serving

# Decides about the request of this number, which came so many seconds after the first: a refusal, or None.
Policy = Callable[[int, float], Response | None]


def refusal(wait_s: float | str | None = 2, text: str = "Rate limit reached", **headers: str) -> Response:
    """A 429, with the wait in `Retry-After` unless that is None."""
    if wait_s is not None:
        headers["retry-after"] = str(wait_s)
    error = {"message": text, "type": "requests", "code": "rate_limit_exceeded"}
    return JSONResponse({"error": error}, 429, headers)


def refusing_for(seconds: float, wait_s: float = 2) -> Policy:
    """Refuse everything for a while after the first request."""
    return lambda number, elapsed_s: refusal(wait_s) if elapsed_s < seconds else None


def failing(number: int, elapsed_s: float) -> Response:
    """Answer 503 to everything."""
    return JSONResponse({"error": {"message": "upstream is away"}}, 503)


@dataclass
class Server:
    """The server: `policy` decides about each request, others are answered with `content` and `headers`.

    Of so many streams as `breaks` says, the last breaks off in the middle; none if it is 0. An answer takes
    `latency_s`, and so many are `running`.
    """

    url: str = ""
    policy: Policy = lambda number, elapsed_s: None
    content: str = "{}"
    headers: dict[str, str] = field(default_factory=dict)
    breaks: int = 0
    latency_s: float = 0.0
    requests: int = 0
    answers: int = 0
    running: int = 0
    _began: float = 0.0

    def begin(self, policy: Policy, **changes: Any) -> None:
        """Forget the requests so far, and follow another policy from the next one on."""
        self.requests = self.answers = 0
        self.policy, self.breaks, self.latency_s, self.headers = policy, 0, 0.0, {}
        for name, value in changes.items():
            setattr(self, name, value)

    async def answer(self, request: Request) -> Response:
        """One chat completion, or the embeddings of some texts."""
        data = await request.json()
        self._began = self._began if self.requests else time.monotonic()
        self.requests += 1
        number = self.requests
        if response := self.policy(number, time.monotonic() - self._began):
            return response
        self.answers += 1
        self.running += 1
        try:
            await asyncio.sleep(self.latency_s)
        finally:
            self.running -= 1
        if "input" in data:
            vectors = [{"index": at, "embedding": [1.0, 2.0]} for at in range(len(data["input"]))]
            return JSONResponse({"data": vectors}, headers=self.headers)
        if data.get("stream"):
            body = self._stream(broken=bool(self.breaks) and number % self.breaks == 0)
            return StreamingResponse(body, media_type="text/event-stream", headers=self.headers)
        choice = {"index": 0, "message": {"role": "assistant", "content": self.content}, "finish_reason": "stop"}
        return JSONResponse({"model": "test-1", "choices": [choice]}, headers=self.headers)

    async def _stream(self, *, broken: bool) -> AsyncIterator[str]:
        half = len(self.content) // 2
        yield _event(delta={"content": self.content[:half]})
        if broken:
            raise ConnectionAbortedError("as the test says")
        yield _event(delta={"content": self.content[half:]}, finish_reason="stop")
        yield "data: [DONE]\n\n"


def _event(**choice: Any) -> str:
    return f"data: {json.dumps({'model': 'test-1', 'choices': [{'index': 0, **choice}]})}\n\n"


@contextmanager
def running() -> Iterator[Server]:
    """The server on a free port of loopback, in a thread, while inside."""
    server = Server()
    paths = ("/v1/chat/completions", "/v1/embeddings")
    with serving([Route(path, server.answer, methods=["POST"]) for path in paths]) as url:
        server.url = f"{url}/v1"
        yield server
