"""Connections to one server, for hundreds of calls at once.

The pool of httpcore, below httpx, looks at all its connections several times per request: with 200 of them, a call
costs 15 ms of CPU. So the calls are spread over small pools. A client of httpx, with its cookies and redirects, would
take as much time for a call as httpcore does, so the pools are httpx's transports.
"""

import base64
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.request import getproxies, proxy_bypass

import httpx

CONNECT_TIMEOUT_S = 5.0
# One HTTP/2 connection carries so many calls. If it breaks, all of them do.
CALLS_PER_CONNECTION = 10


@dataclass(slots=True)
class _Pool:
    """A pool of connections, and the number of calls that use them."""

    transport: httpx.AsyncHTTPTransport
    calls: int = 0


class Connections:
    """The connections to a server. Open them with `async with`.

    HTTP/2 is spoken with servers that offer it in the TLS handshake: then calls share connections, and a call takes the
    first one that has room. `timeout_s` is the limit for connecting, and for each pause between two packets. The usual
    variables name a proxy (`HTTPS_PROXY`, `NO_PROXY`).
    """

    def __init__(self, base_url: str, headers: Mapping[str, str], timeout_s: float) -> None:
        self._url = httpx.URL(base_url.rstrip("/"))
        self._headers = httpx.Headers(
            {
                "Host": self._url.netloc.decode("ascii"),
                "Accept": "*/*",
                "Accept-Encoding": "gzip, deflate",
                "User-Agent": "nlp2filters",
                **_basic_auth(self._url),
                **headers,
            }
        )
        timeout = httpx.Timeout(timeout_s, connect=min(CONNECT_TIMEOUT_S, timeout_s))
        self._extensions = {"timeout": timeout.as_dict()}
        self._verify = httpx.create_ssl_context()  # Reading the certificates takes 20 ms, so all pools share them.
        self._proxy = _proxy_for(self._url)
        # Without TLS there is no HTTP/2; with it, the first response tells.
        self._calls_per_pool = CALLS_PER_CONNECTION if self._url.scheme == "https" else 1
        self._pools: list[_Pool] = []
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
        url = self._url.copy_with(raw_path=f"{self._url.path.rstrip('/')}/{path}".encode())
        headers = self._headers.copy()
        headers["Content-Type"] = media_type
        request = httpx.Request("POST", url, headers=headers, content=content, extensions=self._extensions)
        pool = self._pool_with_room()
        pool.calls += 1
        try:
            response = await pool.transport.handle_async_request(request)
            self._calls_per_pool = CALLS_PER_CONNECTION if response.http_version == "HTTP/2" else 1
            async with aclosing(response):
                yield response
        finally:
            pool.calls -= 1

    def _pool_with_room(self) -> _Pool:
        for pool in self._pools:
            if pool.calls < self._calls_per_pool:
                return pool
        transport = httpx.AsyncHTTPTransport(
            verify=self._verify,
            http2=True,
            # With a lower limit, httpcore may close a connection that a request is about to use.
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=CALLS_PER_CONNECTION),
            proxy=self._proxy,
        )
        self._pools.append(_Pool(transport))
        self._stack.push_async_callback(transport.aclose)
        return self._pools[-1]


def _basic_auth(url: httpx.URL) -> dict[str, str]:
    """Return the header for the name and password in a URL, if there are any."""
    if not url.userinfo:
        return {}
    credentials = base64.b64encode(f"{url.username}:{url.password}".encode()).decode()
    return {"Authorization": f"Basic {credentials}"}


def _proxy_for(url: httpx.URL) -> str | None:
    """Return the proxy that the environment names for a URL."""
    if proxy_bypass(url.host):
        return None
    proxies = getproxies()
    return proxies.get(url.scheme) or proxies.get("all")
