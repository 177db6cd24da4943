"""Results derived from an owner's content, such as its vectors: kept for a while, so that none is computed twice.

A result has a key, the SHA-256 of everything that it depends on. It is not part of a job, and outlives it.
"""

from collections.abc import Sequence

import orjson
from redis.asyncio import Redis

from nlp2filters.errors import TooManyBytes
from nlp2filters.storage import rate_limits, scripts
from nlp2filters.storage.redis_keys import Keys

READ_AT_ONCE = 50


class Derived:
    """The derived results of all owners. Each is kept for `kept_s` after its last use.

    An owner may add `max_bytes` within that time; 0 means no limit.
    """

    def __init__(self, redis: Redis, keys: Keys, *, kept_s: int, max_bytes: int) -> None:
        self._redis = redis
        self._keys = keys
        self._kept_ms = 1000 * kept_s
        self._max_bytes = max_bytes
        self._script = redis.register_script(scripts.KEEP_DERIVED)

    async def load(self, owner: str, keys: Sequence[str]) -> list[bytes | None]:
        """Load results; None for those that are not kept. The others are kept for the full time again."""
        results: list[bytes | None] = []
        for start in range(0, len(keys), READ_AT_ONCE):
            async with self._redis.pipeline(transaction=False) as pipe:
                for key in keys[start : start + READ_AT_ONCE]:
                    pipe.getex(self._keys.derived(owner, key), px=self._kept_ms)
                results += await pipe.execute()
        return results

    async def save(self, owner: str, key: str, result: bytes, *, job_id: str | None = None) -> None:
        """Keep a result; if the job for which it was computed was deleted meanwhile, do not.

        Raises:
            TooManyBytes: the owner has reached its limit; nothing was written.
        """
        quota = orjson.dumps(rate_limits.quota(self._max_bytes, self._kept_ms))
        names = [self._keys.derived(owner, key), self._keys.added_derived(owner)]
        names += [self._keys.job(job_id)] if job_id else []
        if wait_s := int(await self._script(keys=names, args=[result, self._kept_ms, quota])):
            raise TooManyBytes(self._max_bytes, wait_s)

    async def missing(self, owner: str, keys: Sequence[str]) -> set[str]:
        """Return the keys without a result. All other results are kept for the full time again."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for key in keys:
                pipe.pexpire(self._keys.derived(owner, key), self._kept_ms)
            replies = await pipe.execute()
        return {key for key, renewed in zip(keys, replies, strict=True) if not renewed}
