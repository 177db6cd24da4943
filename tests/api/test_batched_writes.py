"""Writes of one turn of the event loop go together, in order, and none is lost at the end of a connection."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from nlp2filters.api.batched_writes import MAX_WAITING, BatchedWrites

Talk = Callable[["Server"], Any]


class Server(asyncio.Protocol):
    """The server's end of a connection, on which `talk` writes."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self.paused = False

    def connection_made(self, transport: Any) -> None:
        self.transport = BatchedWrites(transport, asyncio.get_running_loop())
        self.task = asyncio.ensure_future(self._talk(self))

    def pause_writing(self) -> None:
        self.paused = True


@asynccontextmanager
async def connected(talk: Talk) -> AsyncIterator[asyncio.StreamReader]:
    server = await asyncio.get_running_loop().create_server(lambda: Server(talk), "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    async with asyncio.timeout(20):
        yield reader
    writer.close()
    server.close()


@pytest.mark.parametrize("end", ["close", "write_eof"])
async def test_everything_comes_in_order(end: str) -> None:
    rng = random.Random(7)
    pieces = [rng.randbytes(rng.choice([1, 300, 5_000, 2 * MAX_WAITING])) for _ in range(100)]

    async def talk(server: Server) -> None:
        for piece in pieces:
            server.transport.write(piece)
            if rng.random() < 0.3:
                await asyncio.sleep(0)
        getattr(server.transport, end)()

    async with connected(talk) as reader:
        assert await reader.read() == b"".join(pieces)


async def test_what_is_written_in_one_turn_is_one_piece() -> None:
    async def talk(server: Server) -> None:
        for piece in (b"head ", b"body ", b"end"):
            server.transport.write(piece)

    async with connected(talk) as reader:
        assert await reader.read(100) == b"head body end"


async def test_a_writer_is_told_at_once_that_its_client_reads_too_slowly() -> None:
    paused: list[bool] = []

    async def talk(server: Server) -> None:
        for _ in range(2_000):
            server.transport.write(bytes(10_000))
        paused.append(server.paused)
        server.transport.close()

    async with connected(talk) as reader:
        assert len(await reader.read()) == 20_000_000
    assert paused == [True]
