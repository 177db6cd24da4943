"""Requests for catalog indexes: which index a catalog has, and asking the workers to build it."""

import hashlib
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
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


def index_id(names: Sequence[str], space: str = MODEL, owner: str = "") -> str:
    """Return the id of an owner's index of these names; without an owner, it is that of a packaged catalog."""
    digest = digest_of(names, space)
    return f"{owner}:{digest}" if owner else digest


@dataclass(frozen=True, slots=True)
class IndexUser:
    """The owner of an index, empty if it is of a packaged catalog; and the job that needs it, if any."""

    owner: str = ""
    job_id: str | None = None


ANYBODY = IndexUser()


class IndexRequests:
    """The requests that indexes be built."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys

    async def request(self, names: Sequence[str], space: str = MODEL, user: IndexUser = ANYBODY) -> None:
        """Request that the index be built, unless it was requested before, or the job that needs it was deleted."""
        id_, now = index_id(names, space, user.owner), now_ms()
        key, name = self._keys.vectors(id_), self._keys.queue("embedding")
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.hsetnx(key, NAMES, orjson.dumps(list(names)).decode())
            if space != MODEL:
                pipe.hsetnx(key, SPACE, space)
            pipe.expire(key, KEPT_S)
            pipe.set(arq_format.index_entry_key(id_), arq_format.index_entry(id_, now), nx=True)
            pipe.zadd(name, {arq_format.index_entry_id(id_): now}, nx=True)
            pipe.zadd(arq_format.wake_key(name), {"0": 0})
            await pipe.execute()
        if user.job_id and not await self._redis.exists(self._keys.job(user.job_id)):
            await self._redis.unlink(key)

    async def space_of(self, id_: str) -> str:
        """Return the space of an index that has been requested, by its id."""
        space = await cast(Awaitable[bytes | None], self._redis.hget(self._keys.vectors(id_), SPACE))
        return space.decode() if space else MODEL
