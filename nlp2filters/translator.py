"""Understand a text: the built-in parser drafts a filter, the LLM, if any, translates, and the result is compiled.

Workers, the command line and the evaluation share the `Translator`, each with its own models, LLM and parser.
"""

import datetime as dt
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from async_lru import alru_cache

from nlp2filters.core import (
    agreement,
    checks,
    contradictions,
    coverage,
    dialects,
    interpretation,
    refinement,
)
from nlp2filters.core.catalog import Catalog
from nlp2filters.core.certainty import is_certain
from nlp2filters.core.compilation import scope_of, shown, with_scope
from nlp2filters.core.conversation import Conversation
from nlp2filters.core.explain import explain
from nlp2filters.core.interpretation import Interpretation
from nlp2filters.core.llm.messages import Message
from nlp2filters.core.llm.prompt import Candidates
from nlp2filters.core.query import Query
from nlp2filters.core.text_vectors import Meanings, TextVectors, Vectors
from nlp2filters.core.usage import Usage
from nlp2filters.errors import ProviderError, PutOff
from nlp2filters.llm import Answer, Provider
from nlp2filters.llm_reader import AnswerCache, Complete, LLMReader, LLMReading

if TYPE_CHECKING:  # It loads the model's libraries, which a translator without a model does not need.
    from nlp2filters.embedding.embedder import Embedder

MAX_INDEXES = 64

# Returns the vectors of a catalog's names, or None while they are not available.
Index = Callable[[Sequence[str]], Awaitable[Vectors | None]]
# Returns the vectors that an embedding API has for phrases, given a catalog's names; None while it is of no help.
FindMeanings = Callable[[Sequence[str], Sequence[str]], Awaitable[Meanings | None]]

_log = logging.getLogger(__name__)


class TextParser(Protocol):
    """The parser for one text and its catalog, in this process or in a child process that can be killed.

    Every method raises `TextTooComplex` if the text takes more work than allowed.
    """

    @property
    def indexed(self) -> Sequence[str]:
        """The catalog's names to embed."""

    @property
    def uses_embedding(self) -> bool:
        """True if the embedding model understands the text's language."""

    async def without_followup(self, text: str) -> str:
        """Replace the words about changing an earlier filter with blanks."""

    async def tag(self, text: str, text_vectors: TextVectors, index: Vectors, today: dt.date) -> Sequence[str]:
        """Tag the text that is drafted next. Returns the phrases to embed for the draft."""

    async def draft(
        self,
        text: str,
        today: dt.date,
        conversation: Conversation | None = None,
        meanings: Meanings | None = None,
    ) -> Interpretation:
        """Read the text. `meanings` are those of the phrases that `tag` returned, if it was called."""

    async def candidates(self, text: str) -> Candidates:
        """Retrieve the values of large fields that the text may mean. Call it after `draft`."""


@dataclass(frozen=True, slots=True)
class Translation:
    """A translated query: the job's result as JSON data, without its id and timings, and the reading itself.

    The reading has relative dates and no scope, so that a later text may refine it.
    """

    result: dict[str, Any]
    reading: Interpretation


