"""A sentence: the chunks of a text, and ways of looking along them. A place is the index of a chunk."""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from nlp2filters.core import measures
from nlp2filters.core.budget import CONVERSION_STEPS, Budget
from nlp2filters.core.catalog import Catalog, Field
from nlp2filters.core.interpretation import Span
from nlp2filters.core.languages import Degree, Language
from nlp2filters.core.linking import (
    AdjectiveTarget,
    Candidate,
    FieldTarget,
    Lexicon,
    Nearness,
    NounTarget,
    ValueTarget,
)
from nlp2filters.core.parser import values
from nlp2filters.core.parser.chunker import Chunk
from nlp2filters.core.parser.values import Range
from nlp2filters.core.words import fold


@dataclass(frozen=True)
class Sentence:
    """The chunks of a text, and the span of each."""

    chunks: Sequence[Chunk]
    spans: Sequence[Span]
    text: str
    lexicon: Lexicon
    today: dt.date
    nearness: Nearness | None = None
    budget: Budget = field(default_factory=Budget)

    @cached_property
    def texts(self) -> Sequence[str]:
        """The words of each chunk."""
        return [span.of(self.text) for span in self.spans]

    def text_of(self, start: int, end: int) -> str:
        """Return the text from the chunk `start` to the chunk `end` (exclusive)."""
        return self.text[self.spans[start].start : self.spans[end - 1].end]

    def gap(self, at: int) -> str:
        """Return the text between the chunk and the next."""
        return self.text[self.spans[at].end : self.spans[at + 1].start]

    @cached_property
    def looks_back(self) -> bool:
        """True if a word such as "placed" or "since" says that what is searched has happened."""
        past = self.language.dates.past
        return any(word in past for text in self.texts for word in fold(text).split())

    @property
    def unknown(self) -> Sequence[Sequence[str]]:
        """The folded words of each run of neighboring words about which nothing is known.

        Very short words end a run.
        """
        runs: list[list[str]] = [[]]
        for chunk, text in zip(self.chunks, self.texts, strict=True):
            word = fold(text)
            if chunk.is_unknown and len(word) > 2 and word.replace("'", "").isalpha():
                runs[-1].append(word)
            elif runs[-1]:
                runs.append([])
        return [run for run in runs if run]

    @cached_property
    def has_context(self) -> bool:
        """True if an unknown word, such as "leaving", may tell which of several like fields is meant."""
        return any(chunk.is_unknown and text[:1].isalpha() for chunk, text in zip(self.chunks, self.texts, strict=True))

    @property
    def catalog(self) -> Catalog:
        """The catalog that is searched."""
        return self.lexicon.catalog

    @property
    def language(self) -> Language:
        """The language of the text."""
        return self.lexicon.language

    def chunk(self, at: int) -> Chunk | None:
        """Return the chunk at a place, if there is one."""
        return self.chunks[at] if 0 <= at < len(self.chunks) else None

    def role(self, at: int, kind: str) -> str | None:
        """Return the chunk's meaning in that role of the grammar."""
        chunk = self.chunk(at)
        return chunk.role(kind) if chunk else None

    def skip_stopwords(self, at: int, most: int = 3) -> int:
        """Return the next place after words without content."""
        while most and (chunk := self.chunk(at)) and chunk.is_stopword:
            at, most = at + 1, most - 1
        return at

    def candidates(self, at: int) -> tuple[Candidate, ...]:
        """Return the chunk's possible meanings in the catalog."""
        chunk = self.chunk(at)
        if chunk is None:
            return ()
        self.budget.spend(1 + len(chunk.candidates))
        return chunk.candidates

    def fields(self, at: int) -> Iterator[tuple[Field, Candidate]]:
        """Yield the fields that the chunk may name; "unassigned" names none, since it says all."""
        for candidate in self.candidates(at):
            target = candidate.target
            if isinstance(target, FieldTarget) and not (target.stated and target.negated):
                yield target.field, candidate

    def values(self, at: int) -> Iterator[tuple[ValueTarget, Candidate]]:
        """Yield the known values that the chunk may name."""
        for candidate in self.candidates(at):
            if isinstance(candidate.target, ValueTarget):
                yield candidate.target, candidate

    def value_of(self, at: int, field: str) -> Candidate | None:
        """Return the known value of one field that the chunk may name."""
        for target, candidate in self.values(at):
            if target.field.name == field:
                return candidate
        return self.lexicon.value_of(field, self.texts[at]) if self.candidates(at) else None

    def adjectives(self, at: int, *degrees: Degree) -> Iterator[tuple[AdjectiveTarget, Candidate]]:
        """Yield the adjectives that the chunk may be, in one of these degrees."""
        for candidate in self.candidates(at):
            if isinstance(candidate.target, AdjectiveTarget) and candidate.target.degree in degrees:
                yield candidate.target, candidate

    def is_noun(self, at: int) -> bool:
        """Return whether the chunk names the records."""
        return any(isinstance(candidate.target, NounTarget) for candidate in self.candidates(at))

    def is_value(self, at: int) -> bool:
        """Return whether the chunk is a quantity, a date or a time of day."""
        chunk = self.chunk(at)
        return chunk is not None and chunk.is_value

    def coerce_at(self, at: int, field: Field) -> Range | None:
        """Return the chunk's value as the field would hold it."""
        chunk = self.chunk(at)
        return self.coerce(chunk, field) if chunk else None

    def coerce(self, chunk: Chunk, field: Field) -> Range | None:
        """Return the value of any chunk as the field would hold it."""
        self.budget.spend(CONVERSION_STEPS)
        return values.in_field(chunk, field, self.language, self.today, looks_back=self.looks_back)

    def all_fit(self, chunks: Sequence[Chunk], field: Field) -> bool:
        """Return whether the field could hold the values of all these chunks."""
        return all(self.coerce(chunk, field) is not None for chunk in chunks)

    def likeliest_field(self, chunks: Sequence[Chunk]) -> tuple[Field | None, float]:
        """Return the tagger's likeliest field for the values `chunks`, of those that can hold them, and its share."""
        shares = [
            (min(chunk.field_probabilities.get(name, 0.0) for chunk in chunks), name)
            for name in chunks[-1].field_probabilities
        ]
        for share, name in sorted(shares, reverse=True):
            field = self.catalog.by_name[name]
            if self.all_fit(chunks, field) and not measures.is_identifier(field, self.language):
                return field, share
        return None, 0.0

    def nearest_value(self, field: Field, start: int, end: int) -> Candidate | None:
        """Return the known value of the field nearest in meaning to the chunks `start` to `end` (exclusive)."""
        return self.nearness.value(field, fold(self.text_of(start, end))) if self.nearness else None

    def has_own_value(self, at: int) -> bool:
        """Return whether a value follows the field that is named at `at`."""
        following = self.skip_stopwords(at + 1)
        if self.role(following, "comparator"):
            following = self.skip_stopwords(following + 1)
        return self.is_value(following)
