"""Linking: the fields and values of a catalog that the words of a text mean.

In order of trust: the name itself, a synonym, a similar spelling (edit distance), a similar meaning (cosine of
embeddings). Values come from the catalog only, so that no text can mean one outside a closed enum.
"""

import math
import re
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, islice
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import process
from rapidfuzz.distance import OSA

from nlp2filters.core import words
from nlp2filters.core.budget import SPELLINGS_PER_STEP, Budget
from nlp2filters.core.catalog import NUMERIC, STRINGS, TEMPORAL, Catalog, Field, FieldType
from nlp2filters.core.interpretation import Direction, Source
from nlp2filters.core.languages import ENGLISH, Degree, Language
from nlp2filters.core.units import measure
from nlp2filters.core.words import Token

# The thresholds below hold for the embeddings of this model.
MODEL = "sentence-transformers/all-MiniLM-L6-v2"
# A phrase has at most this many targets of one kind, such as fields with the same label.
MAX_CANDIDATES = 16
# A value without a named field may belong to at most this many fields of one type or dimension.
MAX_FIELDS = 64
MAX_PHRASE = 3
# At most this many phrases of a text are embedded.
MAX_PHRASES = 200
SHORTEST_TELLING = 4
# A word of at least this many letters may have two wrong ones.
SHORTEST_DOUBTFUL = 8
# The spelling of shorter nouns is not corrected: they resemble too many words.
SHORTEST_NOUN = 7
MANY_VALUES = 30
MOST_INITIALS = 5
# At most this many names of a catalog are embedded.
MAX_NAMES = 20_000
# A meaning found by embedding must be at least this likely.
MIN_LIKELIHOOD = 0.75
# A greater difference between two cosines makes the nearer name no likelier.
MOST_MARGIN = 0.3
# Words that are tagged as a value of a field must be at least this near to a known one (cosine).
MIN_NEAR = 0.3
CONFIDENCE: Mapping[Source, float] = {"exact": 0.98, "synonym": 0.95, "fuzzy": 0.8}


@dataclass(frozen=True, slots=True)
class FieldTarget:
    """A field that the words name. `negated`: they say that a boolean one does not hold ("unfurnished")."""

    field: Field
    negated: bool = False


@dataclass(frozen=True, slots=True)
class ValueTarget:
    """A value of a field that the words name."""

    field: Field
    value: str


@dataclass(frozen=True, slots=True)
class AdjectiveTarget:
    """One end of a field: "light" is the low end of weight."""

    field: Field
    high: bool
    degree: Degree

    @property
    def order(self) -> Direction:
        """The direction of a sort that puts this end first."""
        return "desc" if self.high else "asc"


@dataclass(frozen=True, slots=True)
class NounTarget:
    """The records themselves."""


Target = FieldTarget | ValueTarget | AdjectiveTarget | NounTarget


@dataclass(frozen=True, slots=True)
class Candidate:
    """A target that words may mean, how it was found, and its confidence (0 to 1)."""

    target: Target
    confidence: float
    source: Source


@dataclass(frozen=True, slots=True)
class Match:
    """The `candidates` that `length` tokens may mean, the likeliest first."""

    length: int
    candidates: tuple[Candidate, ...]


_ASIDE = re.compile(r"\s*\([^()]*\)")
_FOOTNOTES = "¹²³⁴⁵⁶⁷⁸⁹⁰*†‡ "

Similar = Mapping[str, tuple[Candidate, ...]]
Key = tuple[str, ...]


class _Meanings:
    """The meanings of phrases, by their words: up to `MAX_CANDIDATES` of each kind.

    `crowded` has the values beyond that, by phrase and field.
    """

    def __init__(self) -> None:
        self._targets: dict[Key, dict[Target, Candidate]] = defaultdict(dict)
        self.crowded: dict[Key, dict[str, Candidate]] = defaultdict(dict)

    def add(self, key: Key, target: Target, source: Source) -> None:
        """Add a meaning; the first source of a target counts."""
        targets = self._targets[key]
        if target in targets:
            return
        alike = sum(type(other) is type(target) for other in targets) if len(targets) >= MAX_CANDIDATES else 0
        if alike < MAX_CANDIDATES:
            targets[target] = Candidate(target, CONFIDENCE[source], source)
        elif isinstance(target, ValueTarget):
            self.crowded[key].setdefault(target.field.name, Candidate(target, CONFIDENCE[source], source))

    def candidates(self) -> dict[Key, tuple[Candidate, ...]]:
        """Return the candidates of each phrase, in the order in which they were added."""
        return {key: tuple(targets.values()) for key, targets in self._targets.items()}


