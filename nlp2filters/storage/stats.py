"""Statistics: counters of jobs, and the current state of the queues and their workers."""

from collections.abc import Awaitable
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

    async def workers(self) -> dict[str, int]:
        """Count the workers of each queue that are alive."""
        queues = kinds.queues()
        async with self._redis.pipeline(transaction=False) as pipe:
            for queue in queues:
                pipe.zcount(self._keys.workers(queue), now_ms(), "+inf")
            return dict(zip(queues, await pipe.execute(), strict=True))
