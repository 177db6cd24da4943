"""Understand a text: the built-in parser drafts a filter, the LLM, if any, translates, and the result is compiled.

Workers, the command line and the evaluation share the `Translator`, each with its own models, LLM and parser.
"""

import datetime as dt
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from async_lru import alru_cache

from nlp2filters.core import checks, contradictions, coverage, dialects, drafting, interpretation, refinement
from nlp2filters.core.catalog import Catalog
from nlp2filters.core.compilation import scope_of, shown, with_scope
from nlp2filters.core.conversation import Conversation
from nlp2filters.core.drafting import Meanings, TextVectors, Vectors
from nlp2filters.core.explain import explain
from nlp2filters.core.interpretation import Interpretation
from nlp2filters.core.linking import Lexicon
from nlp2filters.core.llm import prompt
from nlp2filters.core.llm.answer_reader import read_answer
from nlp2filters.core.llm.answer_schema import answer_schema
from nlp2filters.core.llm.messages import Message
from nlp2filters.core.parser import Tagged
from nlp2filters.core.query import Query
from nlp2filters.embedding.embedder import Embedder
from nlp2filters.errors import InvalidAnswer, ProviderError, PutOff
from nlp2filters.llm import Answer, Provider

# The names of the LLM's answer and of its repair; a job's record holds them in fields of these names.
ANSWERS = ("answer", "repaired_answer")
MAX_INDEXES = 64

# Returns the vectors of a catalog's names, or None while they are not available.
Index = Callable[[Sequence[str]], Awaitable[Vectors | None]]
# Returns the vectors that an embedding API has for phrases, given a catalog's names; None while it is of no help.
FindMeanings = Callable[[Sequence[str], Sequence[str]], Awaitable[Meanings | None]]
# Gets the LLM's answer of a name in `ANSWERS` to the messages, in JSON of the schema.
Complete = Callable[[str, Sequence[Message], Mapping[str, Any]], Awaitable[Answer]]

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


class LexiconParser:
    """A `TextParser` in this process."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._lexicon = lexicon
        self._tagged: Tagged | None = None
        self._index: Vectors | None = None

    @property
    def indexed(self) -> Sequence[str]:
        """See `TextParser`."""
        return self._lexicon.indexed

    @property
    def uses_embedding(self) -> bool:
        """See `TextParser`."""
        return self._lexicon.language.embedded

    async def without_followup(self, text: str) -> str:
        """See `TextParser`."""
        return drafting.without_followup(text, self._lexicon)

    async def tag(self, text: str, text_vectors: TextVectors, index: Vectors, today: dt.date) -> Sequence[str]:
        """See `TextParser`."""
        self._index = index
        self._tagged = drafting.tag(text, self._lexicon, text_vectors, index, today=today)
        return self._tagged.phrases

    async def draft(
        self,
        text: str,
        today: dt.date,
        conversation: Conversation | None = None,
        meanings: Meanings | None = None,
    ) -> Interpretation:
        """See `TextParser`."""
        lexicon, tagged, nearness = self._lexicon, self._tagged, None
        if tagged and self._index is not None and meanings:
            nearness = drafting.near(tagged, meanings.phrases, lexicon, self._index, meanings.index)
        return drafting.draft(text, lexicon, today=today, conversation=conversation, tagged=tagged, nearness=nearness)


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
    model's.
    """

    def __init__(
        self,
        embedder: Embedder | None = None,
        llm: Provider | None = None,
        *,
        index: Index | None = None,
        meanings: FindMeanings | None = None,
    ) -> None:
        self._embedder, self._llm, self._meanings = embedder, llm, meanings
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
        self, query: Query, catalog: Catalog, draft: Interpretation, complete: Complete | None = None
    ) -> Translation:
        """Let the LLM read the text, if there is one and the query's strategy permits it, and compile the filter.

        Whatever goes wrong with the LLM or its answer, the draft stands. `complete` is as for `ask`.

        Raises:
            ProviderError: only the LLM was allowed to answer, and it did not.
        """
        reading, answer, failure = draft, None, None
        usage: Counter[str] = Counter()
        if self._llm and query.strategy != "builtin":
            try:
                reading, answer = await self.ask(query, catalog, draft, _counting(complete or self._complete, usage))
                reading = coverage.complete(reading, draft, query.text)
                reading = coverage.with_question(reading, draft, catalog)
                reading = contradictions.with_question(reading, catalog, query.today)
            except PutOff:
                raise
            except Exception as exc:
                if query.strategy == "llm":
                    raise
                reading, answer, failure = draft, None, exc
                _log.warning("the LLM gave no usable answer, the draft stands: %r", exc)
        resolved = interpretation.resolve(reading, query.now)
        result = {
            **_compiled(resolved, query, catalog),
            "draft": shown(interpretation.resolve(draft, query.now), catalog, query.options) if answer else None,
            "degraded": failure is not None,
            "degraded_reason": failure and type(failure).__name__,
            "provider": (answer.provider or self._llm.name) if answer and self._llm else "builtin",
            "model": answer and answer.model,
            "usage": dict(usage) or None,
            "refines": _refinement(query.conversation, resolved, query, catalog) if query.conversation else None,
        }
        return Translation(result, reading)

    async def ask(
        self, query: Query, catalog: Catalog, draft: Interpretation, complete: Complete | None = None
    ) -> tuple[Interpretation, Answer]:
        """Ask the LLM for its interpretation. A faulty answer is sent back once, with a list of its faults.

        `complete`, if given, calls the LLM; it may store the answers, and return stored ones.

        Raises:
            ProviderError: the second answer is unusable too, or there was none.
        """
        complete = complete or self._complete
        messages, schema = prompt.messages(query, catalog, draft), answer_schema(catalog)
        first, second = ANSWERS
        answer = await complete(first, messages, schema)
        try:
            return read_answer(answer.content, query.text, catalog, query.conversation), answer
        except InvalidAnswer as exc:
            _log.info("asking the LLM to repair its answer: %s", exc)
            answer = await complete(second, prompt.repair(messages, answer.content, str(exc)), schema)
            return read_answer(answer.content, query.text, catalog, query.conversation), answer

    async def _complete(self, _: str, messages: Sequence[Message], schema: Mapping[str, Any]) -> Answer:
        assert self._llm
        return await self._llm.complete(messages, schema)


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
