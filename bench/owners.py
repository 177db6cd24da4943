"""Count, export and delete one owner's 10,000 jobs in a Redis of its own: `python -m bench.owners [JOBS]`.

Half of the jobs have results, and the others are queued; another owner has as many.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable
from pathlib import Path
from typing import Any, TypeVar

import orjson

from nlp2filters.api.owner_archive import archive
from nlp2filters.clock import now_ms
from nlp2filters.core import jobs
from nlp2filters.core.jobs import Job
from nlp2filters.settings import Settings
from nlp2filters.storage.blobs.store import Blobs, open_blobs
from nlp2filters.storage.commits import EventDraft
from nlp2filters.storage.connection import connect
from nlp2filters.storage.embedded_server import running
from nlp2filters.storage.owners import Owners
from nlp2filters.storage.redis_keys import Keys
from nlp2filters.storage.store import Store
from tests.ports import free_port

T = TypeVar("T")
STATUS = EventDraft("status", {})
RESULT = orjson.dumps({"filter": None, "text": "x" * 5_000})


async def main(count: int) -> None:
    """Print the time that each takes."""
    with tempfile.TemporaryDirectory() as folder, running(Path(folder), free_port()) as server:
        settings, keys = Settings(redis_url=server.url), Keys()
        redis = connect(settings, patience_s=60)
        store = Store(redis, keys, retention_s=86_400)
        async with open_blobs(settings, redis, keys) as blobs:
            for owner in ("anna", "ben"):
                for start in range(0, count, 200):
                    await asyncio.gather(*(_submit(store, owner, start + number) for number in range(200)))
            owners = Owners(store, blobs)
            summary = await _timed(redis, "counted", owners.summary("anna"))
            size = await _timed(redis, "exported", _exported(owners, blobs))
            deletion = await _timed(redis, "deleted", owners.delete("anna", patience_s=600))
        kept_bytes = sum(totals.bytes for totals in summary.values())
        print(
            f"{kept_bytes / 1e6:.0f} MB in Redis, {size / 1e6:.0f} MB in the archive, {deletion.deleted['jobs']:,} jobs"
        )
        await redis.aclose()


async def _submit(store: Store, owner: str, number: int) -> None:
    job = jobs.create(f"job_{owner}{number}", "filters", owner, now_ms(), deadline_s=300)
    await store.jobs.create(job, orjson.dumps({"text": "japanese cars with at least 30 mpg", "number": number}))
    if number % 2:
        job = await _begun(store, job, "embedding")
        job = await store.jobs.apply(job, lambda job: jobs.advance(job, job.attempt, now_ms()), events=[STATUS])
        job = await _begun(store, job, "llm")
        fields, events = {"result": RESULT}, [EventDraft("done", {})]
        await store.jobs.apply(job, lambda job: jobs.succeed(job, job.attempt, now_ms()), fields=fields, events=events)


async def _begun(store: Store, job: Job, stage: str) -> Job:
    return await store.jobs.apply(job, lambda job: jobs.begin(job, stage, "w", now_ms()), events=[STATUS])


async def _exported(owners: Owners, blobs: Blobs) -> int:
    size = 0
    async for piece in archive(owners, blobs, "anna"):
        size += len(piece)
    return size


async def _timed(redis: Any, what: str, work: Awaitable[T]) -> T:
    """Print the time of some work, the CPU seconds of both processes, and how long Redis was busy at a stretch."""
    await redis.config_set("slowlog-log-slower-than", 1_000)
    await redis.slowlog_reset()
    began, cpu_s, redis_s = time.monotonic(), time.process_time(), await _cpu_s(redis)
    outcome = await work
    took_s, cpu_s, redis_s = time.monotonic() - began, time.process_time() - cpu_s, await _cpu_s(redis) - redis_s
    longest_ms = max((entry["duration"] / 1_000 for entry in await redis.slowlog_get(1_000)), default=1.0)
    print(
        f"{what}: {took_s:.1f} s; CPU {cpu_s:.1f} s here, {redis_s:.1f} s in Redis; longest command {longest_ms:.1f} ms"
    )
    return outcome


async def _cpu_s(redis: Any) -> float:
    cpu = await redis.info("cpu")
    return float(cpu["used_cpu_user"] + cpu["used_cpu_sys"])


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000))
