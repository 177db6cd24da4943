"""Admission control: a rate of texts and a quota of bytes per owner, and no new work while Redis is nearly full."""

import time
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import cast

import orjson
from redis.asyncio import Redis

from nlp2filters.errors import Overloaded, TooManyBytes
from nlp2filters.storage import scripts
from nlp2filters.storage.redis_keys import Keys

WINDOW_S = 60
CHECK_INTERVAL_S = 1.0
# With many windows, the quota becomes free again gradually.
QUOTA_WINDOWS = 24


@dataclass(frozen=True, slots=True)
class Rate:
    """The part of a window's `limit` that is `remaining`, and the seconds until the next window begins."""

    limit: int
    remaining: int
    reset_s: int

    @property
    def exceeded(self) -> bool:
        """True if the latest request exceeded the limit."""
        return self.remaining < 0


async def count(redis: Redis, keys: Keys, owner: str, limit: int, now_s: float, texts: int = 1) -> Rate:
    """Count texts of the owner in its fixed window of 60 s. Texts of a request that exceeds the limit do not count."""
    window, elapsed_s = divmod(int(now_s), WINDOW_S)
    name = keys.rate(owner, window)
    async with redis.pipeline(transaction=False) as pipe:
        pipe.incrby(name, texts)
        pipe.expire(name, 2 * WINDOW_S)
        used, _ = await pipe.execute()
    if used > limit:
        await redis.decrby(name, texts)
    return Rate(limit, limit - used, WINDOW_S - elapsed_s)


def quota(limit: int, kept_ms: int) -> dict[str, int]:
    """Return a quota of `limit` bytes that are kept for `kept_ms`, in the form that `quota.lua` expects."""
    return {"limit": limit, "width_ms": max(1_000, kept_ms // QUOTA_WINDOWS), "count": QUOTA_WINDOWS}


async def charge(redis: Redis, keys: Keys, owner: str, added: int, limit: int, kept_ms: int) -> None:
    """Count bytes that an owner is about to add. `limit` applies to the bytes added in `kept_ms`; 0 means no limit.

    Raises:
        TooManyBytes: they exceed the limit, and were not counted.
    """
    await charge_key(redis, keys.added(owner), added, limit, kept_ms)


async def charge_key(redis: Redis, name: str, added: int, limit: int, kept_ms: int) -> None:
    """Count bytes as `charge` does, in the key `name`. A negative number gives bytes back."""
    script = redis.register_script(scripts.CHARGE_QUOTA)
    if wait_s := int(await script(keys=[name], args=[orjson.dumps(quota(limit, kept_ms)), added])):
        raise TooManyBytes(limit, wait_s)


async def maxmemory(redis: Redis) -> int:
    """Return the limit of Redis's memory in bytes; 0 means no limit."""
    memory = await cast(Awaitable[dict[str, int]], redis.info("memory"))
    return memory.get("maxmemory", 0)


class Backpressure:
    """A guard that refuses new work while the memory of Redis is nearly used up. It checks at most once a second.

    `maxmemory` is the limit of Redis at the last check, 0 for no limit.
    """

    def __init__(self, redis: Redis, max_share: float) -> None:
        self._redis = redis
        self._max_share = max_share
        self._checked_at = 0.0
        self._full = False
        self.maxmemory = 0

    def owner_bytes(self, limit: int) -> int:
        """Return the bytes that one owner may add: `limit`, but at most half of Redis's memory; 0 means no limit."""
        return min(limit, self.maxmemory // 2 or limit)

    def blob_bytes(self, limit: int) -> int:
        """Return the bytes of files that one owner may add, apart from its other bytes, if they are kept in Redis."""
        return min(limit, self.maxmemory // 4 or limit)

    async def check(self) -> None:
        """Check that Redis has room.

        Raises:
            Overloaded: it is nearly full.
        """
        if time.monotonic() - self._checked_at > CHECK_INTERVAL_S:
            memory = await cast(Awaitable[dict[str, int]], self._redis.info("memory"))
            self.maxmemory = memory.get("maxmemory", 0)
            self._full = self.maxmemory > 0 and memory["used_memory"] > self._max_share * self.maxmemory
            self._checked_at = time.monotonic()
        if self._full:
            raise Overloaded(retry_after_s=30)
