"""The lexicon: everything that is looked up in one catalog, built once per catalog and language."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nlp2filters.core import field_words
from nlp2filters.core.budget import Budget
from nlp2filters.core.catalog import NUMERIC, Catalog, Field, FieldType
from nlp2filters.core.languages import ANY_CURRENCY, ENGLISH, Language
from nlp2filters.core.linking import matching, vocabulary
from nlp2filters.core.linking.matching import PhraseIndex, SpellingIndex, ValueWords
from nlp2filters.core.linking.targets import Candidate, Match, Target, ValueTarget
from nlp2filters.core.linking.value_index import ValueIndex
from nlp2filters.core.units import measure
from nlp2filters.core.words import Token

# A value without a named field may belong to at most this many fields of one type or dimension.
MAX_FIELDS = 64


@dataclass(frozen=True, eq=False)
class Lexicon:
    """The lookup tables of a catalog.

    `surnames` are last words of only one value of the open keyword fields, `initials` those of names of several words.
    `names` are the phrases to embed, `targets` the possible meanings of each.
    """

    catalog: Catalog
    language: Language
    phrases: PhraseIndex
    spellings: SpellingIndex
    surnames: Mapping[str, Candidate]
    initials: Mapping[str, tuple[Candidate, ...]]
    names: tuple[str, ...]
    targets: tuple[tuple[Target, ...], ...] = field(repr=False)

    @classmethod
    def of(cls, catalog: Catalog, language: Language = ENGLISH) -> "Lexicon":
        """Build the lexicon of a catalog."""
        phrases = PhraseIndex.of(
            vocabulary.entries(catalog, language), language, vocabulary.other_names(catalog, language)
        )
        names = vocabulary.embeddable(catalog)
        return cls(
            catalog=catalog,
            language=language,
            phrases=phrases,
            spellings=SpellingIndex.of(phrases),
            surnames=matching.surnames(catalog),
            initials=matching.initials(catalog),
            names=tuple(names),
            targets=tuple(names.values()),
        )

    # Words of a text

    def match(self, tokens: Sequence[Token], at: int) -> Match | None:
        """Return the longest phrase of the catalog that begins at the token `at`, by name or synonym."""
        return self.phrases.match(tokens, at)

    def surname(self, tokens: Sequence[Token], at: int) -> Match | None:
        """Return the only open value whose last word is the token `at`: "spielberg"."""
        candidate = self.surnames.get(tokens[at].norm)
        return Match(1, (candidate,)) if candidate else None

    def abbreviation(self, tokens: Sequence[Token], at: int) -> Match | None:
        """Return the only name whose initials are the token `at`, in capitals: "NYC"."""
        text = tokens[at].text
        candidates = self.initials.get(text) if text.isupper() else None
        return Match(1, candidates) if candidates else None

    def joined(self, tokens: Sequence[Token], at: int) -> Match | None:
        """Return the phrase that is written as fewer or more words than in the catalog: "tshirts"."""
        return self.phrases.joined(tokens, at)

    def spelled_like(self, tokens: Sequence[Token], at: int, budget: Budget | None = None) -> Match | None:
        """Return the phrase that one or two tokens misspell. Short words must be spelled right."""
        return self.spellings.match(tokens, at, budget or Budget())

    def value_of(self, field_: str, words: str) -> Candidate | None:
        """Return the field's value that the words name, if the values of too many fields share that name."""
        if not self.phrases.crowded:
            return None
        return self.phrases.crowded_value(field_, self.language.tokenize(words))

    def value_with(self, field_: Field, words: Set[str], budget: Budget) -> str | None:
        """Return the known value of the field that has all the words, if exactly one has."""
        return self._value_words.only_value(field_, words, budget)

    @cached_property
    def _value_words(self) -> ValueWords:
        return ValueWords()

    def value_index(self, field_: Field) -> ValueIndex:
        """Return the index of the field's values."""
        if field_.name not in self._value_indexes:
            self._value_indexes[field_.name] = ValueIndex.of(field_, self.language)
        return self._value_indexes[field_.name]

    @cached_property
    def _value_indexes(self) -> dict[str, ValueIndex]:
        return {}

    # Fields by place, type and unit

    @cached_property
    def places(self) -> Mapping[str, int]:
        """The index of each field."""
        return {field_.name: at for at, field_ in enumerate(self.catalog.fields)}

    @cached_property
    def main_date(self) -> Field | None:
        """The date that most likely says when a record came about."""
        return vocabulary.main_date(self.catalog, self.language)

    def typed(self, *types: FieldType) -> Sequence[Field]:
        """Return the first `MAX_FIELDS` fields of these types, in the catalog's order."""
        if types not in self._typed:
            self._typed[types] = self._in_order(self._by_type.get(type_, ()) for type_ in types)
        return self._typed[types]

    @cached_property
    def _typed(self) -> dict[tuple[FieldType, ...], Sequence[Field]]:
        return {}

    @cached_property
    def _by_type(self) -> Mapping[str, Sequence[Field]]:
        fields: dict[str, list[Field]] = defaultdict(list)
        for field_ in self.catalog.fields:
            fields[field_.type].append(field_)
        return fields

    def measured_in(self, units: tuple[str, ...]) -> Sequence[Field]:
        """Return the first `MAX_FIELDS` numeric fields that may hold amounts in one of the units or currencies."""
        if units not in self._measured:
            measures = (measure(unit) or unit for unit in units)
            self._measured[units] = self._in_order(self._by_measure.get(key, ()) for key in measures)
        return self._measured[units]

    @cached_property
    def _measured(self) -> dict[tuple[str, ...], Sequence[Field]]:
        return {}

    @cached_property
    def _by_measure(self) -> Mapping[Hashable, Sequence[Field]]:
        """The numeric fields of each currency, each dimension, and each unit of unknown dimension."""
        fields: dict[Hashable, list[Field]] = defaultdict(list)
        for field_ in self.catalog.fields:
            if field_.type == "money":
                for currency in (field_.currency, ANY_CURRENCY):
                    fields[currency].append(field_)
            elif field_.unit and field_.type in NUMERIC:
                unit = self.language.canonical(field_.unit)
                fields[measure(unit) or unit].append(field_)
        return fields

    def _in_order(self, groups: Iterable[Sequence[Field]]) -> Sequence[Field]:
        fields = dict.fromkeys(field_ for group in groups for field_ in group[:MAX_FIELDS])
        return sorted(fields, key=lambda field_: self.places[field_.name])[:MAX_FIELDS]

    # Texts to embed

    @cached_property
    def described(self) -> tuple[tuple[str, str], ...]:
        """The title and the description of each field, or the title twice if it has no description."""
        titles = map(field_words.spoken_title, self.catalog.fields)
        return tuple((title, of.description or title) for title, of in zip(titles, self.catalog.fields, strict=True))

    @cached_property
    def indexed(self) -> tuple[str, ...]:
        """All texts of a catalog to embed: `names` first, then those of `described` that are not among them."""
        return tuple(dict.fromkeys((*self.names, *chain.from_iterable(self.described))))

    def vectors_of_fields(self, vectors: NDArray[Any]) -> NDArray[Any]:
        """Select the vectors of `described` from those of `indexed`: shape (fields, 2, 384)."""
        return vectors[self._described_at]

    @cached_property
    def _described_at(self) -> NDArray[np.intp]:
        places = {text: at for at, text in enumerate(self.indexed)}
        return np.array([[places[text] for text in pair] for pair in self.described], np.intp)

    @cached_property
    def values_of(self) -> Mapping[str, tuple[NDArray[np.intp], Sequence[ValueTarget]]]:
        """The known values of each field, with their places in `names`."""
        values: dict[str, list[tuple[int, ValueTarget]]] = defaultdict(list)
        for at, targets in enumerate(self.targets):
            for target in targets:
                if isinstance(target, ValueTarget):
                    values[target.field.name].append((at, target))
        return {
            name: (np.array([at for at, _ in pairs], np.intp), [target for _, target in pairs])
            for name, pairs in values.items()
        }
