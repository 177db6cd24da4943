"""Read texts and compile filters in this process, as the service would, but without a queue or Redis."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

import orjson

from nlp2filters import demo
from nlp2filters.clock import now_ms
from nlp2filters.core import languages
from nlp2filters.core.catalog import Catalog
from nlp2filters.core.certainty import is_certain
from nlp2filters.core.compilation import CompileRequest, compile_request
from nlp2filters.core.conversation import Conversation
from nlp2filters.core.interpretation import Interpretation
from nlp2filters.core.linking import Lexicon
from nlp2filters.core.query import Query
from nlp2filters.core.requests import Submission, validate
from nlp2filters.core.schemas import Compiled, Result
from nlp2filters.errors import InvalidRequest, LLMNotConfigured, Violation
from nlp2filters.lexicon_parser import LexiconParser
from nlp2filters.llm import Provider
from nlp2filters.settings import Settings
from nlp2filters.translator import Translator


class Reader:
    """A reader of texts. The embedding model is loaded for the first text that its rules are not certain of.

    Use `async with open_reader(settings) as reader`.
    """

    def __init__(self, settings: Settings, stack: AsyncExitStack, llm: Provider | None) -> None:
        self._settings, self._stack, self._llm = settings, stack, llm
        self._by_rules = self._translator(None)
        self._with_model: Translator | None = None
        self._catalogs: dict[bytes, tuple[Catalog, Lexicon]] = {}

    async def ask(self, body: Mapping[str, Any], then: Sequence[str] = ()) -> Result:
        """Process a submission, then the texts of `then`, each refining the one before. Returns the last result.

        The embedding model is used if it is on this machine; it is not fetched.

        Raises:
            InvalidInput: the submission or its catalog has faults.
            CatalogNotFound: the submission names a catalog that is not packaged.
            LLMNotConfigured: only an LLM may answer, and the settings name none.
            ProviderError: only the LLM was allowed to answer, and it did not.
        """
        began, submitted_ms = time.monotonic(), now_ms()
        texts = [body, *({**body, "text": text} for text in then)]
        requests = [validate(Submission, one).model_dump(mode="json") for one in texts]
        if requests[0]["refines"]:
            raise InvalidRequest(
                [Violation("/refines", "There are no jobs here: name a service, or give the texts in a row.")]
            )
        if requests[0]["strategy"] == "llm" and not self._llm:
            raise LLMNotConfigured("There is no LLM to ask: set LLM_MODEL, and LLM_PROVIDER unless it is OpenAI.")
        catalog, lexicon = self._catalog(requests[0]["catalog"], requests[0]["locale"])
        conversation: Conversation | None = None
        for number, request in enumerate(requests, start=1):
            query = replace(Query.from_request(request, submitted_ms), conversation=conversation)
            translator, draft = await self._draft(query, lexicon)
            translation = await translator.translate(query, catalog, draft)
            conversation = Conversation.of(f"text {number}", query.text, translation.reading, conversation)
        timings = {"total": round(1000 * (time.monotonic() - began))}
        return Result.model_validate({**translation.result, "timings_ms": timings})

    async def _draft(self, query: Query, lexicon: Lexicon) -> tuple[Translator, Interpretation]:
        """Draft a filter by rules, and again with the model if they are not certain."""
        if self._with_model is None:
            draft = await self._by_rules.draft(query, LexiconParser(lexicon))
            if is_certain(draft, query):
                return self._by_rules, draft
            self._with_model = await self._load()
        return self._with_model, await self._with_model.draft(query, LexiconParser(lexicon))

    def _catalog(self, data: Any, locale: str) -> tuple[Catalog, Lexicon]:
        """Return the catalog and its lexicon, which takes a while to make, once for all texts."""
        key = orjson.dumps([data, locale])
        if key not in self._catalogs:
            catalog = demo.catalog_of(data)
            self._catalogs[key] = catalog, Lexicon.of(catalog, languages.of(locale))
        return self._catalogs[key]

    async def _load(self) -> Translator:
        from nlp2filters.embedding.embedder import Embedder  # Most texts need neither it nor what it loads.
        from nlp2filters.embedding.weights import MINILM_BY_WEIGHTS

        settings = self._settings
        model = MINILM_BY_WEIGHTS[settings.embedding_weights]
        folder = await asyncio.to_thread(model.find, settings.model_path, settings.model_cache)
        return self._translator(await self._stack.enter_async_context(await Embedder.load(folder)) if folder else None)

    def _translator(self, embedder: Any) -> Translator:
        return Translator(embedder, self._llm, skips_certain=self._settings.llm_skip_certain)


@asynccontextmanager
async def open_reader(settings: Settings) -> AsyncIterator[Reader]:
    """Open a reader, with the LLM that the settings name."""
    async with AsyncExitStack() as stack:
        yield Reader(settings, stack, await _open_llm(settings, stack) if settings.llms else None)


async def _open_llm(settings: Settings, stack: AsyncExitStack) -> Provider:
    from nlp2filters.llm import opening  # It loads a client of HTTP, which nothing else here needs.

    return await stack.enter_async_context(opening.create_chain(settings.llms))


def compile_filter(body: Mapping[str, Any]) -> Compiled:
    """Compile and explain a filter: `body` is that of `POST /v1/compile`.

    Raises:
        InvalidInput: the request, its catalog or its filter has faults.
        CatalogNotFound: the request names a catalog that is not packaged.
    """
    data = compile_request(validate(CompileRequest, body), demo.catalog_of(body["catalog"]), now_ms())
    return Compiled.model_validate(data)
