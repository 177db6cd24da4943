"""Connections to one server, for hundreds of calls at once.

The pool of httpcore, below httpx, looks at all its connections several times per request: with 200 of them, a call
costs 15 ms of CPU. So the calls are spread over several small pools.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from types import TracebackType
from typing import Self

import httpx

CALLS_PER_POOL = 5
CONNECT_TIMEOUT_S = 5.0


class Connections:
    """The connections to a server. Open them with `async with`.

    A call takes the first pool that has room, so a few calls share a few connections. HTTP/2 is spoken with servers
    that offer it in the TLS handshake. `timeout_s` is the limit for connecting, and for each pause between two packets.
    """

    def __init__(self, base_url: str, headers: Mapping[str, str], timeout_s: float) -> None:
        self._base_url = base_url.rstrip("/") + "/"
        self._headers = headers
        self._timeout = httpx.Timeout(timeout_s, connect=min(CONNECT_TIMEOUT_S, timeout_s))
        self._verify = httpx.create_ssl_context()  # Reading the certificates takes 20 ms, so all pools share them.
        self._pools: list[httpx.AsyncClient] = []
        self._calls: list[int] = []
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    @asynccontextmanager
    async def post(self, path: str, content: bytes, media_type: str) -> AsyncIterator[httpx.Response]:
        """Send a body and give the response, whose body has not been read yet.

        Raises:
            httpx.TransportError: the connection could not be made, or broke.
        """
        number = self._pool_with_room()
        headers = {"Content-Type": media_type}
        self._calls[number] += 1
        try:
            async with self._pools[number].stream("POST", path, content=content, headers=headers) as response:
                yield response
        finally:
            self._calls[number] -= 1

    def _pool_with_room(self) -> int:
        for number, calls in enumerate(self._calls):
            if calls < CALLS_PER_POOL:
                return number
        self._calls.append(0)
        self._pools.append(
            httpx.AsyncClient(
                base_url=self._base_url,
                headers=self._headers,
                timeout=self._timeout,
                verify=self._verify,
                http2=True,
                limits=httpx.Limits(max_connections=None, max_keepalive_connections=CALLS_PER_POOL),
                follow_redirects=False,
            )
        )
        self._stack.push_async_callback(self._pools[-1].aclose)
        return len(self._pools) - 1
