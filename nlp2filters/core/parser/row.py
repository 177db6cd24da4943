"""The row of a text's items, and ways of looking along it. A place is an index of the row."""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

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
from nlp2filters.core.parser.scan import Item
from nlp2filters.core.parser.values import Range
from nlp2filters.core.words import fold


@dataclass(frozen=True)
class Row:
    """The items of a text, and the span of each."""

    items: Sequence[Item]
    spans: Sequence[Span]
    text: str
    lexicon: Lexicon
    today: dt.date
    nearness: Nearness | None = None
    budget: Budget = field(default_factory=Budget)

    @cached_property
    def texts(self) -> Sequence[str]:
        """The words of each item."""
        return [span.of(self.text) for span in self.spans]

    def text_of(self, start: int, end: int) -> str:
        """Return the text from the item `start` to the item `end` (exclusive)."""
        return self.text[self.spans[start].start : self.spans[end - 1].end]

    def gap(self, at: int) -> str:
        """Return the text between the item and the next."""
        return self.text[self.spans[at].end : self.spans[at + 1].start]

    @property
    def unknown(self) -> Sequence[Sequence[str]]:
        """The folded words of each run of neighboring words about which nothing is known.

        Very short words end a run.
        """
        runs: list[list[str]] = [[]]
        for item, text in zip(self.items, self.texts, strict=True):
            word = fold(text)
            if item.is_word and len(word) > 2 and word.replace("'", "").isalpha():
                runs[-1].append(word)
            elif runs[-1]:
                runs.append([])
        return [run for run in runs if run]

    @property
    def catalog(self) -> Catalog:
        """The catalog that is searched."""
        return self.lexicon.catalog

    @property
    def language(self) -> Language:
        """The language of the text."""
        return self.lexicon.language

    def item(self, at: int) -> Item | None:
        """Return the item at a place, if there is one."""
        return self.items[at] if 0 <= at < len(self.items) else None

    def says(self, at: int, kind: str) -> str | None:
        """Return the item's meaning in that role of the grammar."""
        item = self.item(at)
        return item.says(kind) if item else None

    def skip(self, at: int, most: int = 3) -> int:
        """Return the next place after words without content."""
        while most and (item := self.item(at)) and item.skippable:
            at, most = at + 1, most - 1
        return at

    def candidates(self, at: int) -> tuple[Candidate, ...]:
        """Return the item's possible meanings in the catalog."""
        item = self.item(at)
        if item is None:
            return ()
        self.budget.spend(1 + len(item.candidates))
        return item.candidates

    def fields(self, at: int) -> Iterator[tuple[Field, Candidate]]:
        """Yield the fields that the item may name."""
        for candidate in self.candidates(at):
            if isinstance(candidate.target, FieldTarget):
                yield candidate.target.field, candidate

    def values(self, at: int) -> Iterator[tuple[ValueTarget, Candidate]]:
        """Yield the known values that the item may name."""
        for candidate in self.candidates(at):
            if isinstance(candidate.target, ValueTarget):
                yield candidate.target, candidate

    def value_of(self, at: int, field: str) -> Candidate | None:
        """Return the known value of one field that the item may name."""
        for target, candidate in self.values(at):
            if target.field.name == field:
                return candidate
        return self.lexicon.value_of(field, self.texts[at]) if self.candidates(at) else None

    def adjectives(self, at: int, *degrees: Degree) -> Iterator[tuple[AdjectiveTarget, Candidate]]:
        """Yield the adjectives that the item may be, in one of these degrees."""
        for candidate in self.candidates(at):
            if isinstance(candidate.target, AdjectiveTarget) and candidate.target.degree in degrees:
                yield candidate.target, candidate

    def is_noun(self, at: int) -> bool:
        """Return whether the item names the records."""
        return any(isinstance(candidate.target, NounTarget) for candidate in self.candidates(at))

    def is_value(self, at: int) -> bool:
        """Return whether the item is a quantity, a date or a time of day."""
        item = self.item(at)
        return item is not None and item.is_value

    def range(self, at: int, field: Field) -> Range | None:
        """Return the item's value as the field would hold it."""
        item = self.item(at)
        return self.held(item, field) if item else None

    def held(self, item: Item, field: Field) -> Range | None:
        """Return the value of any item as the field would hold it."""
        self.budget.spend(CONVERSION_STEPS)
        return values.in_field(item, field, self.language, self.today)

    def fit(self, items: Sequence[Item], field: Field) -> bool:
        """Return whether the field could hold the values of all these items."""
        return all(self.held(item, field) is not None for item in items)

    def meant(self, items: Sequence[Item]) -> tuple[Field | None, float]:
        """Return the tagger's likeliest field for the values `items`, of those that can hold them, and its share."""
        shares = [(min(item.meant.get(name, 0.0) for item in items), name) for name in items[-1].meant]
        for share, name in sorted(shares, reverse=True):
            if self.fit(items, field := self.catalog.by_name[name]):
                return field, share
        return None, 0.0

    def near(self, field: Field, start: int, end: int) -> Candidate | None:
        """Return the known value of the field nearest in meaning to the items `start` to `end` (exclusive)."""
        return self.nearness.value(field, fold(self.text_of(start, end))) if self.nearness else None

    def has_own_value(self, at: int) -> bool:
        """Return whether a value follows the field that is named at `at`."""
        following = self.skip(at + 1)
        if self.says(following, "comparator"):
            following = self.skip(following + 1)
        return self.is_value(following)
