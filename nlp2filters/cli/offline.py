"""Read a text in this process, as the workers would, but without a service, a queue or Redis."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

from nlp2filters import demo
from nlp2filters.clock import now_ms
from nlp2filters.core import languages
from nlp2filters.core.conversation import Conversation
from nlp2filters.core.linking import Lexicon
from nlp2filters.core.query import Query
from nlp2filters.core.requests import Submission, validate
from nlp2filters.core.schemas import Result
from nlp2filters.embedding import weights
from nlp2filters.embedding.embedder import Embedder
from nlp2filters.errors import InvalidRequest, Violation
from nlp2filters.llm import registry
from nlp2filters.settings import Settings
from nlp2filters.translator import LexiconParser, Translator


async def ask(body: Mapping[str, Any], settings: Settings, then: Sequence[str] = ()) -> Result:
    """Process a submission, then the texts of `then`, each of which refines the one before. Returns the last result.

    The embedding model is used if it is on this machine; it is not fetched.

    Raises:
        InvalidInput: the submission or its catalog has faults.
        CatalogNotFound: the submission names a catalog that is not packaged.
        ProviderError: only the LLM was allowed to answer, and it did not.
    """
    began, submitted_ms = time.monotonic(), now_ms()
    texts = [body, *({**body, "text": text} for text in then)]
    requests = [validate(Submission, one).model_dump(mode="json") for one in texts]
    if requests[0]["refines"]:
        raise InvalidRequest(
            [Violation("/refines", "There are no jobs here: name a service, or give the texts in a row.")]
        )
    catalog = demo.catalog_of(requests[0]["catalog"])
    lexicon = Lexicon.of(catalog, languages.of(requests[0]["locale"]))
    async with AsyncExitStack() as stack:
        translator = await _open_translator(settings, stack)
        conversation: Conversation | None = None
        for number, request in enumerate(requests, start=1):
            query = replace(Query.from_request(request, submitted_ms), conversation=conversation)
            draft = await translator.draft(query, LexiconParser(lexicon))
            translation = await translator.translate(query, catalog, draft)
            conversation = Conversation.of(f"text {number}", query.text, translation.reading, conversation)
    timings = {"total": round(1000 * (time.monotonic() - began))}
    return Result.model_validate({**translation.result, "timings_ms": timings})


async def _open_translator(settings: Settings, stack: AsyncExitStack) -> Translator:
    llm = await stack.enter_async_context(registry.create_chain(settings.llms)) if settings.llms else None
    folder = await asyncio.to_thread(weights.find, settings.model_path, settings.model_cache)
    embedder = await stack.enter_async_context(await Embedder.load(folder)) if folder else None
    return Translator(embedder, llm, skips_certain=settings.llm_skip_certain)
