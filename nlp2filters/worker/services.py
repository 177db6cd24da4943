"""The services that each worker opens at its start, and that all its attempts share."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Protocol

from numpy.typing import NDArray

from nlp2filters.core.counts import duration, name_of
from nlp2filters.core.drafting import Meanings
from nlp2filters.core.embedding_model import MODEL
from nlp2filters.core.usage import PriceTable
from nlp2filters.embedding.api_embedder import ApiEmbedder
from nlp2filters.embedding.embedder import Embedder
from nlp2filters.embedding.weights import MINILM
from nlp2filters.errors import ProviderError
from nlp2filters.llm import MAX_TOKENS, Provider, opening
from nlp2filters.settings import Settings
from nlp2filters.storage.blobs.store import Blobs, open_blobs
from nlp2filters.storage.index_requests import AT_ONCE, digest_of
from nlp2filters.storage.store import Store
from nlp2filters.storage.vector_index import CHUNK, Embed, Indexes
from nlp2filters.webhooks.client import WebhookClient
from nlp2filters.worker.catalogs import CatalogCache
from nlp2filters.worker.code_search import SearchIndexes
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
    """The embedding model, the parsers, uploaded files, the embedding API, if any, and indexes of catalogs and code."""

    embedder: Embedder
    parsers: CatalogParsers
    indexes: Indexes
    blobs: Blobs
    api: ApiEmbedder | None = None
    prices: PriceTable = field(default_factory=PriceTable)
    index_lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    search_indexes: SearchIndexes = field(default_factory=SearchIndexes)

    async def name_vectors(self, catalog: Indexed) -> NDArray[Any] | None:
        """Return the catalog's index. If it is large and does not exist yet, request it and return None."""
        return await self._index(catalog.indexed, MODEL, self.embedder.embed)

    async def meanings(self, names: Sequence[str], phrases: Sequence[str], spent: Counter[str]) -> Meanings | None:
        """Return the embedding API's vectors of a catalog's names and of phrases; None while it is of no help.

        Then the model on this machine stands in for it. Their vectors are never compared with each other.
        """
        if not self.api:
            return None
        embed = partial(self.api.embed, spent=spent)
        try:
            space = await self.api.space(spent)
            index = await self._index(names, space, embed)
            vectors = await embed(phrases) if index is not None else None
        except ProviderError as exc:
            _log.warning("the embedding API gave no vectors, so the model on this machine stands in: %s", exc)
            return None
        if index is None or vectors is None or index.shape[1] != vectors.shape[1]:
            return None
        return Meanings(vectors, index, digest_of(names, space))

    async def build_index(self, digest: str) -> bool:
        """Build an index for one turn. Returns False if there is more to do."""
        space = await self.indexes.space_of(digest)
        if space == MODEL:
            return await self.indexes.build(digest, self.embedder.embed)
        spent: Counter[str] = Counter()
        try:
            if not self.api or await self.api.space(spent) != space:
                return True  # It was requested with other settings, and nobody will look for it.
            return await self.indexes.build(digest, partial(self.api.embed, spent=spent), CHUNK)
        except ProviderError as exc:
            _log.warning("the embedding API gave no vectors, so an index is not built now: %s", exc)
            return True
        finally:
            _log.info("embedded names by the API", extra={"index": digest, **spent})

    async def _index(self, names: Sequence[str], space: str, embed: Embed) -> NDArray[Any] | None:
        if (vectors := await self.indexes.load(names, space)) is not None:
            return vectors
        if len(names) > AT_ONCE:
            await self.indexes.request(names, space)
            return None
        async with self.index_lock:  # If several jobs need the same names at the same time, only one embeds them.
            if (vectors := await self.indexes.load(names, space)) is None:
                vectors = await embed(names)
                await self.indexes.save(names, vectors, space)
        return vectors


