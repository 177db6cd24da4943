"""The operations of a child process. It caches lexicons and indexes by digest, so that each is sent only once."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import orjson

from nlp2filters import demo
from nlp2filters.core import drafting, languages
from nlp2filters.core.conversation import Conversation
from nlp2filters.core.interpretation import Interpretation
from nlp2filters.core.linking import Lexicon, Nearness
from nlp2filters.core.linking.retrieval import Candidates, large_fields, retrieve
from nlp2filters.core.parser import Tagged
from nlp2filters.core.parser.tagger import FieldSide
from nlp2filters.core.text_vectors import TextVectors, Vectors
from nlp2filters.worker.parsing.caches import Cache

# The catalogs whose lexicons are cached have at most this size in total. A lexicon is about 30 times as large.
MAX_SOURCE_BYTES = 4 * 2**20
MAX_INDEX_BYTES = 64 * 2**20
MAX_TAGGED = 16
DIMENSIONS = 384
WARM_UP = "japanese cars under 3000 pounds, not ford, built after 1975"


@dataclass(frozen=True, slots=True)
class CatalogRef:
    """A reference to a catalog by the digest of its source, with the locale of the texts about it."""

    digest: str
    locale: str


@dataclass(frozen=True, slots=True)
class IndexRef:
    """A reference to the vectors of a catalog's names, by the digest of the names."""

    digest: str


@dataclass(frozen=True, slots=True)
class TextRef:
    """A reference to a tagged text, by a number that no other text of this worker has."""

    number: int


Ref = CatalogRef | IndexRef | TextRef


@dataclass(frozen=True, slots=True)
class TooComplex:
    """The answer to a call that exceeded its budget."""

    detail: str


@dataclass(frozen=True, slots=True)
class Failure:
    """The answer to a call that failed for another reason: the traceback."""

    traceback: str


@dataclass(frozen=True, slots=True)
class Summary:
    """A catalog's summary for the worker.

    It has the names to embed, and is true where the model understands the language, and where an LLM is not told all
    values of a field.
    """

    indexed: tuple[str, ...]
    uses_embedding: bool
    has_large_fields: bool


@dataclass(frozen=True, slots=True)
class Tagging:
    """A text to tag, with all that it takes."""

    catalog: CatalogRef
    today: dt.date
    text: str
    text_vectors: TextVectors
    index: IndexRef


@dataclass(frozen=True, slots=True)
class Phrases:
    """The phrases of a tagged text to embed before it is drafted. Without any, the text is drafted already."""

    phrases: tuple[str, ...]
    draft: Interpretation | None


@dataclass(frozen=True, slots=True)
class Call:
    """A call of one of `OPERATIONS`, by name; `contents` are those that the child was missing."""

    operation: str
    catalog: CatalogRef
    arguments: tuple[Any, ...] = ()
    contents: Mapping[Ref, Any] = field(default_factory=dict)


class Missing(Exception):
    """The child does not have, or no longer has, the content that the call refers to."""

    def __init__(self, ref: Ref) -> None:
        super().__init__(ref)
        self.ref = ref


