"""Searches in analysed code: a worker of the embedding queue embeds the question, and looks through the index."""

import asyncio
import logging
from collections import OrderedDict
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from nlp2filters import logs
from nlp2filters.analysis.search import ForeignIndex, SearchIndex
from nlp2filters.errors import BlobGone
from nlp2filters.storage.blobs.store import Blobs
from nlp2filters.storage.searches import Search

if TYPE_CHECKING:
    from nlp2filters.worker.attempt import WorkerContext
    from nlp2filters.worker.services import EmbeddingServices

# So many indexes stay in memory: people ask several questions about one codebase. A large one takes about 60 MB.
LOADED_AT_ONCE = 4

_log = logging.getLogger(__name__)


class SearchIndexes:
    """The indexes that this process has loaded; the least recently used make room for others."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._loaded: OrderedDict[tuple[str, str], SearchIndex] = OrderedDict()

    async def load(self, blobs: Blobs, owner: str, digest: str) -> SearchIndex:
        """Load an index of an owner.

        Raises:
            BlobGone: it is no longer kept.
            ForeignIndex: another version built it.
        """
        async with self._lock:  # Questions that come together wait for one copy.
            if (index := self._loaded.get((owner, digest))) is None:
                content = b"".join([chunk async for chunk in blobs.read(owner, digest)])
                index = self._loaded[owner, digest] = await asyncio.to_thread(SearchIndex.from_bytes, content)
            self._loaded.move_to_end((owner, digest))
            while len(self._loaded) > LOADED_AT_ONCE:
                self._loaded.popitem(last=False)
            return index


async def answer(ctx: dict[str, Any], request: dict[str, Any]) -> None:
    """Answer a search. ARQ calls it."""
    worker: WorkerContext[EmbeddingServices] = ctx["worker"]
    search, services = Search(**request), worker.services
    with logs.about(search=search.id):
        try:
            index = await services.search_indexes.load(services.blobs, search.owner, search.index)
        except (BlobGone, ForeignIndex) as exc:
            _log.info("the index of a search is gone, or of another version: %r", exc)
            await worker.store.searches.answer(search, None)
            return
        query = (await services.embedder.embed([search.question]))[0]
        results = await asyncio.to_thread(index.search, search.question, query, search.count)
        await worker.store.searches.answer(search, [asdict(result) for result in results])
    _log.info("searched", extra={"search": search.id})
