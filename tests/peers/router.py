"""A router on loopback, as hosts of containers have one: it picks a web process, and ends what is silent too long."""

import asyncio
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from tests.peers import tcp
from tests.peers.tcp import TCPPeer

NOBODY = b"HTTP/1.1 503 Nobody\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


@dataclass
class _Exchange:
    """A request and its answer. `heard_at` is when the last byte came, from either side."""

    heard_at: float
    answered: bool = False


class Router(TCPPeer):
    """Passes each connection on to one of `ports`, at random. Clients may send one request on each.

    The first byte of an answer must come within `first_byte_s`, and each further one, of either side, within `idle_s`.
    `timeouts` says what was silent for longer, and was ended.
    """

    def __init__(self, ports: Sequence[int], first_byte_s: float, idle_s: float) -> None:
        super().__init__()
        self.timeouts: list[str] = []
        self._ports = list(ports)
        self._first_byte_s, self._idle_s = first_byte_s, idle_s

    @property
    def url(self) -> str:
        """Where clients reach the service through it."""
        return f"http://127.0.0.1:{self.port}"

    async def _accept(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        ends = [client]
        try:
            with suppress(OSError):
                await self._pass_on(reader, client, ends)
        except asyncio.CancelledError:
            pass  # The router stops.
        finally:
            for end in ends:
                end.transport.abort()

    async def _pass_on(
        self, reader: asyncio.StreamReader, client: asyncio.StreamWriter, ends: list[asyncio.StreamWriter]
    ) -> None:
        first = await reader.read(65_536)
        if not (first and (service := await self._connected())):
            client.write(NOBODY)
            await client.drain()
            client.write_eof()
            await reader.read()
            return
        answer, writer = service
        ends.append(writer)
        writer.write(first)
        exchange = _Exchange(self._loop.time())
        request_line = first.partition(b"\r\n")[0].decode("latin-1")
        work = [
            asyncio.ensure_future(self._pump(reader, writer, exchange)),
            asyncio.ensure_future(self._pump(answer, client, exchange, answering=True)),
            asyncio.ensure_future(self._watch(exchange, request_line)),
        ]
        try:
            await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in work:
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        """Connect to a web process; None if none listens."""
        for port in random.sample(self._ports, len(self._ports)):
            with suppress(OSError):
                return await asyncio.open_connection("127.0.0.1", port)
        return None

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        exchange: _Exchange,
        *,
        answering: bool = False,
    ) -> None:
        while block := await reader.read(65_536):
            exchange.heard_at = self._loop.time()
            exchange.answered |= answering
            writer.write(block)
            await writer.drain()

    async def _watch(self, exchange: _Exchange, request_line: str) -> None:
        while True:
            limit_s = self._idle_s if exchange.answered else self._first_byte_s
            silence_s = self._loop.time() - exchange.heard_at
            if silence_s >= limit_s:
                self.timeouts.append(f"{request_line}: {'idle' if exchange.answered else 'no answer'}")
                return
            await asyncio.sleep(limit_s - silence_s)


@contextmanager
def before(ports: Sequence[int], *, first_byte_s: float, idle_s: float) -> Iterator[Router]:
    """A router before these ports of loopback, in a thread, while inside."""
    with tcp.running(Router(ports, first_byte_s, idle_s)) as router:
        yield router