class Translator:
    """A translator of queries into filters, with an embedding model, an LLM, both or neither.

    By default, `index` embeds the names of each catalog when they are first needed, and `meanings` are the embedding
    model's. If `skips_certain`, the LLM is not called for texts of which the parser is certain.
    """

    def __init__(
        self,
        embedder: "Embedder | None" = None,
        llm: Provider | None = None,
        *,
        index: Index | None = None,
        meanings: FindMeanings | None = None,
        skips_certain: bool = False,
    ) -> None:
        self._embedder, self._llm, self._meanings = embedder, llm, meanings
        self._skips_certain = skips_certain
        self._index = index or (alru_cache(maxsize=MAX_INDEXES)(embedder.embed) if embedder else None)

    async def load_index(self, parser: TextParser) -> Vectors | None:
        """Load the vectors of the catalog's names; None without a model for the text's language, or an index."""
        return await self._index(tuple(parser.indexed)) if self._index and parser.uses_embedding else None

    async def draft(self, query: Query, parser: TextParser) -> Interpretation:
        """Read the text with the parser: without vectors of the catalog's names, by rules alone.

        Raises:
            TextTooComplex: the text takes more work than allowed.
        """
        meanings = None
        index = await self.load_index(parser)
        if self._embedder and index is not None:
            text = await parser.without_followup(query.text) if query.conversation else query.text
            text_vectors = TextVectors(*await self._embedder.pieces(text))
            phrases = await parser.tag(text, text_vectors, index, query.today)
            meanings = await self._meanings(parser.indexed, phrases) if self._meanings and phrases else None
            meanings = meanings or Meanings(await self._embedder.embed(phrases))
        return await parser.draft(query.text, query.today, query.conversation, meanings)

    async def translate(
        self,
        query: Query,
        catalog: Catalog,
        draft: Interpretation,
        complete: Complete | None = None,
        *,
        candidates: Candidates | None = None,
        cache: AnswerCache | None = None,
    ) -> Translation:
        """Let the LLM read the text, if there is one and the query's strategy permits it, and compile the filter.

        With the strategy `auto`, a draft that is certain needs no LLM, if so set, and the draft stands whatever goes
        wrong with the LLM or its answer. The other arguments are as for `LLMReader.read`.

        Raises:
            ProviderError: only the LLM was allowed to answer, and it did not.
        """
        if not self._llm or query.strategy == "builtin":
            return self._translation(query, catalog, draft, draft)
        if self._skips_certain and query.strategy == "auto" and is_certain(draft, query):
            return self._translation(query, catalog, draft, draft, llm=_use(consulted=False))
        reader, usage = LLMReader(self._llm), Counter[str]()
        complete = _counting(complete or reader.complete, usage)
        try:
            by_llm = await reader.read(query, catalog, draft, candidates=candidates, complete=complete, cache=cache)
            return self._checked(query, catalog, draft, by_llm, usage)
        except PutOff:
            raise
        except Exception as exc:
            if query.strategy == "llm":
                raise
            _log.warning("the LLM gave no usable answer, the draft stands: %r", exc)
            use = _use(consulted=True)
            return self._translation(query, catalog, draft, draft, llm=use, failure=exc, usage=usage)

    def _checked(
        self, query: Query, catalog: Catalog, draft: Interpretation, by_llm: LLMReading, usage: Usage
    ) -> Translation:
        """Guard the LLM's reading, and tell how it differs from the draft."""
        drafted = interpretation.resolve(draft, query.now)
        disagreement = agreement.disagreement(by_llm.reading, drafted, catalog)
        use = _use(consulted=True, cached=by_llm.cached, disagreement=disagreement)
        reading = guarded(by_llm.reading, draft, query, catalog)
        return self._translation(query, catalog, reading, draft, answer=by_llm.answer, llm=use, usage=usage)

    def _translation(
        self,
        query: Query,
        catalog: Catalog,
        reading: Interpretation,
        draft: Interpretation,
        *,
        answer: Answer | None = None,
        llm: dict[str, Any] | None = None,
        failure: Exception | None = None,
        usage: Usage | None = None,
    ) -> Translation:
        resolved = interpretation.resolve(reading, query.now)
        result = {
            **_compiled(resolved, query, catalog),
            "draft": shown(interpretation.resolve(draft, query.now), catalog, query.options) if answer else None,
            "llm": llm,
            "degraded": failure is not None,
            "degraded_reason": failure and type(failure).__name__,
            "provider": (answer.provider or self._llm.name) if answer and self._llm else "builtin",
            "model": answer and answer.model,
            "usage": dict(usage) if usage else None,
            "refines": _refinement(query.conversation, resolved, query, catalog) if query.conversation else None,
        }
        return Translation(result, reading)


def guarded(by_llm: Interpretation, draft: Interpretation, query: Query, catalog: Catalog) -> Interpretation:
    """Weigh an LLM's reading against the draft, and let the guards look for what it forgot and for clashes."""
    reading = agreement.weighed(by_llm, interpretation.resolve(draft, query.now))
    reading = coverage.complete(reading, draft, query.text)
    reading = coverage.with_question(reading, draft, catalog)
    return contradictions.with_question(reading, catalog, query.today)


def _use(*, consulted: bool, cached: bool = False, disagreement: dict[str, Any] | None = None) -> dict[str, Any]:
    """Describe the LLM's part in a result."""
    return {"consulted": consulted, "cached": cached, "disagreement": disagreement}


def _counting(complete: Complete, usage: Counter[str]) -> Complete:
    """Return `complete` that counts the usage of every call, failed ones too."""

    async def counting(name: str, messages: Sequence[Message], schema: Mapping[str, Any]) -> Answer:
        try:
            answer = await complete(name, messages, schema)
        except ProviderError as exc:
            usage.update(exc.usage)
            raise
        usage.update(answer.usage or {})
        return answer

    return counting


def _compiled(resolved: Interpretation, query: Query, catalog: Catalog) -> dict[str, Any]:
    """Return the interpretation as JSON data, with the scope, an explanation without it, and the compiled filters."""
    callers = checks.check(query.scope, catalog, trusted=True) if query.scope else None
    scoped = with_scope(resolved, scope_of(catalog, callers, query.now))
    return {
        **shown(scoped, catalog, query.options),
        "explanation": explain(resolved, catalog),
        "dialects": {name: dialects.compile(name, scoped, catalog, query.options) for name in query.dialects},
    }


def _refinement(conversation: Conversation, resolved: Interpretation, query: Query, catalog: Catalog) -> dict[str, Any]:
    """Describe the refined job and the changes."""
    before = interpretation.resolve(conversation.reading, query.now)
    return {
        "job_id": conversation.job_id,
        "texts": conversation.turns,
        "difference": refinement.difference(before, resolved, catalog),
    }
