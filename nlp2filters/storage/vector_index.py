"""Catalog indexes: the vectors of a catalog's field names and values, embedded once and kept in Redis.

An index is identified by its owner and by the hash of its names and of the model that embeds them, so that two catalogs
of an owner with the same names share one, and a changed catalog or another model gets its own. Those of the packaged
catalogs belong to nobody. An index is built on the embedding queue, a chunk at a time, alongside the jobs: finished
chunks survive the death of a worker, and a job that comes before the index is complete is read without it.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import cast

import numpy as np
import orjson
from numpy.typing import NDArray
from redis.asyncio import Redis

from nlp2filters.core.embedding_model import MODEL
from nlp2filters.storage import scripts
from nlp2filters.storage.index_requests import ANYBODY, KEPT_S, NAMES, SPACE, IndexRequests, IndexUser, index_id
from nlp2filters.storage.redis_keys import Keys

# A chunk holds this many names.
CHUNK = 256
# The embedder lets a waiting job go first after this many names.
BATCH = 8
# After this much work, the index goes to the end of the queue.
TURN_S = 5.0
# This is room for 40,000 vectors.
MAX_CACHED_BYTES = 64 * 2**20

Vectors = NDArray[np.float32]
Embed = Callable[[Sequence[str]], Awaitable[Vectors]]


class Indexes(IndexRequests):
    """The indexes of all catalogs. Loaded ones are cached, and the least recently used are evicted first."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        super().__init__(redis, keys)
        self._build_lock = asyncio.Lock()
        self._cached: OrderedDict[str, Vectors] = OrderedDict()

    @property
    def busy(self) -> bool:
        """True while this process builds an index: it builds one at a time, so that jobs find free slots."""
        return self._build_lock.locked()

    async def load(self, names: Sequence[str], space: str = MODEL, user: IndexUser = ANYBODY) -> Vectors | None:
        """Load a unit vector for each name, shape (n, dimensions), or None while the index is incomplete."""
        id_ = index_id(names, space, user.owner)
        if id_ in self._cached:
            self._cached.move_to_end(id_)
            return self._cached[id_]
        key = self._keys.vectors(id_)
        stored = await cast(Awaitable[dict[bytes, bytes]], self._redis.hgetall(key))
        chunks = [stored.get(str(number).encode()) for number in range(_chunks(names))]
        if not all(chunks):
            return None
        await self._redis.expire(key, KEPT_S)
        vectors = await asyncio.to_thread(lambda: np.concatenate([unpack(chunk) for chunk in chunks if chunk]))
        self._remember(id_, vectors)
        return vectors

    async def save(self, names: Sequence[str], vectors: Vectors, space: str = MODEL, user: IndexUser = ANYBODY) -> None:
        """Store a complete index, unless the job that needs it was deleted meanwhile."""
        id_ = index_id(names, space, user.owner)
        guards = [self._keys.job(user.job_id)] if user.job_id else []
        for number in range(_chunks(names)):
            await self._write(id_, number, vectors[number * CHUNK : (number + 1) * CHUNK], guards)
        self._remember(id_, vectors)

    async def build(self, id_: str, embed: Embed, batch: int = BATCH) -> bool:
        """Embed missing chunks for one turn. Returns True if the index is complete, False if there is more to do.

        `batch` names are embedded at a time.
        """
        key, started_at = self._keys.vectors(id_), time.monotonic()
        async with self._build_lock:
            content = await cast(Awaitable[bytes | None], self._redis.hget(key, NAMES))
            if content is None:
                return True  # The index is complete already, or has expired.
            names: list[str] = orjson.loads(content)
            stored = set(await cast(Awaitable[list[bytes]], self._redis.hkeys(key)))
            for number in range(_chunks(names)):
                if str(number).encode() in stored:
                    continue
                if time.monotonic() - started_at > TURN_S:
                    return False
                part = names[number * CHUNK : (number + 1) * CHUNK]
                batches = [await embed(part[at : at + batch]) for at in range(0, len(part), batch)]
                await self._write(id_, number, np.concatenate(batches), [key])
            await cast(Awaitable[int], self._redis.hdel(key, NAMES, SPACE))
        return True

    async def _write(self, id_: str, number: int, vectors: Vectors, guards: Sequence[str]) -> None:
        """Write a chunk, if all `guards`, at most one key, exist."""
        script = self._redis.register_script(scripts.WRITE_WHILE_KEPT)
        args: list[str | bytes | int] = [1000 * KEPT_S, "HSET", str(number), pack(vectors)]
        await script(keys=[self._keys.vectors(id_), *guards], args=args)

    def _remember(self, id_: str, vectors: Vectors) -> None:
        self._cached[id_] = vectors
        while len(self._cached) > 1 and sum(cached.nbytes for cached in self._cached.values()) > MAX_CACHED_BYTES:
            self._cached.popitem(last=False)


def pack(vectors: Vectors) -> bytes:
    """Encode vectors in a quarter of their size: each number as a byte, with one scale for each vector."""
    greatest = np.maximum(np.abs(vectors).max(axis=1, keepdims=True), 1e-9)
    scales = (greatest / 127).astype("<f2")
    levels = np.clip(np.rint(vectors / scales.astype(np.float32)), -127, 127).astype(np.int8)
    return b"".join((len(vectors).to_bytes(4, "little"), scales.tobytes(), levels.tobytes()))


def unpack(content: bytes) -> Vectors:
    """Decode vectors encoded by `pack`, normalized to length 1; cosines are accurate to about 0.002."""
    count = int.from_bytes(content[:4], "little")
    scales = np.frombuffer(content, "<f2", count, 4).astype(np.float32)
    levels = np.frombuffer(content, np.int8, offset=4 + 2 * count).reshape(count, -1)
    vectors = levels.astype(np.float32) * scales[:, None]
    normalized: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return normalized


def _chunks(names: Sequence[str]) -> int:
    return -(-len(names) // CHUNK)
