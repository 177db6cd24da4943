"""Blobs in Redis: a hash each, with one field per chunk. Redis itself removes expired ones and unfinished uploads."""

import secrets
from collections.abc import AsyncIterator, Awaitable
from typing import cast

from redis.asyncio import Redis
from redis.exceptions import TimeoutError as NoAnswer

from nlp2filters.errors import BlobGone, BlobStoreUnavailable
from nlp2filters.storage import scripts
from nlp2filters.storage.blobs.backend import CHUNK_BYTES, StoredBlob
from nlp2filters.storage.errors import OutcomeUnknown
from nlp2filters.storage.redis_keys import Keys, escaped

SCANNED_AT_ONCE = 1_000
# An upload to which nothing was added for this long has lost its process.
UPLOAD_TTL_S = 600


class RedisUpload:
    """An upload under a key of its own, which the commit renames. Every command may be repeated."""

    def __init__(self, redis: Redis, keys: Keys, owner: str, kept_ms: int) -> None:
        self._redis, self._keys, self._owner, self._kept_ms = redis, keys, owner, kept_ms
        self._id = secrets.token_hex(16)
        self._key = keys.blob_upload(owner, self._id)
        self._chunks = 0

    async def write(self, chunk: bytes) -> None:
        """See `Upload`."""
        try:
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.hset(self._key, str(self._chunks), chunk)  # type: ignore[arg-type]  # bytes are values too
                pipe.expire(self._key, UPLOAD_TTL_S)
                await pipe.execute()
        except OutcomeUnknown as exc:  # Nobody will ever see this upload, so nothing has been done.
            raise NoAnswer(str(exc)) from exc
        self._chunks += 1

    async def commit(self, digest: str) -> bool:
        """See `Upload`."""
        script = self._redis.register_script(scripts.COMMIT_BLOB)
        reply = await script(
            keys=[self._key, self._keys.blob(self._owner, digest)], args=[self._id, self._chunks, self._kept_ms]
        )
        if reply == b"lost":
            raise BlobStoreUnavailable("Redis has lost a part of the upload.")
        return bool(reply == b"new")

    async def abort(self) -> None:
        """See `Upload`."""
        await self._redis.unlink(self._key)


class RedisBackend:
    """The blobs in Redis."""

    def __init__(self, redis: Redis, keys: Keys, kept_s: int) -> None:
        self._redis, self._keys, self._kept_ms = redis, keys, 1000 * kept_s

    def upload(self, owner: str) -> RedisUpload:
        """See `Backend`."""
        return RedisUpload(self._redis, self._keys, owner, self._kept_ms)

    async def read(self, owner: str, digest: str) -> AsyncIterator[bytes]:
        """See `Backend`."""
        key, number = self._keys.blob(owner, digest), 0
        while (chunk := await cast(Awaitable[bytes | None], self._redis.hget(key, str(number)))) is not None:
            yield chunk
            number += 1
        if not await self._redis.exists(key):
            raise BlobGone(digest)

    async def renew(self, owner: str, digest: str) -> None:
        """See `Backend`."""
        if not await self._redis.pexpire(self._keys.blob(owner, digest), self._kept_ms):
            raise BlobGone(digest)

    async def listing(self, owner: str | None) -> AsyncIterator[StoredBlob]:
        """See `Backend`."""
        start = self._keys.blob("", "").removesuffix(":")
        match = f"{escaped(start)}{'*' if owner is None else escaped(owner)}:*"
        async for name in self._redis.scan_iter(match=match, count=SCANNED_AT_ONCE):
            holder, _, digest = name.decode().removeprefix(start).rpartition(":")
            if owner is None or holder == owner:
                async with self._redis.pipeline(transaction=False) as pipe:
                    # A field is the upload's id; the others are chunks, all of one size but for the last.
                    chunks = await cast(Awaitable[int], self._redis.hlen(name)) - 1
                    pipe.hstrlen(name, str(chunks - 1))
                    pipe.pttl(name)
                    last_size, left_ms = await pipe.execute()
                size = max(0, chunks - 1) * CHUNK_BYTES + last_size
                if left_ms > 0:
                    yield StoredBlob(holder, digest, size, left_ms / 1000)

    def holder(self, owner: str) -> str:
        """See `Backend`."""
        return owner

    async def delete(self, owner: str, digest: str) -> bool:
        """See `Backend`."""
        return bool(await self._redis.unlink(self._keys.blob(owner, digest)))

    async def remove_expired(self) -> None:
        """See `Backend`: Redis does it."""
