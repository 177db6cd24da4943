"""The transport of requests: httpx, asynchronous or synchronous.

The client is written once, as coroutines over a `Transport`. A synchronous transport never suspends at an `await`, so
its coroutines run to their end in one step, without an event loop: `run_sync` and `iterate_sync` turn them into plain
calls.
"""

import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from typing import Any, Protocol, TypeVar

import anyio
import httpx
from httpx_sse import EventSource, ServerSentEvent

T = TypeVar("T")


class Transport(Protocol):
    """The operations that need time: requests, streams and sleeping. `build` is httpx's `build_request`."""

    build: Callable[..., httpx.Request]

    async def send(self, request: httpx.Request, *, stream: bool = False) -> httpx.Response:
        """Send a request. Returns the answer with its body, or, for a `stream`, when it has begun."""

    def events(self, response: httpx.Response) -> AsyncGenerator[ServerSentEvent]:
        """Yield the Server-Sent Events of an open stream, and close it at the end."""

    def pieces(self, response: httpx.Response) -> AsyncGenerator[bytes]:
        """Yield the body of an open stream, and close it at the end."""

    async def sleep(self, seconds: float) -> None:
        """Sleep."""

    async def close(self) -> None:
        """Close the connections."""


class AsyncTransport:
    """A transport over `httpx.AsyncClient`."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http
        self.build: Callable[..., httpx.Request] = http.build_request

    async def send(self, request: httpx.Request, *, stream: bool = False) -> httpx.Response:
        """See `Transport`."""
        response = await self._http.send(request, stream=stream)
        if response.status_code != 200:
            await response.aread()
        return response

    async def events(self, response: httpx.Response) -> AsyncGenerator[ServerSentEvent]:
        """See `Transport`."""
        try:
            async for event in EventSource(response).aiter_sse():
                yield event
        finally:
            await response.aclose()

    async def pieces(self, response: httpx.Response) -> AsyncGenerator[bytes]:
        """See `Transport`."""
        try:
            async for piece in response.aiter_bytes():
                yield piece
        finally:
            await response.aclose()

    async def sleep(self, seconds: float) -> None:
        """See `Transport`."""
        await anyio.sleep(seconds)

    async def close(self) -> None:
        """See `Transport`."""
        await self._http.aclose()


class SyncTransport:
    """A transport over `httpx.Client`."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http
        self.build: Callable[..., httpx.Request] = http.build_request

    async def send(self, request: httpx.Request, *, stream: bool = False) -> httpx.Response:
        """See `Transport`."""
        response = self._http.send(request, stream=stream)
        if response.status_code != 200:
            response.read()
        return response

    async def events(self, response: httpx.Response) -> AsyncGenerator[ServerSentEvent]:
        """See `Transport`."""
        try:
            for event in EventSource(response).iter_sse():
                yield event
        finally:
            response.close()

    async def pieces(self, response: httpx.Response) -> AsyncGenerator[bytes]:
        """See `Transport`."""
        try:
            for piece in response.iter_bytes():
                yield piece
        finally:
            response.close()

    async def sleep(self, seconds: float) -> None:
        """See `Transport`."""
        time.sleep(seconds)  # noqa: ASYNC251  # There is no event loop to block.

    async def close(self) -> None:
        """See `Transport`."""
        self._http.close()


def run_sync(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine over a synchronous transport, and return its result."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        value: T = end.value
        return value
    raise RuntimeError("the transport does not block")


def iterate_sync(items: AsyncGenerator[T]) -> Iterator[T]:
    """Iterate over an asynchronous generator over a synchronous transport."""
    try:
        while True:
            yield run_sync(items.__anext__())
    except StopAsyncIteration:
        pass
    finally:
        run_sync(items.aclose())
