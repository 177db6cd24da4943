"""A TCP proxy on loopback that can be slow, cut its connections, or fall silent."""

import asyncio
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from tests.peers import tcp
from tests.peers.tcp import TCPPeer

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends RST


class Proxy(TCPPeer):
    """Passes bytes on to `target` of loopback."""

    def __init__(self, target: int) -> None:
        super().__init__()
        self.target = target
        self.delay_s = 0.0
        self._passing = asyncio.Event()
        self._passing.set()
        self._connections: set[_Connection] = set()

    def fall_silent(self) -> None:
        """Accept connections and bytes, but let nothing pass, until `heal`. What was held back passes then."""
        self._call(self._passing.clear)

    def heal(self) -> None:
        """Let everything pass again, without a delay."""
        self.delay_s = 0.0
        self._call(self._passing.set)

    def slow_down(self, delay_s: float) -> None:
        """Hold every block of bytes back for so long."""
        self.delay_s = delay_s

    def cut(self) -> None:
        """Reset every connection there is; new ones work."""

        def reset_all() -> None:
            for connection in list(self._connections):
                connection.reset()

        self._call(reset_all)

    def half_open(self) -> None:
        """Let nothing pass on any connection there is, for ever, and tell nobody; new ones work."""

        def kill_all() -> None:
            for connection in self._connections:
                connection.dead.set()

        self._call(kill_all)

    def _call(self, what: Callable[[], object]) -> None:
        done = threading.Event()
        self._loop.call_soon_threadsafe(what)
        self._loop.call_soon_threadsafe(done.set)
        done.wait()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = _Connection([writer])
        self._connections.add(connection)
        try:
            with suppress(OSError):
                inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self.target)
                connection.writers.append(inner_writer)
                await asyncio.gather(
                    self._pump(reader, inner_writer, connection), self._pump(inner_reader, writer, connection)
                )
        except asyncio.CancelledError:
            pass  # The proxy stops.
        finally:
            self._connections.discard(connection)
            for end in connection.writers:
                end.close()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: "_Connection"
    ) -> None:
        while block := await reader.read(65_536):
            if self.delay_s:
                await asyncio.sleep(self.delay_s)
            await self._passing.wait()
            if connection.dead.is_set():
                await asyncio.Event().wait()
            writer.write(block)
            await writer.drain()
        await self._passing.wait()  # an end is not told either
        if not connection.dead.is_set():
            writer.close()


class _Connection:
    """Both ends of a connection that is passed on."""

    def __init__(self, writers: list[asyncio.StreamWriter]) -> None:
        self.writers = writers
        self.dead = asyncio.Event()

    def reset(self) -> None:
        """Close both ends with RST, unless they are closed already."""
        for writer in self.writers:
            sock = writer.get_extra_info("socket")
            if sock.fileno() == -1:
                continue
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            writer.transport.abort()


@contextmanager
def running(target: int) -> Iterator[Proxy]:
    """A proxy before the port `target` of loopback, in a thread, while inside."""
    with tcp.running(Proxy(target)) as proxy:
        yield proxy
