"""Jobs of the kind `filters`: turn a text into a filter.

embedding   embed the text, link its words to fields and values, draft a filter
llm         let the LLM write the filter, check it, compile it; without an LLM, the draft is the result
"""

import datetime as dt
import logging
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from arq.worker import Retry
from numpy.typing import NDArray

from nlp2filters import fault_injection, logs
from nlp2filters.core import interpretation
from nlp2filters.core.prompt import Message
from nlp2filters.core.refining import Earlier
from nlp2filters.llm import Answer, Provider
from nlp2filters.storage import request_parts
from nlp2filters.translator import ANSWERS, drafted, moment, translation
from nlp2filters.worker.attempt import Attempt, StageResult, WorkerContext, checkpoint, timings_ms
from nlp2filters.worker.catalogs import CatalogSource
from nlp2filters.worker.services import EmbeddingServices, LLMServices

INDEX_WAIT_S = 2.0

_log = logging.getLogger(__name__)


async def embed(attempt: Attempt[EmbeddingServices]) -> StageResult:
    """Draft a filter with the built-in parser."""
    services, text = attempt.worker.services, attempt.request["text"]
    source = CatalogSource(attempt.worker.store, attempt.job.owner, attempt.request)
    locale = attempt.request.get("locale", "en")
    parser = await services.parsers.open(attempt.job.owner, source.digest, locale, source.read)
    earlier = _earlier(await _whole_request(attempt))

    async def load_index() -> NDArray[Any] | None:
        attempt.progress.report("indexing", "Preparing the catalog's words")
        vectors = await services.name_vectors(parser)
        attempt.progress.report("embedding", "Reading the text")
        return vectors

    today = _now(attempt).date()
    reading = await drafted(text, parser, services.embedder, load_index, today=today, earlier=earlier)
    return StageResult({"draft": interpretation.to_json(reading)}, event="draft")


async def translate(attempt: Attempt[LLMServices]) -> StageResult:
    """Write the final filter, with the LLM if there is one, and compile it."""
    services = attempt.worker.services
    source = CatalogSource(attempt.worker.store, attempt.job.owner, attempt.request)
    catalog = await services.catalogs.load(source)
    request = await _whole_request(attempt)
    draft = interpretation.from_json(attempt.fields["draft"])
    provider = services.provider
    complete = partial(_complete, provider, attempt) if provider else None
    today, zone, earlier = _now(attempt).date(), _zone(attempt), _earlier(request)
    result, reading = await translation(
        request, catalog, draft, provider, complete, today=today, zone=zone, earlier=earlier
    )
    fields = {"result": {"job_id": attempt.job.id, **result, "timings_ms": timings_ms(attempt.job)}}
    if reading is not draft:
        fields["reading"] = interpretation.to_json(reading)
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
    """Get the LLM's answer and store it before it is used, so that a retry after a crash does not pay for it again."""
    if stored := attempt.fields.get(name):
        return Answer(**stored)
    attempt.progress.announce_call(provider.model, repairs=name != ANSWERS[0])
    answer = await provider.complete(messages, schema, attempt.progress)
    fault_injection.reach(attempt.worker.faults, "llm-answered")
    await checkpoint(attempt, name, answer)
    fault_injection.reach(attempt.worker.faults, "llm-kept")
    return answer


def _earlier(request: Mapping[str, Any]) -> Earlier | None:
    """Return the earlier conversation that the text refines, if any."""
    earlier = request.get("earlier")
    return Earlier.from_json(earlier) if earlier else None


def _zone(attempt: Attempt[Any]) -> ZoneInfo:
    """Return the submitter's time zone, which sets the start of a day."""
    return ZoneInfo(attempt.request["timezone"])


def _now(attempt: Attempt[Any]) -> dt.datetime:
    """Return the submitter's current time, or the moment given in the request."""
    return moment(attempt.request["now"], _zone(attempt), attempt.job.created_at)


async def _whole_request(attempt: Attempt[Any]) -> Mapping[str, Any]:
    """Load the request with its separately stored parts, except the catalog."""
    store = attempt.worker.store
    return await request_parts.attach(store.redis, store.keys, attempt.job.owner, attempt.request, ("scope", "earlier"))
