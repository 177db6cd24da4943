"""Storing and reading blobs, within the owners' quotas."""

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterable, AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

from redis.asyncio import Redis
from redis.exceptions import RedisError

from nlp2filters import background
from nlp2filters.errors import BlobGone, BlobStoreUnavailable
from nlp2filters.settings import MAX_DEADLINE_S, Settings
from nlp2filters.storage import rate_limits
from nlp2filters.storage.blobs.backend import CHUNK_BYTES, Backend, StoredBlob, Upload
from nlp2filters.storage.redis_keys import Keys

REMOVAL_INTERVAL_S = 3_600.0
ABORT_TIMEOUT_S = 2.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Blob:
    """A stored blob: its SHA-256, and its size in bytes."""

    digest: str
    size: int


@dataclass(frozen=True, slots=True)
class Quota:
    """The bytes that owners may add within `window_ms`. They are counted apart from those of jobs if `separate`.

    `max_bytes` (0: no limit) are never more than one part in `memory_parts` of Redis's memory; 0: they are elsewhere.
    """

    redis: Redis
    keys: Keys
    window_ms: int
    separate: bool
    max_bytes: int = 0
    memory_parts: int = 0

    async def limit(self) -> int:
        """Return the bytes that one owner may add; 0 means no limit."""
        if not self.memory_parts:
            return self.max_bytes
        memory = await cast(Awaitable[dict[str, int]], self.redis.info("memory"))
        return min(self.max_bytes, memory.get("maxmemory", 0) // self.memory_parts or self.max_bytes)

    async def charge(self, owner: str, size: int, limit: int) -> None:
        """Count bytes that an owner is about to add, or, if negative, gets back. `limit` 0: there is no limit.

        Raises:
            TooManyBytes: they exceed the limit, and were not counted.
        """
        name = self.keys.added_blobs(owner) if self.separate else self.keys.added(owner)
        await rate_limits.charge_key(self.redis, name, size, limit, self.window_ms)


class Blobs:
    """The blobs of all owners. The content is never in memory as a whole, and may be in any backend."""

    def __init__(self, backend: Backend, quota: Quota) -> None:
        self._backend, self._quota = backend, quota

    async def store(
        self,
        owner: str,
        content: AsyncIterable[bytes],
        *,
        size: int | None = None,
        max_bytes: int | None = None,
        job_id: str | None = None,
    ) -> Blob:
        """Store content for an owner, who may add `max_bytes` to its quota (0: no limit; None: that of the settings).

        A blob that exists is renewed. If the `size` is known beforehand, content that does not fit is refused at once.
        Bytes of content that was not new, or did not arrive, do not count. If the job `job_id`, for
        which it is stored, was deleted meanwhile, it is not kept.

        Raises:
            TooManyBytes: the owner has reached its limit.
            BlobStoreUnavailable, StorageError: it cannot be stored now. Nothing was.
        """
        upload, hashed, written, charged = self._backend.upload(owner), hashlib.sha256(), 0, 0
        new, limit = False, await self._quota.limit() if max_bytes is None else max_bytes
        try:
            if size:
                await self._quota.charge(owner, size, limit)
                charged = size
            async for chunk in rechunked(content):
                if (missing := written + len(chunk) - charged) > 0:
                    await self._quota.charge(owner, missing, limit)
                    charged += missing
                hashed.update(chunk)
                await upload.write(chunk)
                written += len(chunk)
            new = await upload.commit(hashed.hexdigest())
            if new and job_id and not await self._quota.redis.exists(self._quota.keys.job(job_id)):
                new = not await self._backend.delete(owner, hashed.hexdigest())
        except BaseException:
            await asyncio.shield(self._undo(upload, owner, charged))
            raise
        if refund := charged - (written if new else 0):
            await self._refund(owner, refund)
        return Blob(hashed.hexdigest(), written)

    async def read(self, owner: str, digest: str) -> AsyncIterator[bytes]:
        """Yield the chunks of a blob.

        Raises:
            BlobGone: it is no longer kept, or damaged.
        """
        hashed = hashlib.sha256()
        async for chunk in self._backend.read(owner, digest):
            hashed.update(chunk)
            yield chunk
        if hashed.hexdigest() != digest:
            _log.error("a blob is damaged", extra={"digest": digest})
            raise BlobGone(digest)

    async def renew(self, owner: str, digest: str) -> None:
        """Keep a blob for the full time again, for another job.

        Raises:
            BlobGone: it is no longer kept.
        """
        await self._backend.renew(owner, digest)

    def listing(self, owner: str | None = None) -> AsyncIterator[StoredBlob]:
        """Yield the blobs of an owner, or of all owners."""
        return self._backend.listing(owner)

    def holder(self, owner: str) -> str:
        """Return the name by which `StoredBlob.holder` stands for an owner."""
        return self._backend.holder(owner)

    async def delete(self, owner: str, digest: str) -> bool:
        """Delete a blob. Returns False if there was none."""
        return await self._backend.delete(owner, digest)

    @asynccontextmanager
    async def removing_expired(self, interval_s: float = REMOVAL_INTERVAL_S) -> AsyncIterator[None]:
        """Remove expired blobs every now and then while inside the context."""
        async with background.running(partial(self._remove_regularly, interval_s), "remove-expired-blobs"):
            yield

    async def _remove_regularly(self, interval_s: float) -> None:
        while True:
            try:
                await self._backend.remove_expired()
            except BlobStoreUnavailable as exc:
                _log.warning("could not remove expired blobs, trying again: %s", exc)
            await asyncio.sleep(interval_s)

    async def _undo(self, upload: Upload, owner: str, charged: int) -> None:
        """Discard an upload as far as possible; what remains of it expires."""
        with suppress(BlobStoreUnavailable, RedisError, TimeoutError):
            async with asyncio.timeout(ABORT_TIMEOUT_S):
                await upload.abort()
        if charged:
            await self._refund(owner, charged)

    async def _refund(self, owner: str, size: int) -> None:
        try:
            await self._quota.charge(owner, -size, 0)
        except RedisError as exc:
            _log.warning("could not give an owner %d bytes of its quota back: %s", size, exc)


async def rechunked(content: AsyncIterable[bytes], size: int = CHUNK_BYTES) -> AsyncIterator[bytes]:
    """Yield the content in pieces of exactly `size` bytes, but for the last one."""
    buffer = bytearray()
    async for piece in content:
        for start in range(0, len(piece), size):
            buffer += piece[start : start + size]
            if len(buffer) >= size:
                yield bytes(buffer[:size])
                del buffer[:size]
    if buffer:
        yield bytes(buffer)


@asynccontextmanager
async def open_blobs(settings: Settings, redis: Redis, keys: Keys) -> AsyncIterator[Blobs]:
    """Open the store that the settings name. Blobs outlive every job that may use them, and its retries."""
    kept_s = max(MAX_DEADLINE_S, settings.deadline_s) + 2 * settings.retention_s
    separate = settings.max_owner_blob_bytes > 0
    max_bytes = settings.max_owner_blob_bytes or settings.max_owner_bytes
    memory_parts = 2 if not separate else 4 if settings.blob_store == "redis" else 0
    quota = Quota(redis, keys, 1000 * settings.retention_s, separate, max_bytes, memory_parts)
    async with _backend(settings, redis, keys, kept_s) as backend:
        yield Blobs(backend, quota)


@asynccontextmanager
async def _backend(settings: Settings, redis: Redis, keys: Keys, kept_s: int) -> AsyncIterator[Backend]:
    address = urlsplit(settings.blob_store)
    match address.scheme:
        case "file":
            from nlp2filters.storage.blobs.in_folder import FolderBackend

            yield FolderBackend(Path(address.path), kept_s)
        case "s3":
            from nlp2filters.storage.blobs.in_s3 import S3Backend, S3Config

            config = S3Config(
                bucket=address.netloc,
                prefix=address.path.strip("/"),
                endpoint=settings.s3_endpoint_url,
                region=settings.s3_region,
                key_id=settings.s3_key_id,
                secret=str(settings.s3_secret),
                token=str(settings.s3_token),
            )
            async with S3Backend.open(config, kept_s) as backend:
                yield backend
        case _:
            from nlp2filters.storage.blobs.in_redis import RedisBackend

            yield RedisBackend(redis, keys, kept_s)
