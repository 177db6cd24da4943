"""SAQ's worker with as many slots as ours."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from saq import Queue, Worker

from bench.peers import measuring
from bench.peers.measuring import Peer


async def work(ctx: Any, *, id_: str) -> None:
    measuring.begun(id_)


@asynccontextmanager
async def peer(url: str) -> AsyncIterator[Peer]:
    queue = Queue.from_url(url)
    await queue.connect()

    async def enqueue(id_: str) -> None:
        await queue.enqueue("work", id_=id_)

    @asynccontextmanager
    async def working() -> AsyncIterator[None]:
        served = Queue.from_url(url)
        worker = Worker(served, functions=[("work", work)], concurrency=100)
        worker.SIGNALS = []
        running = asyncio.create_task(worker.start())
        try:
            yield
        finally:
            await worker.stop()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    yield Peer(enqueue, working)
