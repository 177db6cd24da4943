"""Read labelled cases by the functions that the workers call, without queues: by the parser, by an LLM, and by both."""

import asyncio
import datetime as dt
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from async_lru import alru_cache

from nlp2filters.core import interpretation, languages
from nlp2filters.core.catalog import STRINGS
from nlp2filters.core.certainty import is_certain
from nlp2filters.core.interpretation import Interpretation
from nlp2filters.core.linking import Lexicon
from nlp2filters.core.linking.retrieval import Candidates, retrieve
from nlp2filters.core.llm.messages import Message
from nlp2filters.core.query import Query
from nlp2filters.embedding.embedder import Embedder
from nlp2filters.embedding.weights import MINILM_BY_WEIGHTS
from nlp2filters.errors import LLMNotConfigured, ProviderError
from nlp2filters.evaluation.cases import Case, Collection
from nlp2filters.evaluation.measures import Judgement, judge
from nlp2filters.lexicon_parser import LexiconParser
from nlp2filters.llm import Answer, Provider, opening
from nlp2filters.llm.provider import LLMProvider
from nlp2filters.llm_reader import LLMReader
from nlp2filters.settings import ProviderChoice, Settings
from nlp2filters.translator import MAX_INDEXES, Translator, guarded

BUILTIN, LLM_ALONE, LLM_WITH_DRAFT, AUTO = "built-in", "LLM", "LLM with draft", "auto"
# Values are retrieved up to this rank when their recall is measured.
MAX_RANK = 40

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reading:
    """A reading of a case, with its dates resolved, and its judgement."""

    reading: Interpretation
    judgement: Judgement


@dataclass(frozen=True, slots=True)
class CaseReadings:
    """The readings of a case by reader. `certain`: the parser's needs no LLM.

    `ranks` are those of the expected values of string fields among the retrieved ones, from 1; None if not retrieved.
    """

    by_reader: Mapping[str, Reading]
    certain: bool
    ranks: tuple[int | None, ...] = ()


async def read_cases(
    cases: Sequence[Case],
    collections: Mapping[str, Collection],
    settings: Settings,
    *,
    readers: Sequence[str],
    llm: str | None,
    embedding: bool,
    today: dt.date,
    advance: Callable[[], None],
) -> list[CaseReadings]:
    """Read every text by each of the readers, in the order of the cases. `today` is for cases without a date.

    `llm` is the name of a provider, which readers other than the built-in parser need. `advance` is called after each
    case.

    Raises:
        ModelUnavailable: the embedding model is requested but unavailable.
        LLMNotConfigured: an LLM is requested but the settings name none.
    """
    async with AsyncExitStack() as stack:
        embedder = await stack.enter_async_context(await _load_embedder(settings)) if embedding else None
        provider: LLMProvider | None = await stack.enter_async_context(_provider(settings, llm)) if llm else None
        reader = _CaseReader(collections, Translator(embedder, provider), provider, readers, today)
        at_once = settings.llm_concurrency if provider else 1
        return await _gather((partial(reader.read, case) for case in cases), at_once, advance)


