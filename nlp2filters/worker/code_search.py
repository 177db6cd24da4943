"""Searches in analysed code: a worker of the embedding queue embeds the question, and looks through the index."""

import asyncio
import logging
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from nlp2filters import logs
from nlp2filters.analysis.search import ForeignIndex
from nlp2filters.errors import BlobGone
from nlp2filters.storage.searches import Search

if TYPE_CHECKING:
    from nlp2filters.worker.attempt import WorkerContext
    from nlp2filters.worker.embedding_services import EmbeddingServices

_log = logging.getLogger(__name__)


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
