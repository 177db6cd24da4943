"""streaq's worker with as many slots as ours."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from streaq import Worker

from bench.peers import measuring
from bench.peers.measuring import Peer


@asynccontextmanager
async def peer(url: str) -> AsyncIterator[Peer]:
    def of_one_run() -> tuple[Worker, object]:
        worker = Worker(redis_url=url, concurrency=100, handle_signals=False)

        @worker.task(name="work")
        async def work(id_: str) -> None:
            measuring.begun(id_)

        return worker, work

    client, task = of_one_run()

    async def enqueue(id_: str) -> None:
        await task.enqueue(id_)  # type: ignore[attr-defined]

    @asynccontextmanager
    async def working() -> AsyncIterator[None]:
        worker, _ = of_one_run()
        running = asyncio.create_task(worker.run_async())
        try:
            yield
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    async with client:
        yield Peer(enqueue, working)
