"""A TCP proxy on loopback that can be slow, cut its connections, or fall silent."""

import asyncio
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends RST


class Proxy:
    """Passes bytes on to `target` of loopback. `port` is where it listens."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = 0
        self.delay_s = 0.0
        self._loop = asyncio.new_event_loop()
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

    def run(self, started: threading.Event) -> None:
        """Serve until stopped; in a thread of its own."""
        self._loop.run_until_complete(self._serve(started))
        self._loop.close()

    def stop(self) -> None:
        """Cut everything and end."""
        self._loop.call_soon_threadsafe(self._stopping.set)

    async def _serve(self, started: threading.Event) -> None:
        self._stopping = asyncio.Event()
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0, backlog=1000)
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        await self._stopping.wait()
        server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

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
            pass  # the proxy stops; asyncio.start_server would log it
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
    proxy, started = Proxy(target), threading.Event()
    thread = threading.Thread(target=proxy.run, args=(started,))
    thread.start()
    started.wait()
    try:
        yield proxy
    finally:
        proxy.stop()
        thread.join()
