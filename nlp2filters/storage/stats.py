"""Statistics: counters of jobs, and the current state of the queues and their workers."""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import cast

from redis.asyncio import Redis

from nlp2filters.clock import now_ms
from nlp2filters.core import kinds
from nlp2filters.storage import arq_format
from nlp2filters.storage.redis_keys import Keys


@dataclass(frozen=True, slots=True)
class QueueState:
    """The state of a queue. Its first entry has been due for `overdue_s`; `workers` are alive."""

    entries: int
    overdue_s: float
    workers: int


@dataclass(frozen=True, slots=True)
class PartCounts:
    """The parts of a stage's jobs: those that wait, those that workers are at (or will try again soon), those that have
    ended, and the seconds that these ran.
    """

    waiting: int
    running: int
    succeeded: int
    failed: int
    seconds: float


class Stats:
    """The statistics of the whole service."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys

    async def increment(self, counter: str) -> None:
        """Add one to a counter."""
        await cast(Awaitable[int], self._redis.hincrby(self._keys.stats, counter, 1))

    async def job_counts(self) -> dict[str, int]:
        """Read the counters: jobs `created`, `rescued`, and by each outcome."""
        reply = await cast(Awaitable[dict[bytes, bytes]], self._redis.hgetall(self._keys.stats))
        return {name.decode(): int(count) for name, count in reply.items()}

    async def queues(self) -> dict[str, QueueState]:
        """Read the state of each queue."""
        now, queues = now_ms(), kinds.queues()
        async with self._redis.pipeline(transaction=False) as pipe:
            for queue in queues:
                entries = arq_format.all_key(self._keys.queue(queue))
                pipe.zcard(entries)
                pipe.zrange(entries, 0, 0, withscores=True)
                pipe.zcount(self._keys.workers(queue), now, "+inf")
            replies = await pipe.execute()
        return {
            queue: QueueState(count, max(0.0, (now - head[0][1]) / 1000) if head else 0.0, workers)
            for queue, count, head, workers in zip(queues, replies[::3], replies[1::3], replies[2::3], strict=True)
        }

    async def parts(self) -> dict[str, PartCounts]:
        """Count the parts of each queue."""
        return {queue: await self._parts_of(queue) for queue in kinds.queues()}

    async def _parts_of(self, queue: str) -> PartCounts:
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.hgetall(self._keys.part_stats(queue))
            pipe.smembers(self._keys.split_jobs(queue))
            pipe.zrange(arq_format.turns_key(self._keys.queue(queue), arq_format.PARTS), 0, -1)
            counters, job_ids, groups = await pipe.execute()
        ended = {name.decode(): int(count) for name, count in counters.items()}
        ids = [job_id.decode() for job_id in job_ids]
        waiting, queued = await self._unfinished_parts(queue, ids)
        async with self._redis.pipeline(transaction=False) as pipe:
            for group in groups:
                pipe.zcard(arq_format.ready_key(self._keys.queue(queue), group.decode()))
            ready = sum(await pipe.execute()) if groups else 0
        return PartCounts(
            waiting + ready,
            max(0, queued - ready),
            ended.get("succeeded", 0),
            ended.get("failed", 0),
            ended.get("ms", 0) / 1000,
        )

    async def _unfinished_parts(self, queue: str, job_ids: Sequence[str]) -> tuple[int, int]:
        """Count the parts of split jobs without and with a queue entry. Jobs that have none any more are forgotten."""
        if not job_ids:
            return 0, 0
        async with self._redis.pipeline(transaction=False) as pipe:
            for job_id in job_ids:
                pipe.llen(self._keys.parts(job_id, "waiting"))
                pipe.scard(self._keys.parts(job_id, "queued"))
            counts = await pipe.execute()
        waiting, queued = counts[::2], counts[1::2]
        if gone := [job_id for job_id, *both in zip(job_ids, waiting, queued, strict=True) if not any(both)]:
            await cast(Awaitable[int], self._redis.srem(self._keys.split_jobs(queue), *gone))
        return sum(waiting), sum(queued)

    async def workers(self) -> dict[str, int]:
        """Count the workers of each queue that are alive."""
        queues = kinds.queues()
        async with self._redis.pipeline(transaction=False) as pipe:
            for queue in queues:
                pipe.zcount(self._keys.workers(queue), now_ms(), "+inf")
            return dict(zip(queues, await pipe.execute(), strict=True))
