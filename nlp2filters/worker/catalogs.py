"""The catalogs of jobs' requests: packaged, inline, or stored separately in the version of the submission."""

import asyncio
import hashlib
from collections.abc import Mapping
from typing import Any

import orjson
from async_lru import alru_cache

from nlp2filters import demo
from nlp2filters.core.catalog import Catalog
from nlp2filters.errors import PartGone
from nlp2filters.storage.store import Store

MAX_CATALOGS = 64


class CatalogSource:
    """The JSON of a request's catalog, with its SHA-256. An owner's is identified by the key of its content."""

    def __init__(self, store: Store, owner: str, request: Mapping[str, Any]) -> None:
        self._store = store
        self._key: str | None = None
        self._inline = b""
        self.is_packaged = False
        if digest := request.get("parts", {}).get("catalog"):
            self.digest, self._key = digest, store.keys.part(owner, digest)
        elif digest := request.get("catalog_digest"):
            self.digest, self._key = digest, store.keys.catalog(owner, request["catalog"], digest)
        else:
            self.is_packaged = isinstance(request["catalog"], str)
            self._inline = orjson.dumps(request["catalog"])
            self.digest = hashlib.sha256(self._inline).hexdigest()

    @property
    def identity(self) -> str | bytes:
        """A value that only the same content has, for the same owner: the key contains a digest of the content."""
        return self._key or self._inline

    async def read(self) -> bytes:
        """Read the JSON.

        Raises:
            PartGone: the catalog was deleted longer ago than jobs are kept.
        """
        if self._key is None:
            return self._inline
        content: bytes | None = await self._store.redis.get(self._key)
        if content is None:
            raise PartGone("catalog")
        return content

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CatalogSource) and self.identity == other.identity

    def __hash__(self) -> int:
        return hash(self.identity)


class CatalogCache:
    """The parsed catalogs of a worker process; the least recently used are dropped."""

    def __init__(self) -> None:
        self.load = alru_cache(maxsize=MAX_CATALOGS)(_load)


async def _load(source: CatalogSource) -> Catalog:
    content = await source.read()
    return await asyncio.to_thread(lambda: demo.catalog_of(orjson.loads(content)))