class _CaseReader:
    """Reads and judges cases. Their lexicons are cached."""

    def __init__(
        self,
        collections: Mapping[str, Collection],
        translator: Translator,
        llm: Provider | None,
        readers: Sequence[str],
        today: dt.date,
    ) -> None:
        self._collections, self._translator, self._llm, self._today = collections, translator, llm, today
        self._readers = readers
        self._lexicon = alru_cache(maxsize=MAX_INDEXES)(self._build_lexicon)

    async def read(self, case: Case) -> CaseReadings:
        """Read a case's text and time it. Resources that a worker keeps between jobs are prepared untimed."""
        collection = self._collections[case.catalog]
        query = Query(case.text, case.today or self._today, locale=case.locale)
        lexicon = await self._lexicon(case.catalog, case.locale)
        parser = LexiconParser(lexicon)
        await self._translator.load_index(parser)
        began = time.perf_counter()
        draft = await self._translator.draft(query, parser)
        candidates = await parser.candidates(case.text)
        draft_s = time.perf_counter() - began
        certain = is_certain(draft, query)
        builtin = _judged(case, draft, query, collection, latency_s=draft_s)
        readings = {BUILTIN: builtin}
        if LLM_ALONE in self._readers:
            readings[LLM_ALONE] = await self._by_llm(case, query, collection, None, builtin, candidates)
        if LLM_WITH_DRAFT in self._readers:
            readings[LLM_WITH_DRAFT] = await self._by_llm(case, query, collection, draft, builtin, candidates)
            readings[AUTO] = builtin if certain else readings[LLM_WITH_DRAFT]
        ranks = _ranks(case, collection, retrieve(case.text, lexicon, listed=0, limit=MAX_RANK))
        return CaseReadings({name: readings[name] for name in self._readers}, certain, ranks)

    async def _by_llm(
        self,
        case: Case,
        query: Query,
        collection: Collection,
        draft: Interpretation | None,
        builtin: Reading,
        candidates: Candidates,
    ) -> Reading:
        """Read a case with the LLM, and with the draft if there is one, which also stands where the LLM fails."""
        assert self._llm
        usage, catalog, began = Counter[str](), collection.catalog, time.perf_counter()
        complete = partial(_complete, self._llm, usage)
        try:
            by_llm = await LLMReader(self._llm).read(query, catalog, draft, candidates=candidates, complete=complete)
            reading, degraded = by_llm.reading, False
        except ProviderError as exc:
            _log.warning("%s: the LLM gave no usable answer: %s", case.id, exc)
            reading, degraded = builtin.reading if draft else Interpretation(), True
        if draft and not degraded:
            reading = guarded(reading, draft, query, catalog)
        latency_s = time.perf_counter() - began + (builtin.judgement.latency_s if draft else 0)
        return _judged(case, reading, query, collection, latency_s=latency_s, usage=usage, degraded=degraded)

    async def _build_lexicon(self, catalog: str, locale: str) -> Lexicon:
        return await asyncio.to_thread(Lexicon.of, self._collections[catalog].catalog, languages.of(locale))


def _judged(case: Case, reading: Interpretation, query: Query, collection: Collection, **measured: Any) -> Reading:
    resolved = interpretation.resolve(reading, query.now)
    return Reading(resolved, judge(case, resolved, collection, **measured))


def _ranks(case: Case, collection: Collection, retrieved: Candidates) -> tuple[int | None, ...]:
    """Return the rank at which each expected value of a field with known values was retrieved."""
    ranks: list[int | None] = []
    for condition in case.conditions:
        field = collection.catalog.by_name.get(condition.field)
        if not field or field.type not in STRINGS or condition.op not in ("eq", "ne", "in"):
            continue
        ranking = list(retrieved.get(field.name, ()))
        values = condition.value if isinstance(condition.value, list | tuple) else [condition.value]
        stored = filter(None, (collection.catalog.stored_value(field, str(value)) for value in values))
        ranks += [ranking.index(value) + 1 if value in ranking else None for value in stored]
    return tuple(ranks)


async def _complete(
    provider: Provider, usage: Counter[str], _: str, messages: Sequence[Message], schema: Mapping[str, Any]
) -> Answer:
    """Get the provider's answer, and count the tokens of all tries."""
    try:
        answer = await provider.complete(messages, schema)
    except ProviderError as exc:
        usage.update(exc.usage)
        raise
    usage.update(answer.usage or {})
    return answer


async def _gather(
    work: Iterable[Callable[[], Awaitable[CaseReadings]]], at_once: int, advance: Callable[[], None]
) -> list[CaseReadings]:
    """Run up to `at_once` at a time. Returns the results in order."""
    waiting = enumerate(work)
    results: dict[int, CaseReadings] = {}

    async def worker() -> None:
        for at, run in waiting:
            results[at] = await run()
            advance()

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(worker())
    return [results[at] for at in sorted(results)]


async def _load_embedder(settings: Settings) -> Embedder:
    model = MINILM_BY_WEIGHTS[settings.embedding_weights]
    folder = await asyncio.to_thread(model.locate, settings.model_path, settings.model_cache, progress=True)
    return await Embedder.load(folder)


def _provider(settings: Settings, name: str) -> LLMProvider:
    configs = replace(settings, llm_providers=(ProviderChoice(name),)).llms
    if not configs:
        raise LLMNotConfigured(
            f"Set LLM_MODEL, {name.upper()}_API_KEY and, for a server of your own, {name.upper()}_BASE_URL."
        )
    return opening.create(configs[0])
