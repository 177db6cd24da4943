"""A peer that serves connections on loopback, in a thread with an event loop of its own."""

import asyncio
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar


class TCPPeer(ABC):
    """Serves connections until stopped. `port` is where it listens."""

    def __init__(self) -> None:
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()

    def run(self, started: threading.Event) -> None:
        """Serve until stopped; in a thread of its own."""
        self._loop.run_until_complete(self._serve(started))
        self._loop.close()

    def stop(self) -> None:
        """Cut everything and end."""
        self._loop.call_soon_threadsafe(self._stopping.set)

    async def _serve(self, started: threading.Event) -> None:
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0, backlog=1000)
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        await self._stopping.wait()
        server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @abstractmethod
    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a connection, and catch its cancellation when the peer stops: asyncio.start_server would log that."""


P = TypeVar("P", bound=TCPPeer)


@contextmanager
def running(peer: P) -> Iterator[P]:
    """The peer, in a thread, while inside."""
    started = threading.Event()
    thread = threading.Thread(target=peer.run, args=(started,))
    thread.start()
    started.wait()
    try:
        yield peer
    finally:
        peer.stop()
        thread.join()
