"""Admission: a rate of texts and a quota of bytes per owner, and nothing new while Redis is nearly full."""

import time
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import cast

import orjson
from redis.asyncio import Redis

from nlp2filters.errors import Overloaded, TooManyBytes
from nlp2filters.storage.arq_format import lua
from nlp2filters.storage.redis_keys import Keys

_CHARGE = lua("quota", "charge")

WINDOW_S = 60
LOOK_S = 1.0
QUOTA_WINDOWS = 24  # so that what an owner has added is forgotten step by step


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


def quota(limit: int, kept_ms: int) -> dict[str, int]:
    """The quota of `limit` bytes that are kept for `kept_ms`, as `quota.lua` takes it."""
    return {"limit": limit, "width_ms": max(1_000, kept_ms // QUOTA_WINDOWS), "count": QUOTA_WINDOWS}


async def charge(redis: Redis, keys: Keys, owner: str, added: int, limit: int, kept_ms: int) -> None:
    """Count bytes that an owner is about to add. `limit` holds for those added in `kept_ms`, 0 for any number.

    Raises:
        TooManyBytes: they are too many; they were not counted.
    """
    script = redis.register_script(_CHARGE)
    if wait_s := int(await script(keys=[keys.added(owner)], args=[orjson.dumps(quota(limit, kept_ms)), added])):
        raise TooManyBytes(limit, wait_s)


class Backpressure:
    """Refuses new work while Redis's memory is nearly used up. It looks once a second, whoever asks.

    `maxmemory` is that of Redis when it was looked at last, 0 for none.
    """

    def __init__(self, redis: Redis, max_share: float) -> None:
        self._redis = redis
        self._max_share = max_share
        self._looked = 0.0
        self._full = False
        self.maxmemory = 0

    def owner_bytes(self, limit: int) -> int:
        """The bytes that one owner may add: `limit`, but never more than half of Redis's memory; 0 for any number."""
        return min(limit, self.maxmemory // 2 or limit)

    async def check(self) -> None:
        """See whether there is room.

        Raises:
            Overloaded: there is not.
        """
        if time.monotonic() - self._looked > LOOK_S:
            memory = await cast(Awaitable[dict[str, int]], self._redis.info("memory"))
            self.maxmemory = most = memory.get("maxmemory", 0)
            self._full = most > 0 and memory["used_memory"] > self._max_share * most
            self._looked = time.monotonic()
        if self._full:
            raise Overloaded(retry_after_s=30)