@dataclass(frozen=True, eq=False)
class Lexicon:
    """The lookup tables of a catalog, built once per catalog.

    `lengths` are those of the phrases that begin with a word. `crowded` are, by field, the values that `phrases` has no
    room for, because too many fields share the phrase. `spellings` are phrases that may be misspelled, by first letter
    and length. `names` are the phrases to embed, `targets` the possible meanings of each. `surnames` are last words of
    only one value of the open keyword fields, `initials` those of names of several words.
    """

    catalog: Catalog
    language: Language
    phrases: Mapping[Key, tuple[Candidate, ...]]
    stems: Mapping[Key, tuple[Candidate, ...]]
    lengths: Mapping[str, frozenset[int]]
    crowded: Mapping[Key, Mapping[str, Candidate]]
    surnames: Mapping[str, Candidate]
    initials: Mapping[str, tuple[Candidate, ...]]
    spellings: Mapping[tuple[str, int], Mapping[str, tuple[str, ...]]]
    names: tuple[str, ...]
    targets: tuple[tuple[Target, ...], ...] = field(repr=False)

    @cached_property
    def values_of(self) -> Mapping[str, tuple[NDArray[np.intp], Sequence[ValueTarget]]]:
        """The known values of each field, with their places in `names`."""
        found: dict[str, list[tuple[int, ValueTarget]]] = defaultdict(list)
        for at, targets in enumerate(self.targets):
            for target in targets:
                if isinstance(target, ValueTarget):
                    found[target.field.name].append((at, target))
        return {
            name: (np.array([at for at, _ in known], np.intp), [target for _, target in known])
            for name, known in found.items()
        }

    @cached_property
    def places(self) -> Mapping[str, int]:
        """The index of each field."""
        return {field_.name: at for at, field_ in enumerate(self.catalog.fields)}

    @cached_property
    def _by_type(self) -> Mapping[str, Sequence[Field]]:
        found: dict[str, list[Field]] = defaultdict(list)
        for field_ in self.catalog.fields:
            found[field_.type].append(field_)
        return found

    def typed(self, *types: FieldType) -> Sequence[Field]:
        """Return the first `MAX_FIELDS` fields of these types, in the catalog's order."""
        if types not in self._typed:
            self._typed[types] = self._in_order(self._by_type.get(type_, ()) for type_ in types)
        return self._typed[types]

    @cached_property
    def _typed(self) -> dict[tuple[FieldType, ...], Sequence[Field]]:
        return {}

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
        found: dict[Hashable, list[Field]] = defaultdict(list)
        for field_ in self.catalog.fields:
            if field_.type == "money":
                found[field_.currency].append(field_)
            elif field_.unit and field_.type in NUMERIC:
                unit = self.language.canonical(field_.unit)
                found[measure(unit) or unit].append(field_)
        return found

    def _in_order(self, groups: Iterable[Sequence[Field]]) -> Sequence[Field]:
        fields = dict.fromkeys(field_ for group in groups for field_ in group[:MAX_FIELDS])
        return sorted(fields, key=lambda field_: self.places[field_.name])[:MAX_FIELDS]

    @cached_property
    def described(self) -> tuple[tuple[str, str], ...]:
        """The title and the description of each field, or the title twice if it has no description."""
        titles = [of.label or words.spaced(of.name) for of in self.catalog.fields]
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

    @classmethod
    def of(cls, catalog: Catalog, language: Language = ENGLISH) -> "Lexicon":
        """Build the lexicon of a catalog."""
        entries, stems = _Meanings(), _Meanings()
        spellings: dict[tuple[str, int], dict[str, Key]] = defaultdict(dict)
        for phrase, target, source in _entries(catalog, language):
            tokens = language.tokenize(phrase)
            if not tokens:
                continue
            norms, key = tuple(token.norm for token in tokens), tuple(token.stem for token in tokens)
            entries.add(norms, target, source)
            stems.add(key, target, source)
            spelling = " ".join(norms)
            if len(spelling) >= (SHORTEST_NOUN if isinstance(target, NounTarget) else SHORTEST_TELLING):
                spellings[spelling[0], len(spelling)].setdefault(spelling, norms)
        phrases_, stemmed = entries.candidates(), stems.candidates()
        lengths: dict[str, set[int]] = defaultdict(set)
        for key in (*phrases_, *stemmed):
            lengths[key[0]].add(len(key))
        names = embeddable(catalog)
        return cls(
            catalog=catalog,
            language=language,
            phrases=phrases_,
            stems=stemmed,
            lengths={word: frozenset(lengths_) for word, lengths_ in lengths.items()},
            crowded={**stems.crowded, **entries.crowded},
            surnames=_surnames(catalog),
            initials=_initials(catalog),
            spellings=dict(spellings),
            names=tuple(names),
            targets=tuple(names.values()),
        )

    def match(self, tokens: Sequence[Token], at: int) -> Match | None:
        """Return the longest phrase of the catalog that begins at the token `at`, by name or synonym."""
        nothing: frozenset[int] = frozenset()
        lengths = self.lengths.get(tokens[at].norm, nothing) | self.lengths.get(tokens[at].stem, nothing)
        if not lengths:
            return None
        taken = tokens[at : at + max(lengths)]
        norms, stems = tuple(token.norm for token in taken), tuple(token.stem for token in taken)
        for length in sorted(lengths, reverse=True):
            if length > len(taken):
                continue
            said = self.phrases.get(norms[:length], ())
            stemmed = self.stems.get(stems[:length], ())
            # The word "rated" names one field, but another one's "rating" may be meant.
            if said:
                stemmed = tuple(c for c in stemmed if isinstance(c.target, FieldTarget))
            if found := dict.fromkeys((*said, *stemmed)):
                return Match(length, tuple(found))
        return None

    def value_of(self, field_: str, words_: str) -> Candidate | None:
        """Return the field's value that the words name, if the values of too many fields share that name."""
        if not self.crowded:
            return None
        tokens = self.language.tokenize(words_)
        for key in (tuple(token.norm for token in tokens), tuple(token.stem for token in tokens)):
            if found := self.crowded.get(key, {}).get(field_):
                return found
        return None

    def value_with(self, field_: Field, words_: Set[str], budget: Budget) -> str | None:
        """Return the known value of the field that has all the words, if exactly one has."""
        having = self._value_words(field_)
        groups = sorted((having.get(word, set()) for word in words_), key=len)
        if not groups:
            return field_.values[0].value if len(field_.values) == 1 else None
        budget.spend(len(groups[0]))
        places = groups[0].intersection(*groups[1:])
        return field_.values[min(places)].value if len(places) == 1 else None

    def _value_words(self, field_: Field) -> Mapping[str, set[int]]:
        """Return the places of the known values that have each word."""
        if field_.name not in self._words_of_values:
            found: dict[str, set[int]] = defaultdict(set)
            for at, value in enumerate(field_.values):
                for word in words.fold(value.value).split():
                    found[word].add(at)
            self._words_of_values[field_.name] = dict(found)
        return self._words_of_values[field_.name]

    @cached_property
    def _words_of_values(self) -> dict[str, Mapping[str, set[int]]]:
        return {}

    def surname(self, tokens: Sequence[Token], at: int) -> Match | None:
        """Return the only open value whose last word is the token `at`: "spielberg"."""
        found = self.surnames.get(tokens[at].norm)
        return Match(1, (found,)) if found else None

    def abbreviation(self, tokens: Sequence[Token], at: int) -> Match | None:
        """Return the only name whose initials are the token `at`, in capitals: "NYC"."""
        text = tokens[at].text
        found = self.initials.get(text) if text.isupper() else None
        return Match(1, found) if found else None

    def spelled_like(self, tokens: Sequence[Token], at: int, budget: Budget | None = None) -> Match | None:
        """Return the phrase that one or two tokens misspell. Short words must be spelled right."""
        budget = budget or Budget()
        for length in (2, 1):
            taken = tokens[at : at + length]
            if len(taken) < length or any(token.kind != "word" for token in taken):
                continue
            spelling = " ".join(token.norm for token in taken)
            if len(spelling) < 4 or (length == 2 and min(len(token.norm) for token in taken) < 3):
                continue
            if best := self._nearest_spelling(spelling, budget):
                norms, distance = best
                sure = CONFIDENCE["fuzzy"] - 0.1 * (distance - 1)
                found = self.phrases[norms]
                return Match(length, tuple(Candidate(c.target, min(sure, c.confidence), "fuzzy") for c in found))
        return None

    def _nearest_spelling(self, spelling: str, budget: Budget) -> tuple[Key, int] | None:
        """Return the phrase that differs least, and in how many letters: one, or two if it is long.

        The first letter must be right.
        """
        most = 1 if len(spelling) < SHORTEST_DOUBTFUL else 2
        best: tuple[Key, int] | None = None
        for more in (0, -1, 1, -2, 2)[: 1 + 2 * most]:
            known = self.spellings.get((spelling[0], len(spelling) + more))
            if not known:
                continue
            budget.spend(1 + len(known) // SPELLINGS_PER_STEP)
            if found := process.extractOne(spelling, known.keys(), scorer=OSA.distance, score_cutoff=most):
                best, most = (known[found[0]], int(found[1])), int(found[1]) - 1
        return best


def _entries(catalog: Catalog, language: Language) -> Iterator[tuple[str, Target, Source]]:
    """Yield every phrase that means something, with its meaning."""
    for noun in catalog.nouns or _own_nouns(catalog):
        yield noun, NounTarget(), "synonym"
    for field_ in catalog.fields:
        target = FieldTarget(field_)
        for name in dict.fromkeys((words.spaced(field_.name), field_.title)):
            yield name, target, "exact"
        for name in dict.fromkeys((*_plain_names(field_.name), *_plain_names(field_.title))):
            yield name, target, "synonym"
            if (short := _short(name, language)) and not _counts(name, language):
                yield short, target, "synonym"
        if field_.type == "boolean":
            for prefix in language.fields.negating:
                for name in dict.fromkeys((*_plain_names(field_.name), field_.title, *field_.synonyms)):
                    yield prefix + name, FieldTarget(field_, negated=True), "synonym"
        if field_.unit and not language.knows_unit(field_.unit):
            yield field_.unit, target, "synonym"
        for synonym in field_.synonyms:
            yield synonym, target, "synonym"
        for value in field_.values:
            meant = ValueTarget(field_, value.value)
            yield value.value, meant, "exact"
            for synonym in value.synonyms:
                yield synonym, meant, "synonym"
    # These come last: "rated" means the rating before it means the number of ratings.
    for field_ in catalog.fields:
        for name in _plain_names(field_.name):
            if (short := _short(name, language)) and _counts(name, language):
                yield short + language.plural_endings[0], FieldTarget(field_), "synonym"
    for word, field_ in (*_telling_words(catalog, language), *_kin(catalog, language)):
        yield word, FieldTarget(field_), "fuzzy"
    for field_, high, adjective in _adjectives(catalog, language):
        for degree, form in language.forms(adjective):
            yield form, AdjectiveTarget(field_, high, degree), "synonym"


def _plain_names(name: str) -> Iterator[str]:
    """Yield a name as people say it: without the parts in parentheses, and only the last part of a path."""
    plain = _ASIDE.sub(" ", name).replace("#", " number ").strip(_FOOTNOTES)
    yield words.spaced(plain)
    if "." in plain.strip("."):
        yield words.spaced(plain.strip(".").rpartition(".")[2])


def _counts(name: str, language: Language) -> bool:
    """Return whether a name says that something is counted: "review count"."""
    return name.lower().split()[-1:] == [language.fields.count_word]


def _telling_words(catalog: Catalog, language: Language) -> Iterator[tuple[str, Field]]:
    """Yield words that occur in the name of one field only, and mean nothing else.

    An example is "published" of "date published".
    """
    owners: dict[str, set[str]] = defaultdict(set)
    spoken: dict[str, tuple[str, Field]] = {}
    for field_ in catalog.fields:
        for token in language.tokenize(words.spaced(f"{field_.name} {field_.label}")):
            if token.kind == "word" and len(token.norm) >= SHORTEST_TELLING:
                owners[token.stem].add(field_.name)
                spoken[token.stem] = (token.norm, field_)
    # The word "flights" means the records, not the flight time.
    for noun in catalog.nouns or _own_nouns(catalog):
        for token in language.tokenize(noun):
            owners.pop(token.stem, None)
    for stem, names in owners.items():
        word, field_ = spoken[stem]
        if len(names) == 1 and (word,) not in language.phrase_roles and word not in language.fields.vague:
            yield word, field_


def _kin(catalog: Catalog, language: Language) -> Iterator[tuple[str, Field]]:
    """Yield other words for what a number counts: "people" for "number of guests", if only one field counts them."""
    counting: dict[str, list[Field]] = defaultdict(list)
    for field_ in catalog.fields:
        if field_.type in NUMERIC:
            for token in language.tokenize(words.spaced(f"{field_.name} {field_.label}")):
                counting[token.stem].append(field_)
    for group in language.fields.counts.values():
        stems = {language.tokenize(noun)[0].stem for noun in group.fields}
        owners = list(dict.fromkeys(field_ for stem in stems for field_ in counting.get(stem, ())))
        if len(owners) == 1:
            for word in group.words:
                yield word, owners[0]


def _own_nouns(catalog: Catalog) -> Iterator[str]:
    """Yield a word for the records if the catalog has none: the last word of its name, if it is a word."""
    last = words.spaced(catalog.title or catalog.name).replace("/", " ").split()[-1:]
    if last and len(last[0]) > 2 and last[0].isalpha():
        yield last[0]


def _short(name: str, language: Language) -> str | None:
    """Shorten a field's name as people do: "number of beds" becomes "beds"."""
    said = " ".join(name.lower().split())
    for before in language.fields.before:
        if said.startswith(before + " "):
            return said.removeprefix(before + " ")
    for after in language.fields.after:
        if said.endswith(" " + after):
            return said.removesuffix(" " + after)
    return None


def _adjectives(catalog: Catalog, language: Language) -> Iterator[tuple[Field, bool, str]]:
    """Yield the catalog's own adjectives, and general ones of a type or unit if only one field can be meant."""
    taken = set()
    for field_ in catalog.fields:
        for high, adjectives in ((False, field_.adjectives.low), (True, field_.adjectives.high)):
            for adjective in adjectives:
                taken.add(adjective)
                yield field_, high, adjective
    for kind, ends in language.adjectives.items():
        fields = [f for f in catalog.fields if kind in (f.type, language.dimension(f.unit))]
        if len(fields) > 1 and kind in TEMPORAL:
            fields = [f for f in fields if _tells_freshness(f, language)]
        if len(fields) != 1:
            continue
        for high, adjectives in ((False, ends.low), (True, ends.high)):
            for adjective in adjectives:
                if adjective not in taken:
                    yield fields[0], high, adjective


def _tells_freshness(field_: Field, language: Language) -> bool:
    """Return whether a date says when the record was created: "the latest jobs" are those posted last."""
    said = words.fold(words.spaced(f"{field_.name} {field_.label}")).split()
    return not set(said).isdisjoint(language.dates.fresh)


def _surnames(catalog: Catalog) -> dict[str, Candidate]:
    """Return the last words of the values of open fields with many values.

    Those are names, not kinds such as "First Class".
    """
    found: dict[str, list[ValueTarget]] = defaultdict(list)
    for field_ in catalog.fields:
        open_ = field_.type == "keyword" and not field_.closed and len(field_.values) >= MANY_VALUES
        for value in field_.values if open_ else ():
            norms = [token.norm for token in words.tokenize(value.value) if token.kind == "word"]
            if len(norms) > 1 and len(norms[-1]) > 3:
                found[norms[-1]].append(ValueTarget(field_, value.value))
    return {
        last: Candidate(targets[0], CONFIDENCE["fuzzy"], "fuzzy")
        for last, targets in found.items()
        if len(targets) == 1
    }


def _initials(catalog: Catalog) -> dict[str, tuple[Candidate, ...]]:
    """Return the initials that only one name has; if several fields have it, each may be meant."""
    found: dict[str, dict[Target, str]] = defaultdict(dict)
    for name, target in _names(catalog):
        parts = [part for part in name.split() if part[0].isalpha()]
        if 1 < len(parts) <= MOST_INITIALS:
            found["".join(part[0] for part in parts).upper()][target] = name
    return {
        initials: tuple(Candidate(target, CONFIDENCE["fuzzy"], "fuzzy") for target in islice(names, MAX_CANDIDATES))
        for initials, names in found.items()
        if len(set(names.values())) == 1
    }


def embeddable(catalog: Catalog) -> Mapping[str, tuple[Target, ...]]:
    """Return the phrases of a catalog worth embedding, with their meanings: fields first, up to `MAX_NAMES`."""
    found: dict[str, list[Target]] = {}
    for name, target in _names(catalog):
        if name in found or len(found) < MAX_NAMES:
            found.setdefault(name, []).append(target)
    return {name: tuple(targets) for name, targets in found.items()}


def _names(catalog: Catalog) -> Iterator[tuple[str, Target]]:
    for field_ in catalog.fields:
        yield field_.title, FieldTarget(field_)
        for synonym in field_.synonyms:
            yield synonym, FieldTarget(field_)
    for field_ in catalog.fields:
        for value in field_.values if field_.type in STRINGS else ():
            yield value.value, ValueTarget(field_, value.value)
            for synonym in value.synonyms:
                yield synonym, ValueTarget(field_, value.value)


def phrases(unknown: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Return the word groups worth embedding: up to three words of each run of words that nothing explains."""
    found: dict[str, None] = {}
    for words_ in unknown:
        for start in range(len(words_)):
            for length in range(1, min(MAX_PHRASE, len(words_) - start) + 1):
                found[" ".join(words_[start : start + length])] = None
    return tuple(found)[:MAX_PHRASES]


def phrase_of(tokens: Sequence[Token]) -> str:
    """Return tokens as the key of `Similar`."""
    return " ".join(token.norm for token in tokens)


@dataclass(frozen=True, eq=False)
class Nearness:
    """The similarity of phrases of a text to the names of a catalog, as cosines of their embeddings.

    `phrases` are the rows of `cosines`, shape (phrases, lexicon.names).
    """

    lexicon: Lexicon
    phrases: Mapping[str, int]
    cosines: NDArray[Any]

    @classmethod
    def of(
        cls, phrases: Sequence[str], vectors: NDArray[Any], name_vectors: NDArray[Any], lexicon: Lexicon
    ) -> "Nearness":
        """Compare phrases to names. `vectors` has a unit row per phrase, `name_vectors` one per `lexicon.names`."""
        return cls(lexicon, {phrase: row for row, phrase in enumerate(phrases)}, vectors @ name_vectors.T)

    @cached_property
    def clear(self) -> Similar:
        """The meanings of phrases that are clear without context.

        The confidence is how often a name so near, and so much nearer than that of any other target, is the right one.
        """
        found: dict[str, tuple[Candidate, ...]] = {}
        for phrase, row in self.phrases.items() if self.lexicon.names else ():
            cosines = self.cosines[row]
            nearest_first = np.argpartition(-cosines, min(20, len(cosines) - 1))[:20]
            order = nearest_first[np.argsort(-cosines[nearest_first])]
            targets = [self.lexicon.targets[i][:MAX_CANDIDATES] for i in order]
            best = targets[0]
            others = zip(order[1:], targets[1:], strict=True)
            rival = next((cosines[i] for i, meant in others if set(best).isdisjoint(meant)), 0.0)
            sure = _likelihood(float(cosines[order[0]]), float(cosines[order[0]] - rival))
            if sure >= MIN_LIKELIHOOD:
                confidence = round(sure / len(best), 3)
                found[phrase] = tuple(Candidate(target, confidence, "embedding") for target in best)
        return found

    def value(self, of: Field, phrase: str) -> Candidate | None:
        """Return the known value of the field that is nearest to a phrase, if it is near enough."""
        row, known = self.phrases.get(phrase), self.lexicon.values_of.get(of.name)
        if row is None or not known:
            return None
        places, targets = known
        cosines = self.cosines[row, places]
        nearest = int(cosines.argmax())
        cosine = float(cosines[nearest])
        return Candidate(targets[nearest], min(1.0, cosine), "embedding") if cosine >= MIN_NEAR else None


def _likelihood(cosine: float, margin: float) -> float:
    """Estimate how likely the nearest name is the right one, by the fit of `tools/calibrate_linking.py`."""
    return 1 / (1 + math.exp(4.31 - 5.24 * cosine - 11.0 * min(margin, MOST_MARGIN)))
