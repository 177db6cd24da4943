"""Jobs of the kind `filters`: turn a text into a filter.

embedding   embed the text, link its words to fields and values, draft a filter
llm         let the LLM write the filter, check it, compile it; without an LLM, the draft is the result
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from arq.worker import Retry
from numpy.typing import NDArray

from nlp2filters import fault_injection, logs
from nlp2filters.core import interpretation
from nlp2filters.core.llm.prompt import Message
from nlp2filters.core.query import Query
from nlp2filters.errors import ProviderTimeout, ProviderUnavailable, RateLimited
from nlp2filters.llm import Answer, Provider
from nlp2filters.storage import request_parts
from nlp2filters.translator import ANSWERS, Translator
from nlp2filters.worker.attempt import Attempt, StageResult, WorkerContext, checkpoint, timings_ms
from nlp2filters.worker.catalogs import CatalogSource
from nlp2filters.worker.services import EmbeddingServices, LLMServices

INDEX_WAIT_S = 2.0

_log = logging.getLogger(__name__)


async def embed(attempt: Attempt[EmbeddingServices]) -> StageResult:
    """Draft a filter with the built-in parser."""
    services, query = attempt.worker.services, await _query(attempt)
    source = _catalog_source(attempt)
    locale = attempt.request.get("locale", "en")
    parser = await services.parsers.open(attempt.job.owner, source.digest, locale, source.read)

    async def load_index(_: Sequence[str]) -> NDArray[Any] | None:
        attempt.progress.report("indexing", "Preparing the catalog's words")
        vectors = await services.name_vectors(parser)
        attempt.progress.report("embedding", "Reading the text")
        return vectors

    draft = await Translator(services.embedder, index=load_index).draft(query, parser)
    return StageResult({"draft": interpretation.to_json(draft)}, event="draft")


async def translate(attempt: Attempt[LLMServices]) -> StageResult:
    """Write the final filter, with the LLM if there is one, and compile it."""
    provider, query = attempt.worker.services.provider, await _query(attempt)
    catalog = await attempt.worker.services.catalogs.load(_catalog_source(attempt))
    draft = interpretation.from_json(attempt.fields["draft"])
    complete = partial(_complete, provider, attempt) if provider else None
    translation = await Translator(llm=provider).translate(query, catalog, draft, complete)
    fields = {"result": {"job_id": attempt.job.id, **translation.result, "timings_ms": timings_ms(attempt.job)}}
    if translation.reading is not draft:
        fields["reading"] = interpretation.to_json(translation.reading)
    return StageResult(fields)


async def build_index(ctx: dict[str, Any], digest: str) -> None:
    """Build a catalog's index, or continue building it. ARQ calls it.

    Raises:
        Retry: tells ARQ that another index is being built, or that this one continues after others had their turn.
    """
    worker: WorkerContext[EmbeddingServices] = ctx["worker"]
    with logs.about(index=digest):
        if worker.services.indexes.busy:
            raise Retry(defer=INDEX_WAIT_S)
        if not await worker.services.indexes.build(digest, worker.services.embedder.embed):
            raise Retry
    _log.info("indexed", extra={"index": digest})


async def _complete(
    provider: Provider,
    attempt: Attempt[LLMServices],
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
        return Answer(**stored)
    attempt.progress.announce_call(provider.model, repairs=name != ANSWERS[0])
    try:
        async with asyncio.timeout(attempt.worker.services.answer_timeout_s):
            answer = await provider.complete(messages, schema, attempt.progress)
    except RateLimited as exc:
        attempt.put_off(f"{provider.model} has reached its limit of calls", exc.wait_s)
        raise
    except TimeoutError as exc:
        raise ProviderTimeout("The provider's client did not end in time.") from exc
    fault_injection.reach(attempt.worker.faults, "llm-answered")
    await checkpoint(attempt, name, answer)
    fault_injection.reach(attempt.worker.faults, "llm-kept")
    return answer


def _catalog_source(attempt: Attempt[Any]) -> CatalogSource:
    return CatalogSource(attempt.worker.store, attempt.job.owner, attempt.request)


async def _query(attempt: Attempt[Any]) -> Query:
    """Load the query, with the parts of the request that are stored separately."""
    store, parts = attempt.worker.store, ("scope", "earlier")
    request = await request_parts.attach(store.redis, store.keys, attempt.job.owner, attempt.request, parts)
    return Query.from_request(request, attempt.job.created_at)
