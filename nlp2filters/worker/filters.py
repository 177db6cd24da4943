"""Jobs of the kind `filters`: turn a text into a filter.

embedding   embed the text, link its words to fields and values, draft a filter
llm         let the LLM write the filter, check it, compile it; without an LLM, the draft is the result
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from arq.worker import Retry

from nlp2filters import fault_injection, logs
from nlp2filters.core import interpretation
from nlp2filters.core.llm.messages import Message
from nlp2filters.core.query import Query
from nlp2filters.core.text_vectors import Vectors
from nlp2filters.errors import ProviderError, ProviderTimeout, ProviderUnavailable, RateLimited
from nlp2filters.llm import ANSWERS, Answer, Provider
from nlp2filters.storage import request_parts
from nlp2filters.storage.answer_cache import AnswerCache
from nlp2filters.storage.index_requests import IndexUser
from nlp2filters.translator import Translator
from nlp2filters.worker.attempt import Attempt, StageResult, checkpoint, timings_ms
from nlp2filters.worker.catalogs import CatalogSource
from nlp2filters.worker.metering import Meter
from nlp2filters.worker.record_fields import CANDIDATES

if TYPE_CHECKING:  # Workers of other queues use a part of this module only.
    from nlp2filters.worker.embedding_services import EmbeddingServices
    from nlp2filters.worker.llm_services import LLMServices

INDEX_WAIT_S = 2.0

_log = logging.getLogger(__name__)


async def embed(attempt: Attempt["EmbeddingServices"]) -> StageResult:
    """Draft a filter with the built-in parser."""
    services, query = attempt.worker.services, await _query(attempt)
    source = _catalog_source(attempt)
    locale = attempt.request.get("locale", "en")
    parser = await services.parsers.open(attempt.job.owner, source.digest, locale, source.read)
    user = IndexUser("" if source.is_packaged else attempt.job.owner, attempt.job.id)

    async def load_index(_: Sequence[str]) -> Vectors | None:
        attempt.progress.report("indexing", "Preparing the catalog's words")
        vectors = await services.name_vectors(parser, user)
        attempt.progress.report("embedding", "Reading the text")
        return vectors

    spent: Counter[str] = Counter()
    meanings = partial(services.meanings, spent=spent, user=user) if services.api else None
    try:
        draft = await Translator(services.embedder, index=load_index, meanings=meanings).draft(query, parser)
    finally:
        if services.api:
            await Meter(attempt, services.prices).add(services.api.provider, services.api.model, spent)
    if not attempt.job.quick and (candidates := await parser.candidates(query.text)):
        await checkpoint(attempt, CANDIDATES, candidates)
    return StageResult({"draft": interpretation.to_json(draft)}, event="draft")


async def translate(attempt: Attempt["LLMServices"]) -> StageResult:
    """Write the final filter, with the LLM if there is one, and compile it."""
    services, query = attempt.worker.services, await _query(attempt)
    provider = services.providers.get(attempt.request.get("provider") or "", services.provider)
    catalog = await services.catalogs.load(_catalog_source(attempt))
    draft = interpretation.from_json(attempt.fields["draft"])
    meter = Meter(attempt, services.prices)
    translation = await Translator(llm=provider, skips_certain=services.skips_certain).translate(
        query,
        catalog,
        draft,
        partial(_complete, provider, attempt, meter) if provider else None,
        candidates=attempt.fields.get(CANDIDATES),
        cache=_answer_cache(attempt),
    )
    result = {**translation.result, "usage": await meter.total(), "timings_ms": timings_ms(attempt.job)}
    fields = {"result": {"job_id": attempt.job.id, **result}}
    if translation.reading is not draft:
        fields["reading"] = interpretation.to_json(translation.reading)
    return StageResult(fields)


async def build_index(ctx: dict[str, Any], index_id: str) -> None:
    """Build a catalog's index, or continue building it. ARQ calls it.

    Raises:
        Retry: tells ARQ that another index is being built, or that this one continues after others had their turn.
    """
    services: EmbeddingServices = ctx["worker"].services
    with logs.about(index=index_id):
        if services.indexes.busy:
            raise Retry(defer=INDEX_WAIT_S)
        if not await services.build_index(index_id):
            raise Retry
    _log.info("indexed", extra={"index": index_id})


async def _complete(
    provider: Provider,
    attempt: Attempt["LLMServices"],
    meter: Meter,
    name: str,
    messages: Sequence[Message],
    schema: Mapping[str, Any],
) -> Answer:
    """Get the LLM's answer and store it before it is used, so that a retry after a crash does not pay for it again.

    Raises:
        PutOff: the provider limits the rate of calls.
        ProviderError: there is no answer.
    """
    if (
        attempt.is_last_of_several and attempt.request["strategy"] == "auto"
    ):  # So a job that kills its workers, or fails for any other reason, gets its draft.
        raise ProviderUnavailable("The attempts before have failed: this one does without the LLM.")
    if stored := attempt.fields.get(name):
        return Answer.from_record(stored)
    await meter.check(attempt.worker.services.max_daily_micros)
    attempt.progress.announce_call(provider.model, repairs=name != ANSWERS[0])
    try:
        async with asyncio.timeout(attempt.worker.services.answer_timeout_s):
            answer = await provider.complete(messages, schema, attempt.progress)
    except TimeoutError as exc:
        raise ProviderTimeout("The provider's client did not end in time.") from exc
    except ProviderError as exc:
        await meter.add(provider.name, provider.model, exc.usage)
        if isinstance(exc, RateLimited):
            attempt.put_off(f"{provider.model} has reached its limit of calls", exc.wait_s, turn=exc.takes_calls)
        raise
    fault_injection.reach(attempt.worker.faults, "llm-answered")
    await checkpoint(attempt, name, answer.to_record())
    if attempt.worker.services.log_answers:
        _log.info("the LLM's answer", extra={"answer": answer.content, "model": answer.model})
    callee = attempt.worker.services.providers.get(answer.provider or "", provider)
    await meter.add(callee.name, callee.model, answer.usage, answered_by=answer.model)
    fault_injection.reach(attempt.worker.faults, "llm-kept")
    return answer


def _answer_cache(attempt: Attempt["LLMServices"]) -> AnswerCache | None:
    """Return the owner's cached answers, unless the service keeps none, or the request wants a new answer."""
    store, ttl_s = attempt.worker.store, attempt.worker.services.cache_s
    if not ttl_s or not attempt.request.get("cache", True):  # Requests of earlier versions do not have it.
        return None
    return AnswerCache(store.redis, store.keys, attempt.job.owner, ttl_s, attempt.job.id)


def _catalog_source(attempt: Attempt[Any]) -> CatalogSource:
    return CatalogSource(attempt.worker.store, attempt.job.owner, attempt.request)


async def _query(attempt: Attempt[Any]) -> Query:
    """Load the query, with the parts of the request that are stored separately."""
    store, parts = attempt.worker.store, ("scope", "earlier")
    request = await request_parts.attach(store.redis, store.keys, attempt.job.owner, attempt.request, parts)
    return Query.from_request(request, attempt.job.created_at)
