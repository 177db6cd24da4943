"""A client of a stream of events that costs little CPU time."""

import asyncio
import re
import time
from typing import Any

_SENT_AT = re.compile(rb'"sent_ns":(\d+)')


class StreamClient(asyncio.Protocol):
    """One stream, read as bytes: the status, how it ended, and how long its events took."""

    def __init__(self, path: str, port: int) -> None:
        self._request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: text/event-stream\r\n\r\n".encode()
        self._tail = b""
        self.status = ""
        self.began = asyncio.Event()
        self.ended = asyncio.Event()
        self.done = False
        self.latencies_ms: list[float] = []

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        now_ns = time.time_ns()
        if not self.status:
            self.status = data[9:12].decode()
        self._tail = self._tail[-64:] + data
        self.latencies_ms += [(now_ns - int(sent)) / 1e6 for sent in _SENT_AT.findall(self._tail)]
        if b"event: snapshot" in self._tail or self.status != "200":
            self.began.set()
        self.done = self.done or b"event: done" in self._tail
        if self.done or self._tail.endswith(b"\r\n0\r\n\r\n") or self.status != "200":
            self.ended.set()
        self._tail = b"" if self.latencies_ms else self._tail

    def connection_lost(self, exc: Exception | None) -> None:
        self.began.set()
        self.ended.set()
