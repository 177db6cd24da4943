"""The latest failures of the service: jobs that failed, and webhooks that were given up, for its operator."""

from collections.abc import Awaitable
from typing import cast

from redis.asyncio import Redis

from nlp2filters.storage.redis_keys import Keys

SHOWN = 100


class Failures:
    """The ids of unfinished work and of the latest failures."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis, self._keys = redis, keys

    async def jobs(self) -> list[str]:
        """Return the ids of the jobs that failed last, the latest first."""
        return await self._latest("jobs")

    async def deliveries(self) -> list[str]:
        """Return the ids of the jobs and batches whose webhooks were given up last, the latest first."""
        return await self._latest("deliveries")

    async def unfinished(self) -> list[str]:
        """Return some ids of unfinished jobs."""
        reply = cast(Awaitable[list[bytes] | None], self._redis.hrandfield(self._keys.open, 2 * SHOWN))
        ids = {subject.decode().partition("/")[0] for subject in await reply or ()}
        return sorted(ids, reverse=True)[:SHOWN]

    async def _latest(self, what: str) -> list[str]:
        ids = await self._redis.zrevrange(self._keys.failed(what), 0, SHOWN - 1)
        return [id_.decode() for id_ in ids]