@dataclass(frozen=True, slots=True)
class LLMServices:
    """The LLM, and parsed catalogs. Where no LLM is configured, `provider` is None, and the drafts are the results.

    If `skips_certain`, the LLM is not called for drafts that are certain; its answers are cached for `cache_s`.
    `providers` are those that a request may name. An answer may take `answer_timeout_s`, whatever the provider does. An
    API key may cost `max_daily_micros` a day; 0: any amount. With `log_answers`, the operator sees answers in the logs.
    An answer has at most `answer_tokens`. `blobs` are uploaded files, and what was made of them.
    """

    provider: Provider | None
    answer_timeout_s: float = 60.0
    skips_certain: bool = True
    cache_s: int = 0
    catalogs: CatalogCache = field(default_factory=CatalogCache)
    providers: Mapping[str, Provider] = field(default_factory=dict)
    prices: PriceTable = field(default_factory=PriceTable)
    max_daily_micros: int = 0
    log_answers: bool = False
    answer_tokens: int = MAX_TOKENS
    blobs: Blobs | None = None


@dataclass(frozen=True, slots=True)
class DeliveryServices:
    """The client that calls webhooks, and the secrets that sign its messages."""

    client: WebhookClient
    secrets: Sequence[str]


class Learnt:
    """Counts the features that models turn out to lack, without delaying the calls that show it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._tasks: set[asyncio.Task[None]] = set()

    def add(self, provider: str, model: str, feature: str) -> None:
        """Count a feature."""
        _log.warning("%s of %s does without %r for some minutes: the server rejects it", model, provider, feature)
        task = asyncio.create_task(self._store.spending.count_learnt(provider, model, feature), name="learnt")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def wait(self) -> None:
        """Wait until all are counted; those that Redis does not accept are lost."""
        for failure in await asyncio.gather(*self._tasks, return_exceptions=True):
            if failure:
                _log.warning("a feature that a model lacks was not counted: %r", failure)


def _count_call(store: Store, operation: str, provider: str, outcome: str, seconds: float) -> None:
    """Count a call of a provider for the metrics."""
    store.counts.add({name_of("llm_calls", operation, provider, outcome): 1})
    store.counts.add(duration("llm_call", operation, provider, ms=1000 * seconds))


def answer_timeout_s(settings: Settings) -> float:
    """Return the time that one answer of an LLM may take, with the wait for the provider's limit of the rate."""
    return max(1, len(settings.llms)) * (settings.llm_timeout_s + HOLD_S) + 1.0


@asynccontextmanager
async def open_embedding(settings: Settings, store: Store) -> AsyncIterator[EmbeddingServices]:
    """Load the embedding model, and start the processes that parse texts."""
    folder = await asyncio.to_thread(MINILM.locate, settings.model_path, settings.model_cache, progress=False)
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
            api.report_calls(partial(_count_call, store))
            await stack.enter_async_context(sharing(api.gate, store.providers))
        yield EmbeddingServices(embedder, parsers, indexes, blobs, api, settings.llm_prices)


@asynccontextmanager
async def open_llm(settings: Settings, store: Store) -> AsyncIterator[LLMServices]:
    """Open the client of the configured LLM, if any."""
    if not settings.llms:
        if settings.lacks_llm_model:
            _log.warning("there is an LLM's key but no LLM_MODEL: the built-in parser answers")
        yield LLMServices(None)
        return
    learnt = Learnt(store)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(learnt.wait)
        # A job that would wait longer gives its slot back.
        configs = [replace(config, patience_s=HOLD_S) for config in settings.llms]
        chain = await stack.enter_async_context(opening.create_chain(configs, learnt.add))
        for provider in chain.providers.values():
            provider.on_call = partial(_count_call, store)
            await stack.enter_async_context(sharing(provider.gate, store.providers))
        blobs = await stack.enter_async_context(open_blobs(settings, store.redis, store.keys))
        yield LLMServices(
            chain,
            answer_timeout_s(settings),
            skips_certain=settings.llm_skip_certain,
            cache_s=settings.llm_cache_s,
            providers=chain.providers,
            prices=settings.llm_prices,
            max_daily_micros=settings.max_daily_micros,
            log_answers=settings.log_llm_answers,
            answer_tokens=settings.llm_max_tokens + settings.llm_thinking_tokens,
            blobs=blobs,
        )


@asynccontextmanager
async def open_delivery(settings: Settings, store: Store) -> AsyncIterator[DeliveryServices]:
    """Open the client that calls webhooks."""
    async with WebhookClient(allow_private=settings.webhook_allow_private, own_hosts=settings.own_hosts) as client:
        yield DeliveryServices(client, settings.webhook_secrets)
