"""Requests for catalog indexes: which index a catalog has, and asking the workers to build it."""

import hashlib
from collections.abc import Awaitable, Sequence
from typing import cast

import orjson
from redis.asyncio import Redis

from nlp2filters.clock import now_ms
from nlp2filters.core.embedding_model import MODEL
from nlp2filters.storage import arq_format
from nlp2filters.storage.redis_keys import Keys

# A job embeds up to this many names itself, which takes a few seconds. Larger catalogs are indexed in the background.
AT_ONCE = 1_000
# An index expires this long after its last use.
KEPT_S = 7 * 86_400
NAMES, SPACE = "names", "space"


def digest_of(names: Sequence[str], space: str = MODEL) -> str:
    """Return the digest that identifies the index of these names in the vector space of a model."""
    return hashlib.sha256("\0".join((space, *names)).encode(errors="surrogatepass")).hexdigest()


class IndexRequests:
    """The requests that indexes be built."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys

    async def request(self, names: Sequence[str], space: str = MODEL) -> None:
        """Request that the index be built, unless it has been requested already."""
        digest, now = digest_of(names, space), now_ms()
        key, name = self._keys.vectors(digest), self._keys.queue("embedding")
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.hsetnx(key, NAMES, orjson.dumps(list(names)).decode())
            if space != MODEL:
                pipe.hsetnx(key, SPACE, space)
            pipe.expire(key, KEPT_S)
            pipe.set(arq_format.index_entry_key(digest), arq_format.index_entry(digest, now), nx=True)
            pipe.zadd(name, {arq_format.index_entry_id(digest): now}, nx=True)
            pipe.zadd(arq_format.wake_key(name), {"0": 0})
            await pipe.execute()

    async def space_of(self, digest: str) -> str:
        """Return the space of an index that has been requested."""
        space = await cast(Awaitable[bytes | None], self._redis.hget(self._keys.vectors(digest), SPACE))
        return space.decode() if space else MODEL
