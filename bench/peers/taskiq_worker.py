"""TaskIQ's worker on a Redis list, its fastest broker, which loses what a dead worker had."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from taskiq.api import run_receiver_task
from taskiq_redis import ListQueueBroker

from bench.peers import measuring
from bench.peers.measuring import Peer


async def work(id_: str) -> None:
    measuring.begun(id_)


@asynccontextmanager
async def peer(url: str) -> AsyncIterator[Peer]:
    client = ListQueueBroker(url)
    task = client.register_task(work, task_name="work")
    await client.startup()

    async def enqueue(id_: str) -> None:
        await task.kiq(id_)

    @asynccontextmanager
    async def working() -> AsyncIterator[None]:
        broker = ListQueueBroker(url)
        broker.register_task(work, task_name="work")
        running = asyncio.create_task(run_receiver_task(broker, max_async_tasks=100, run_startup=True))
        try:
            yield
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await broker.shutdown()

    yield Peer(enqueue, working)
