"""Read a text in this process, as the workers would, but without a service, a queue or Redis."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any
from zoneinfo import ZoneInfo

from async_lru import alru_cache
from numpy.typing import NDArray

from nlp2filters import demo
from nlp2filters.clock import now_ms
from nlp2filters.core import catalog as catalogs
from nlp2filters.core import languages
from nlp2filters.core.linking import Lexicon
from nlp2filters.core.prompt import Message
from nlp2filters.core.refining import Earlier
from nlp2filters.core.requests import Submission, validate
from nlp2filters.core.schemas import Result
from nlp2filters.embedding import weights
from nlp2filters.embedding.embedder import Embedder
from nlp2filters.errors import Fault, InvalidRequest
from nlp2filters.llm import Answer
from nlp2filters.llm.registry import configured
from nlp2filters.settings import Settings
from nlp2filters.translator import draft, moment, translation


async def ask(body: Mapping[str, Any], settings: Settings, then: Sequence[str] = ()) -> Result:
    """Process a submission, then the texts of `then`, each of which refines the one before. Returns the last result.

    The embedding model is used if it is on this machine; it is not fetched.

    Raises:
        InvalidInput: the submission or its catalog has faults.
        CatalogNotFound: the submission names a catalog that is not packaged.
        ProviderError: only the LLM was allowed to answer, and it did not.
    """
    began = time.monotonic()
    texts = [body, *({**body, "text": text} for text in then)]
    requests = [validate(Submission, one).model_dump(mode="json") for one in texts]
    request = requests[0]
    if request["refines"]:
        raise InvalidRequest([Fault("/refines", "There are no jobs here: name a service, or give the texts in a row.")])
    named = request["catalog"]
    catalog = demo.catalog(named) if isinstance(named, str) else catalogs.parse(named)
    lexicon = Lexicon.of(catalog, languages.of(request["locale"]))
    zone = ZoneInfo(request["timezone"])
    today = moment(request["now"], zone, now_ms()).date()
    async with AsyncExitStack() as stack:
        provider = configured(settings)
        if provider:
            await stack.enter_async_context(provider)

        async def complete(name: str, messages: Sequence[Message], schema: Mapping[str, Any]) -> Answer:
            assert provider
            return await provider.complete(messages, schema)

        embedder = await _embedder(settings, stack)

        @alru_cache(maxsize=1)
        async def name_vectors(lexicon: Lexicon) -> NDArray[Any]:
            assert embedder
            return await embedder.embed(lexicon.indexed)

        earlier: Earlier | None = None
        for number, asked in enumerate(requests, start=1):
            text = asked["text"]
            drafted = await draft(text, lexicon, embedder, name_vectors, today=today, earlier=earlier)
            made, reading = await translation(
                asked, catalog, drafted, provider, complete, today=today, zone=zone, earlier=earlier
            )
            earlier = Earlier.of(f"text {number}", text, reading, earlier)
    return Result.model_validate({**made, "timings_ms": {"total": round(1000 * (time.monotonic() - began))}})


async def _embedder(settings: Settings, stack: AsyncExitStack) -> Embedder | None:
    folder = await asyncio.to_thread(weights.find, settings.model_path, settings.model_cache)
    if folder is None:
        return None
    embedder = await Embedder.load(folder)
    stack.push_async_callback(embedder.close)
    return embedder
