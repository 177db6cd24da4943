"""The owners' catalogs in Redis. A content is written under its own hash, so that a job keeps the one it was given."""

import hashlib
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any, cast

import orjson
from redis.asyncio import Redis

from nlp2filters.core import catalog as catalogs
from nlp2filters.core.catalog import Catalog
from nlp2filters.errors import CatalogNotFound, TooManyCatalogs
from nlp2filters.keys import Keys

MAX_CATALOGS = 1_000


@dataclass(frozen=True, slots=True)
class Stored:
    """A stored catalog: its content as JSON, and the content's SHA-256."""

    digest: str
    content: bytes


class Catalogs:
    """Reads and writes. A replaced or deleted content is kept for `kept_ms` longer, for the jobs that have it."""

    def __init__(self, redis: Redis, keys: Keys, *, kept_ms: int) -> None:
        self._redis = redis
        self._keys = keys
        self._kept_ms = kept_ms

    async def put(self, owner: str, catalog: Catalog, now: int) -> tuple[str, bool]:
        """Write a catalog; returns the hash of its content, and whether the name is new.

        Raises:
            TooManyCatalogs: the owner has as many as it may.
        """
        content = orjson.dumps(catalogs.to_json(catalog))
        digest = hashlib.sha256(content).hexdigest()
        before = await self._summary(owner, catalog.name)
        if before is None and await self._count(owner) >= MAX_CATALOGS:
            raise TooManyCatalogs(MAX_CATALOGS)
        summary = {
            "name": catalog.name,
            "title": catalog.title,
            "description": catalog.description,
            "fields": len(catalog.fields),
            "examples": list(catalog.examples),
            "digest": digest,
            "updated_at": now,
        }
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.set(self._keys.catalog(owner, catalog.name, digest), content)
            pipe.hset(self._keys.catalogs(owner), catalog.name, orjson.dumps(summary).decode())
            if before and before["digest"] != digest:
                pipe.pexpire(self._keys.catalog(owner, catalog.name, before["digest"]), self._kept_ms)
            await pipe.execute()
        return digest, before is None

    async def get(self, owner: str, name: str) -> Stored:
        """The owner's catalog.

        Raises:
            CatalogNotFound: there is none of that name.
        """
        summary = await self._summary(owner, name)
        content = await self._redis.get(self._keys.catalog(owner, name, summary["digest"])) if summary else None
        if summary is None or content is None:
            raise CatalogNotFound(name)
        return Stored(summary["digest"], content)

    async def listing(self, owner: str) -> list[dict[str, Any]]:
        """Summaries of the owner's catalogs, by name."""
        reply = await cast(Awaitable[dict[bytes, bytes]], self._redis.hgetall(self._keys.catalogs(owner)))
        return sorted((orjson.loads(summary) for summary in reply.values()), key=lambda summary: summary["name"])

    async def delete(self, owner: str, name: str) -> None:
        """Forget a catalog; the jobs that were given it go on.

        Raises:
            CatalogNotFound: there is none of that name.
        """
        summary = await self._summary(owner, name)
        if summary is None:
            raise CatalogNotFound(name)
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.hdel(self._keys.catalogs(owner), name)
            pipe.pexpire(self._keys.catalog(owner, name, summary["digest"]), self._kept_ms)
            await pipe.execute()

    async def _summary(self, owner: str, name: str) -> dict[str, Any] | None:
        data = await cast(Awaitable[bytes | None], self._redis.hget(self._keys.catalogs(owner), name))
        return orjson.loads(data) if data else None

    async def _count(self, owner: str) -> int:
        return await cast(Awaitable[int], self._redis.hlen(self._keys.catalogs(owner)))
