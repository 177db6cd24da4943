"""The services of an embedding worker, which it opens at its start, and which all its attempts share."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Protocol

from numpy.typing import NDArray

from nlp2filters.core.embedding_model import MODEL
from nlp2filters.core.text_vectors import Meanings
from nlp2filters.core.usage import PriceTable
from nlp2filters.embedding.api_embedder import ApiEmbedder
from nlp2filters.embedding.embedder import Embedder
from nlp2filters.embedding.weights import MINILM_BY_WEIGHTS
from nlp2filters.errors import ProviderError
from nlp2filters.file_reading import process
from nlp2filters.llm import opening
from nlp2filters.settings import Settings
from nlp2filters.storage.blobs.store import Blobs, open_blobs
from nlp2filters.storage.index_requests import ANYBODY, AT_ONCE, IndexUser, digest_of
from nlp2filters.storage.store import Store
from nlp2filters.storage.vector_index import CHUNK, Embed, Indexes
from nlp2filters.worker.parsing.catalogs import CatalogParsers
from nlp2filters.worker.parsing.pool import Pool
from nlp2filters.worker.provider_calls import HOLD_S, count_call
from nlp2filters.worker.search_indexes import SearchIndexes
from nlp2filters.worker.shared_gates import sharing

_log = logging.getLogger(__name__)


class Indexed(Protocol):
    """A catalog whose names are embedded."""

    @property
    def indexed(self) -> Sequence[str]:
        """The names."""


@dataclass(frozen=True, slots=True)
class EmbeddingServices:
    """The embedding model, the parsers, uploaded files, the embedding API, if any, and indexes of catalogs and code."""

    embedder: Embedder
    parsers: CatalogParsers
    indexes: Indexes
    blobs: Blobs
    api: ApiEmbedder | None = None
    prices: PriceTable = field(default_factory=PriceTable)
    index_lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    search_indexes: SearchIndexes = field(default_factory=SearchIndexes)

    async def name_vectors(self, catalog: Indexed, user: IndexUser = ANYBODY) -> NDArray[Any] | None:
        """Return the catalog's index. If it is large and does not exist yet, request it and return None."""
        return await self._index(catalog.indexed, MODEL, self.embedder.embed, user)

    async def meanings(
        self, names: Sequence[str], phrases: Sequence[str], spent: Counter[str], user: IndexUser = ANYBODY
    ) -> Meanings | None:
        """Return the embedding API's vectors of a catalog's names and of phrases; None while it is of no help.

        Then the model on this machine stands in for it. Their vectors are never compared with each other.
        """
        if not self.api:
            return None
        embed = partial(self.api.embed, spent=spent)
        try:
            space = await self.api.space(spent)
            index = await self._index(names, space, embed, user)
            vectors = await embed(phrases) if index is not None else None
        except ProviderError as exc:
            _log.warning("the embedding API gave no vectors, so the model on this machine stands in: %s", exc)
            return None
        if index is None or vectors is None or index.shape[1] != vectors.shape[1]:
            return None
        return Meanings(vectors, index, digest_of(names, space))

    async def build_index(self, index_id: str) -> bool:
        """Build an index for one turn. Returns False if there is more to do."""
        space = await self.indexes.space_of(index_id)
        if space == MODEL:
            return await self.indexes.build(index_id, self.embedder.embed)
        spent: Counter[str] = Counter()
        try:
            if not self.api or await self.api.space(spent) != space:
                return True  # It was requested with other settings, and nobody will look for it.
            return await self.indexes.build(index_id, partial(self.api.embed, spent=spent), CHUNK)
        except ProviderError as exc:
            _log.warning("the embedding API gave no vectors, so an index is not built now: %s", exc)
            return True
        finally:
            _log.info("embedded names by the API", extra={"index": index_id, **spent})

    async def _index(self, names: Sequence[str], space: str, embed: Embed, user: IndexUser) -> NDArray[Any] | None:
        if (vectors := await self.indexes.load(names, space, user)) is not None:
            return vectors
        if len(names) > AT_ONCE:
            await self.indexes.request(names, space, user)
            return None
        async with self.index_lock:  # If several jobs need the same names at the same time, only one embeds them.
            if (vectors := await self.indexes.load(names, space, user)) is None:
                vectors = await embed(names)
                await self.indexes.save(names, vectors, space, user)
        return vectors


@asynccontextmanager
async def open_embedding(settings: Settings, store: Store) -> AsyncIterator[EmbeddingServices]:
    """Load the embedding model, and start the processes that parse texts."""
    process.preload("duckdb", "nlp2filters.table_inference", "nlp2filters.table_rows")
    model = MINILM_BY_WEIGHTS[settings.embedding_weights]
    folder = await asyncio.to_thread(model.locate, settings.model_path, settings.model_cache, progress=False)
    async with AsyncExitStack() as stack:
        embedder = await Embedder.load(folder, workers=settings.embedding_threads)
        stack.push_async_callback(embedder.close)
        pool = await stack.enter_async_context(Pool(settings.parser_processes))
        blobs = await stack.enter_async_context(open_blobs(settings, store.redis, store.keys))
        await stack.enter_async_context(blobs.removing_expired())
        indexes, parsers, api = Indexes(store.redis, store.keys), CatalogParsers(pool), None
        if settings.embedding:
            config = replace(settings.embedding, patience_s=HOLD_S)
            api = await stack.enter_async_context(ApiEmbedder(opening.create_embeddings(config)))
            api.report_calls(partial(count_call, store))
            await stack.enter_async_context(sharing(api.gate, store.providers))
        yield EmbeddingServices(embedder, parsers, indexes, blobs, api, settings.llm_prices)
