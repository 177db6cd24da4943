"""The owners' catalogs in Redis. Their content is stored under its hash, so that a job keeps its version."""

import hashlib
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any, cast

import orjson
from redis.asyncio import Redis

from nlp2filters.core import catalog as catalogs
from nlp2filters.core.catalog import Catalog
from nlp2filters.errors import CatalogNotFound, TooManyCatalogs
from nlp2filters.storage import rate_limits
from nlp2filters.storage.redis_keys import Keys

MAX_CATALOGS = 1_000
MAX_TOTAL_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Stored:
    """A stored catalog: its content as compact JSON, the content's SHA-256, and the Redis key of the content."""

    digest: str
    content: bytes
    key: str

    def to_json(self) -> dict[str, Any]:
        """Return the catalog as JSON data, in the form of `core.catalog.to_json`."""
        data: dict[str, Any] = orjson.loads(self.content)
        for field in data["fields"]:
            if "values" in field:
                field["values"] = [{"value": one} if isinstance(one, str) else one for one in field["values"]]
        return data


def _compact(catalog: Catalog) -> bytes:
    """Encode the catalog as JSON that is hardly larger than the submitted one: a value with only a name is a string."""
    data = catalogs.to_json(catalog)
    for field in data["fields"]:
        if "values" in field:
            field["values"] = [one["value"] if len(one) == 1 else one for one in field["values"]]
    return orjson.dumps(data)


class Catalogs:
    """The catalogs of all owners. Replaced or deleted content is kept `kept_ms` longer, for the jobs that use it.

    An owner's catalogs count toward the bytes that it may add in `retention_ms`.
    """

    def __init__(self, redis: Redis, keys: Keys, *, kept_ms: int, retention_ms: int) -> None:
        self._redis = redis
        self._keys = keys
        self._kept_ms = kept_ms
        self._retention_ms = retention_ms

    async def put(self, owner: str, catalog: Catalog, now: int, *, max_bytes: int = 0) -> tuple[str, bool]:
        """Store a catalog. Returns the hash of its content, and True if the name is new.

        `max_bytes` limits the bytes that the owner may add, and those of its catalogs; 0 means no limit.

        Raises:
            TooManyCatalogs: the owner has reached its limit of catalogs, or of their bytes.
            TooManyBytes: the owner has reached its limit of added bytes.
        """
        content = _compact(catalog)
        digest = hashlib.sha256(content).hexdigest()
        summary = {
            "name": catalog.name,
            "title": catalog.title,
            "description": catalog.description,
            "fields": len(catalog.fields),
            "examples": list(catalog.examples),
            "digest": digest,
            "bytes": len(content),
            "updated_at": now,
        }
        others = {one["name"]: one for one in await self.listing(owner)}
        before = others.pop(catalog.name, None)
        total = len(content) + sum(one.get("bytes", 0) for one in others.values())
        most = min(MAX_TOTAL_BYTES, max_bytes or MAX_TOTAL_BYTES)
        if (before is None and len(others) >= MAX_CATALOGS) or total > most:
            raise TooManyCatalogs(MAX_CATALOGS, most)
        if before is None or before["digest"] != digest:
            added = len(content) + len(orjson.dumps(summary))
            await rate_limits.charge(self._redis, self._keys, owner, added, max_bytes, self._retention_ms)
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.set(self._keys.catalog(owner, catalog.name, digest), content)
            pipe.hset(self._keys.catalogs(owner), catalog.name, orjson.dumps(summary).decode())
            if before and before["digest"] != digest:
                pipe.pexpire(self._keys.catalog(owner, catalog.name, before["digest"]), self._kept_ms)
            await pipe.execute()
        return digest, before is None

    async def get(self, owner: str, name: str) -> Stored:
        """Read a catalog of the owner.

        Raises:
            CatalogNotFound: there is no catalog with this name.
        """
        summary = await self._summary(owner, name)
        if summary is None:
            raise CatalogNotFound(name)
        key = self._keys.catalog(owner, name, summary["digest"])
        content = await self._redis.get(key)
        if content is None:
            raise CatalogNotFound(name)
        return Stored(summary["digest"], content, key)

    async def listing(self, owner: str) -> list[dict[str, Any]]:
        """List summaries of the owner's catalogs, sorted by name."""
        reply = await cast(Awaitable[dict[bytes, bytes]], self._redis.hgetall(self._keys.catalogs(owner)))
        return sorted((orjson.loads(summary) for summary in reply.values()), key=lambda summary: summary["name"])

    async def delete(self, owner: str, name: str) -> None:
        """Delete a catalog; jobs that use it are not affected.

        Raises:
            CatalogNotFound: there is no catalog with this name.
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