class Parser:
    """The parser in a child process, which answers calls one at a time."""

    def __init__(self) -> None:
        self._lexicons: Cache[CatalogRef, Lexicon] = Cache(MAX_SOURCE_BYTES)
        self._indexes: Cache[IndexRef, Vectors] = Cache(MAX_INDEX_BYTES)
        self._field_sides: Cache[tuple[CatalogRef, IndexRef], FieldSide] = Cache(MAX_INDEX_BYTES)
        self._tagged: Cache[TextRef, Tagged] = Cache(MAX_TAGGED)

    def answer(self, call: Call) -> Any:
        """Carry out a call.

        Raises:
            Missing: the call needs content that is not cached.
            TextTooComplex: the text takes more work than allowed.
        """
        for ref, content in call.contents.items():
            self._keep(ref, content)
        return OPERATIONS[call.operation](self, call.catalog, *call.arguments)

    def warm_up(self) -> None:
        """Load tables, weights and units, which the first text would otherwise wait for."""
        lexicon = Lexicon.of(demo.catalog("cars"))
        tokens = lexicon.language.tokenize(WARM_UP)
        index = _zeros(len(lexicon.indexed))
        text_vectors = TextVectors([(token.start, token.end) for token in tokens], _zeros(len(tokens)))
        today = dt.date(2026, 1, 1)
        tagged = drafting.tag(WARM_UP, lexicon, text_vectors, drafting.field_side(lexicon, index), today=today)
        nearness = drafting.near(tagged, _zeros(len(tagged.phrases)), lexicon, index)
        drafting.draft(WARM_UP, lexicon, today=today, tagged=tagged, nearness=nearness)

    def describe(self, catalog: CatalogRef) -> Summary:
        """Summarize a catalog."""
        lexicon = self._lexicon(catalog)
        return Summary(lexicon.indexed, lexicon.language.embedded, bool(large_fields(lexicon.catalog)))

    def without_followup(self, catalog: CatalogRef, text: str) -> str:
        """See `drafting.without_followup`."""
        return drafting.without_followup(text, self._lexicon(catalog))

    def tag(self, catalog: CatalogRef, ref: TextRef, tagging: Tagging) -> Phrases:
        """Tag a text, and draft it unless there are phrases to embed first."""
        tagged = self._tag(tagging)
        if tagged.phrases:
            return Phrases(self._tagged.put(ref, tagged).phrases, None)
        lexicon, index = self._lexicon(catalog), self._index(tagging.index)
        nearness = drafting.near(tagged, _zeros(0), lexicon, index)
        draft = drafting.draft(tagging.text, lexicon, today=tagging.today, tagged=tagged, nearness=nearness)
        return Phrases((), draft)

    def draft(
        self,
        catalog: CatalogRef,
        today: dt.date,
        text: str,
        conversation: Conversation | None,
        ref: TextRef | None,
        index: IndexRef | None,
        phrase_vectors: Vectors | None,
        api_index: IndexRef | None,
    ) -> Interpretation:
        """Draft a text. `phrase_vectors` are those of the phrases that `tag` returned, here or in another process.

        `api_index` is the index that they belong to, if they are those of an embedding API; or else `index`.
        """
        lexicon, tagged, nearness = self._lexicon(catalog), None, None
        if ref and index and phrase_vectors is not None:
            own, names = self._index(index), self._index(api_index) if api_index else None
            if (tagged := self._tagged.pop(ref)) is None:
                raise Missing(ref)
            nearness = drafting.near(tagged, phrase_vectors, lexicon, own, names)
        return drafting.draft(text, lexicon, today=today, conversation=conversation, tagged=tagged, nearness=nearness)

    def retrieve(
        self, catalog: CatalogRef, text: str, phrases: Sequence[str], vectors: Vectors | None, index: IndexRef | None
    ) -> Candidates:
        """Retrieve values. `vectors` are those of the phrases, and `index` the vectors of the names to compare with."""
        lexicon, nearness = self._lexicon(catalog), None
        if vectors is not None and index:
            nearness = Nearness.of(phrases, vectors, self._index(index)[: len(lexicon.names)], lexicon)
        return retrieve(text, lexicon, nearness)

    def _tag(self, tagging: Tagging) -> Tagged:
        lexicon, index = self._lexicon(tagging.catalog), self._index(tagging.index)
        key = tagging.catalog, tagging.index
        if (fields := self._field_sides.get(key)) is None:
            fields = drafting.field_side(lexicon, index)
            self._field_sides.put(key, fields, fields.nbytes)
        return drafting.tag(tagging.text, lexicon, tagging.text_vectors, fields, today=tagging.today)

    def _keep(self, ref: Ref, content: Any) -> None:
        if isinstance(ref, IndexRef):
            self._indexes.put(ref, content, content.nbytes)
            return
        if isinstance(ref, TextRef):
            self._tagged.put(ref, self._tag(content))
            return
        catalog = demo.catalog_of(orjson.loads(content))
        self._lexicons.put(ref, Lexicon.of(catalog, languages.of(ref.locale)), len(content))

    def _lexicon(self, ref: CatalogRef) -> Lexicon:
        if (lexicon := self._lexicons.get(ref)) is None:
            raise Missing(ref)
        return lexicon

    def _index(self, ref: IndexRef) -> Vectors:
        if (index := self._indexes.get(ref)) is None:
            raise Missing(ref)
        return index


def _zeros(count: int) -> Vectors:
    return np.zeros((count, DIMENSIONS), np.float32)


OPERATIONS: Mapping[str, Callable[..., Any]] = {
    "describe": Parser.describe,
    "without_followup": Parser.without_followup,
    "tag": Parser.tag,
    "draft": Parser.draft,
    "retrieve": Parser.retrieve,
}
