"""The services of an llm worker, which it opens at its start, and which all its attempts share."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial

from nlp2filters.core.usage import PriceTable
from nlp2filters.llm import MAX_TOKENS, Provider
from nlp2filters.settings import Settings
from nlp2filters.storage.blobs.store import Blobs, open_blobs
from nlp2filters.storage.store import Store
from nlp2filters.worker.catalogs import CatalogCache
from nlp2filters.worker.provider_calls import HOLD_S, answer_timeout_s, count_call
from nlp2filters.worker.shared_gates import sharing

_log = logging.getLogger(__name__)


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


@asynccontextmanager
async def open_llm(settings: Settings, store: Store) -> AsyncIterator[LLMServices]:
    """Open the client of the configured LLM, if any."""
    if not settings.llms:
        if settings.lacks_llm_model:
            _log.warning("there is an LLM's key but no LLM_MODEL: the built-in parser answers")
        yield LLMServices(None)
        return
    from nlp2filters.llm import opening  # It loads a client of HTTP, which nothing else here needs.

    learnt = Learnt(store)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(learnt.wait)
        # A job that would wait longer gives its slot back.
        configs = [replace(config, patience_s=HOLD_S) for config in settings.llms]
        chain = await stack.enter_async_context(opening.create_chain(configs, learnt.add))
        for provider in chain.providers.values():
            provider.on_call = partial(count_call, store)
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
