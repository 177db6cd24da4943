"""What may be asked of the service: a rate of texts per owner, and nothing while Redis is nearly full."""

import time
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import cast

from redis.asyncio import Redis

from nlp2filters.errors import Overloaded
from nlp2filters.keys import Keys

WINDOW_S = 60
LOOK_S = 1.0


@dataclass(frozen=True, slots=True)
class Rate:
    """How much of a window's `limit` is left, and in how many seconds the next begins."""

    limit: int
    left: int
    reset_s: int

    @property
    def exceeded(self) -> bool:
        """Whether the request that was counted last was one too many."""
        return self.left < 0


async def count(redis: Redis, keys: Keys, owner: str, limit: int, now_s: float, texts: int = 1) -> Rate:
    """Count texts of the owner in its fixed window of 60 s. Those of a request that is one too many are not counted."""
    window, passed = divmod(int(now_s), WINDOW_S)
    name = keys.rate(owner, window)
    async with redis.pipeline(transaction=True) as pipe:
        pipe.incrby(name, texts)
        pipe.expire(name, 2 * WINDOW_S)
        used, _ = await pipe.execute()
    if used > limit:
        await redis.decrby(name, texts)
    return Rate(limit, limit - used, WINDOW_S - passed)


class Backpressure:
    """Refuses new work while Redis's memory is nearly used up. It looks once a second, whoever asks."""

    def __init__(self, redis: Redis, max_share: float) -> None:
        self._redis = redis
        self._max_share = max_share
        self._looked = 0.0
        self._full = False

    async def check(self) -> None:
        """See whether there is room.

        Raises:
            Overloaded: there is not.
        """
        if time.monotonic() - self._looked > LOOK_S:
            memory = await cast(Awaitable[dict[str, int]], self._redis.info("memory"))
            most = memory.get("maxmemory", 0)
            self._full = most > 0 and memory["used_memory"] > self._max_share * most
            self._looked = time.monotonic()
        if self._full:
            raise Overloaded(retry_after_s=30)
