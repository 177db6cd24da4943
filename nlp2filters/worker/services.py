"""The services that each worker opens at its start, and that all its attempts share."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from numpy.typing import NDArray

from nlp2filters.embedding import weights
from nlp2filters.embedding.embedder import Embedder
from nlp2filters.llm import Provider, registry
from nlp2filters.settings import Settings
from nlp2filters.storage.blobs.store import Blobs, open_blobs
from nlp2filters.storage.store import Store
from nlp2filters.storage.vector_index import AT_ONCE, Indexes
from nlp2filters.webhooks.client import WebhookClient
from nlp2filters.worker.catalogs import CatalogCache
from nlp2filters.worker.parsing.catalogs import CatalogParsers
from nlp2filters.worker.parsing.pool import Pool
from nlp2filters.worker.shared_gates import sharing

# While a provider limits the rate of calls, a job keeps its slot for so long, and is then put off.
HOLD_S = 1.0

_log = logging.getLogger(__name__)


class Indexed(Protocol):
    """A catalog whose names are embedded."""

    @property
    def indexed(self) -> Sequence[str]:
        """The names."""


@dataclass(frozen=True, slots=True)
class EmbeddingServices:
    """The embedding model, the parsers, the indexes of catalogs, and uploaded files."""

    embedder: Embedder
    parsers: CatalogParsers
    indexes: Indexes
    blobs: Blobs
    index_lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def name_vectors(self, catalog: Indexed) -> NDArray[Any] | None:
        """Return the catalog's index. If it is large and does not exist yet, request it and return None."""
        names = catalog.indexed
        if (vectors := await self.indexes.load(names)) is not None:
            return vectors
        if len(names) > AT_ONCE:
            await self.indexes.request(names)
            return None
        async with self.index_lock:  # If several jobs need the same names at the same time, only one embeds them.
            if (vectors := await self.indexes.load(names)) is None:
                vectors = await self.embedder.embed(names)
                await self.indexes.save(names, vectors)
        return vectors


@dataclass(frozen=True, slots=True)
class LLMServices:
    """The LLM, and parsed catalogs. Where no LLM is configured, `provider` is None, and the drafts are the results.

    An answer may take `answer_timeout_s`, whatever the provider does.
    """

    provider: Provider | None
    answer_timeout_s: float = 60.0
    catalogs: CatalogCache = field(default_factory=CatalogCache)


@dataclass(frozen=True, slots=True)
class DeliveryServices:
    """The client that calls webhooks, and the secrets that sign its messages."""

    client: WebhookClient
    secrets: Sequence[str]


def answer_timeout_s(settings: Settings) -> float:
    """Return the time that one answer of an LLM may take, with the wait for the provider's limit of the rate."""
    return settings.llm_timeout_s + HOLD_S + 1.0


@asynccontextmanager
async def open_embedding(settings: Settings, store: Store) -> AsyncIterator[EmbeddingServices]:
    """Load the embedding model, and start the processes that parse texts."""
    folder = await asyncio.to_thread(weights.locate, settings.model_path, settings.model_cache, progress=False)
    async with AsyncExitStack() as stack:
        embedder = await Embedder.load(folder, workers=settings.embedding_threads)
        stack.push_async_callback(embedder.close)
        pool = await stack.enter_async_context(Pool(settings.parser_processes))
        blobs = await stack.enter_async_context(open_blobs(settings, store.redis, store.keys))
        await stack.enter_async_context(blobs.removing_expired())
        yield EmbeddingServices(embedder, CatalogParsers(pool), Indexes(store.redis, store.keys), blobs)


@asynccontextmanager
async def open_llm(settings: Settings, store: Store) -> AsyncIterator[LLMServices]:
    """Open the client of the configured LLM, if any."""
    if not settings.llm:
        if settings.lacks_llm_model:
            _log.warning("there is an LLM's key but no LLM_MODEL: the built-in parser answers")
        yield LLMServices(None)
        return
    # A job that would wait longer gives its slot back.
    config = replace(settings.llm, patience_s=HOLD_S)
    async with registry.create(config) as provider, sharing(provider.gate, store.providers):
        yield LLMServices(provider, answer_timeout_s(settings))


@asynccontextmanager
async def open_delivery(settings: Settings, store: Store) -> AsyncIterator[DeliveryServices]:
    """Open the client that calls webhooks."""
    async with WebhookClient(allow_private=settings.webhook_allow_private, own_hosts=settings.own_hosts) as client:
        yield DeliveryServices(client, settings.webhook_secrets)
