"""An LLM that answers every request with the same stream, in a process of its own."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from subprocess import PIPE
from typing import Any

import orjson

ANSWER: dict[str, Any] = {
    "conditions": [
        {"field": "Origin", "op": "=", "value": "Japan", "quote": "japanese", "group": 0, "confidence": 0.99},
        {
            "field": "Miles_per_Gallon",
            "op": ">=",
            "value": 30,
            "quote": "at least 30 mpg",
            "group": 0,
            "confidence": 0.9,
        },
    ],
    **{"sort": [], "limit": None, "text": "", "ignored": [], "clarification": None},
}
# A token has four characters or so; servers send a few in one event.
PIECE = 20


def _response() -> bytes:
    text = orjson.dumps(ANSWER).decode()
    deltas: list[dict[str, Any]] = [{"content": text[at : at + PIECE]} for at in range(0, len(text), PIECE)]
    choices: list[dict[str, Any]] = [{"index": 0, "delta": delta} for delta in deltas]
    choices.append({"index": 0, "delta": {}, "finish_reason": "stop"})
    events = [b"data: %s\n\n" % orjson.dumps({"model": "m", "choices": [choice]}) for choice in choices]
    body = b"".join([*events, b"data: [DONE]\n\n"])
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    return head + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)


class LLM(asyncio.Protocol):
    """A connection of the LLM: each request is answered after `answer_after_s`."""

    RESPONSE = _response()

    def __init__(self, answer_after_s: float) -> None:
        self._answer_after_s = answer_after_s

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._received = b""

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0) if end else 0
        if end and len(body) >= length:
            self._received = b""
            asyncio.get_running_loop().call_later(self._answer_after_s, self._transport.write, self.RESPONSE)


@asynccontextmanager
async def serving(answer_after_s: float = 0.0) -> AsyncIterator[str]:
    """The LLM, while inside; gives the base URL of its API."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.llm", str(answer_after_s), stdout=PIPE, stdin=PIPE
    )
    try:
        assert process.stdout
        port = int(await process.stdout.readline())
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        await process.wait()


def settings(url: str) -> dict[str, str]:
    """Return the settings of a service that asks this LLM about every text."""
    return {"OPENAI_BASE_URL": url, "LLM_MODEL": "m", "LLM_SKIP_CERTAIN": "false", "LLM_CACHE_S": "0"}


async def main(answer_after_s: float) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: LLM(answer_after_s), "127.0.0.1", 0, backlog=500)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1])))
