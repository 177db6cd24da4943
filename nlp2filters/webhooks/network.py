"""Connections to public addresses only.

A hostname is resolved at every attempt, every address behind it must be public, and the connection goes to the very
address that was checked, so that no second lookup can lead elsewhere.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import httpcore

from nlp2filters.errors import WebhookRefused
from nlp2filters.webhooks.addresses import is_public, parse_address

RESOLVE_TIMEOUT_S = 5.0

Resolve = Callable[[str, int], Awaitable[list[str]]]


class ResolutionRefused(Exception):
    """A hostname has no address, or one that is not public. The webhook's owner does not learn which."""


class PinnedNetworkBackend(httpcore.AsyncNetworkBackend):
    """A network backend that connects only to addresses that it has resolved and checked."""

    def __init__(self, resolve: Resolve, *, allow_private: bool) -> None:
        self._resolve = resolve
        self._allow_private = allow_private
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  # httpcore chooses the name.
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Resolve the host, check all its addresses, and connect to the first that answers."""
        try:
            async with asyncio.timeout(RESOLVE_TIMEOUT_S):
                addresses = await self._resolve(host, port)
        except (OSError, TimeoutError) as exc:
            raise ResolutionRefused(f"{host!r}: {exc!r}") from exc
        allowed = self._allow_private or all(is_public(parse_address(address)) for address in addresses)
        if not addresses or not allowed:
            raise ResolutionRefused(f"{host!r} leads to {addresses}")
        failure: Exception | None = None
        for address in addresses:
            try:
                return await self._network.connect_tcp(address, port, timeout, local_address, socket_options)
            except (OSError, httpcore.NetworkError) as exc:
                failure = exc
        raise httpcore.ConnectError(f"{host!r} does not answer") from failure

    async def connect_unix_socket(self, *args: Any, **options: Any) -> httpcore.AsyncNetworkStream:
        """Refuse to connect."""
        raise WebhookRefused("A webhook's address must be one of the internet.")

    async def sleep(self, seconds: float) -> None:
        """Sleep."""
        await asyncio.sleep(seconds)


async def resolve(threads: ThreadPoolExecutor, host: str, port: int) -> list[str]:
    """Resolve all addresses of a hostname."""
    look_up = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    results = await asyncio.get_running_loop().run_in_executor(threads, look_up)
    return list(dict.fromkeys(str(address[0]) for *_, address in results))
