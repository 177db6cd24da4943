"""Counts that all processes share, in one hash: see `core/counts.py`.

Commits count what they change. Everything else a worker counts in its memory, and its heartbeat takes that along.
"""

from collections import Counter
from collections.abc import Awaitable, Mapping
from typing import cast

from redis.asyncio import Redis

from nlp2filters.storage.redis_keys import Keys


class SharedCounts:
    """The counts of a service. Those that are added in this process are sent with its next heartbeat."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self.name = keys.counts
        self._added: Counter[str] = Counter()
        self._batch: Counter[str] = Counter()
        self._number = 0

    def add(self, counts: Mapping[str, int]) -> None:
        """Add to the counts of this process."""
        self._added.update(counts)

    def next_batch(self) -> tuple[int, Mapping[str, int]]:
        """Return the counts to send, and the number of their batch: the same ones until they are acknowledged."""
        if not self._batch and self._added:
            self._batch, self._added = self._added, Counter()
            self._number += 1
        return self._number, self._batch

    def acknowledge(self, number: int) -> None:
        """Forget the batch with this number, which has arrived."""
        if number == self._number:
            self._batch = Counter()

    async def read(self) -> dict[str, int]:
        """Read the counts of all processes."""
        reply = await cast(Awaitable[dict[bytes, bytes]], self._redis.hgetall(self.name))
        return {name.decode(): int(count) for name, count in reply.items()}
