"""ARQ's worker as it comes, tuned, and ours: the last argument says which."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

from arq.constants import job_key_prefix
from arq.jobs import serialize_job
from arq.worker import Worker, func

from bench.peers import measuring
from bench.peers.measuring import Peer
from nlp2filters.settings import Settings
from nlp2filters.storage import arq_format
from nlp2filters.storage.arq_format import wake_key
from nlp2filters.storage.connection import connect
from nlp2filters.worker.leased_worker import LeasedWorker

KINDS: dict[str, tuple[type[Worker], dict[str, Any]]] = {
    "stock": (Worker, {}),
    "tuned": (Worker, {"max_jobs": 100, "poll_delay": 0.02}),
    "ours": (LeasedWorker, {"max_jobs": 100, "open_key": "bench:open"}),
}


async def work(ctx: dict[str, Any], id_: str) -> None:
    measuring.begun(id_)


@asynccontextmanager
async def peer(url: str) -> AsyncIterator[Peer]:
    redis = connect(Settings(redis_url=url))
    cls, options = KINDS[sys.argv[-1]]

    async def enqueue(id_: str) -> None:
        """Write an entry as a commit does: the service never enqueues by ARQ's own client, which is slower."""
        async with redis.pipeline(transaction=False) as pipe:
            pipe.set(job_key_prefix + id_, serialize_job("work", (id_,), {}, None, 0, serializer=arq_format.dumps))
            pipe.zadd("bench", {id_: int(time.time() * 1000)})
            pipe.zadd(wake_key("bench"), {"0": 0})
            await pipe.execute()

    @asynccontextmanager
    async def working() -> AsyncIterator[None]:
        pool = connect(Settings(redis_url=url))
        worker = cls(
            functions=[func(cast(Any, work), name="work")],
            queue_name="bench",
            redis_pool=pool,
            handle_signals=False,
            keep_result=0,
            log_results=False,
            job_serializer=arq_format.dumps,
            job_deserializer=arq_format.loads,
            **options,
        )
        running = asyncio.create_task(worker.main())
        try:
            yield
        finally:
            running.cancel()
            await asyncio.gather(running, *worker.tasks.values(), return_exceptions=True)
            await pool.aclose()

    try:
        yield Peer(enqueue, working)
    finally:
        await redis.aclose()
