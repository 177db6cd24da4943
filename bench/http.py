"""A client that costs little CPU time, so that a benchmark measures the server: HTTP/1.1 on bare sockets."""

import asyncio
from collections import deque
from types import TracebackType
from typing import Any, Self

import orjson

DONE = b"event: done"


class HTTP:
    """Connections that are kept to one server. Each carries one request at a time."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._idle: deque[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = deque()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for _, writer in self._idle:
            writer.close()

    async def request(self, method: str, path: str, body: Any = None, *headers: str) -> tuple[int, bytes]:
        """Send a request; returns the status and the body."""
        content = b"" if body is None else orjson.dumps(body)
        reader, writer = await self._send(method, path, content, headers)
        status, closes = 0, False
        length = 0
        while (line := await reader.readline()) != b"\r\n":
            if not line:
                raise ConnectionError(f"{method} {path}: the server closed the connection")
            if not status:
                status = int(line[9:12])
                continue
            name, _, value = line.partition(b":")
            if (name := name.lower()) == b"content-length":
                length = int(value)
            closes |= name == b"connection" and value.strip().lower() == b"close"
        answer = await reader.readexactly(length)
        if closes:
            writer.close()
        else:
            self._idle.append((reader, writer))
        return status, answer

    async def follow(self, path: str) -> None:
        """Read a stream of events to its end, which must be `done`."""
        reader, writer = await self._send("GET", path, b"", ("Accept: text/event-stream",))
        received = b""
        try:
            while DONE not in received:
                if not (chunk := await reader.read(65536)):
                    raise ConnectionError(f"{path} ended without an event `done`: {received[-300:]!r}")
                received = received[-len(DONE) :] + chunk
        finally:
            writer.close()

    async def _send(
        self, method: str, path: str, content: bytes, headers: tuple[str, ...]
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._idle:
            reader, writer = self._idle.popleft()
        else:
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        kinds = ("Content-Type: application/json", f"Content-Length: {len(content)}") if content else ()
        head = "\r\n".join([f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{self._port}", *kinds, *headers])
        writer.write(head.encode() + b"\r\n\r\n" + content)
        return reader, writer
