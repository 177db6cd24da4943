"""Matching: the fields and values that words name, exactly or with a wrong letter."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from itertools import islice
from typing import TypeAlias

from rapidfuzz import process
from rapidfuzz.distance import OSA

from nlp2filters.core.budget import SPELLINGS_PER_STEP, Budget
from nlp2filters.core.catalog import Catalog, Field
from nlp2filters.core.interpretation import Source
from nlp2filters.core.languages import Language
from nlp2filters.core.linking.targets import (
    CONFIDENCE,
    AdjectiveTarget,
    Candidate,
    FieldTarget,
    Match,
    NounTarget,
    Target,
    ValueTarget,
)
from nlp2filters.core.linking.vocabulary import MIN_DISTINCTIVE_LENGTH, Entry, names
from nlp2filters.core.words import Token, fold, tokenize

# A phrase has at most this many targets of one kind, such as fields with the same label.
MAX_CANDIDATES = 16
# Shorter words, or words of a pair, must be spelled right.
MIN_CORRECTED_LENGTH, MIN_CORRECTED_PART_LENGTH = 4, 3
# A word of at least this many letters may have two wrong ones.
MIN_LENGTH_FOR_TWO_ERRORS = 8
# The spelling of shorter nouns is not corrected: they resemble too many words.
MIN_CORRECTED_NOUN_LENGTH = 7
# Each wrong letter but the first takes this much of the confidence.
CONFIDENCE_PER_ERROR = 0.1
# Up to so many words may be written as one of at least so many letters, and the reverse.
MAX_JOINED, MIN_JOINED_LENGTH = 3, 5
CONFIDENCE_OF_JOINED = 0.9
# An open field with at least this many values has names of people, not kinds such as "First Class".
MIN_VALUES_WITH_SURNAMES = 30
MIN_SURNAME_LENGTH = 4
MAX_INITIALS = 5

Key: TypeAlias = tuple[str, ...]

_NO_LENGTHS: frozenset[int] = frozenset()


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

    def __contains__(self, key: Key) -> bool:
        """Return whether the phrase has a meaning."""
        return key in self._targets

    def candidates(self) -> dict[Key, tuple[Candidate, ...]]:
        """Return the candidates of each phrase, in the order in which they were added."""
        return {key: tuple(targets.values()) for key, targets in self._targets.items()}


@dataclass(frozen=True, eq=False)
class PhraseIndex:
    """The candidates of each phrase, by its words and by their stems.

    `lengths` are those of the phrases that begin with a word. `crowded` are, by field, the values that the tables have
    no room for, because too many fields share the phrase. `by_joined` has the phrases of several words as one word.
    """

    by_norms: Mapping[Key, tuple[Candidate, ...]]
    by_stems: Mapping[Key, tuple[Candidate, ...]]
    lengths: Mapping[str, frozenset[int]]
    by_joined: Mapping[str, tuple[Candidate, ...]]
    crowded: Mapping[Key, Mapping[str, Candidate]]

    @classmethod
    def of(cls, entries: Iterable[Entry], language: Language, other_names: Iterable[Entry] = ()) -> "PhraseIndex":
        """Build the index of a vocabulary. Phrases without words, such as "?!", are left out.

        `other_names` count where they mean nothing else, and only one value of a field, or one field.
        """
        norm_meanings, stem_meanings = _Meanings(), _Meanings()
        for phrase, target, source in entries:
            if tokens := language.tokenize(phrase):
                norm_meanings.add(tuple(token.norm for token in tokens), target, source)
                stem_meanings.add(tuple(token.stem for token in tokens), target, source)
        for norms, stems, target, source in _distinct(other_names, language, stem_meanings):
            norm_meanings.add(norms, target, source)
            stem_meanings.add(stems, target, source)
        by_norms, by_stems = norm_meanings.candidates(), stem_meanings.candidates()
        lengths: dict[str, set[int]] = defaultdict(set)
        for key in (*by_norms, *by_stems):
            lengths[key[0]].add(len(key))
        return cls(
            by_norms=by_norms,
            by_stems=by_stems,
            lengths={word: frozenset(lengths_) for word, lengths_ in lengths.items()},
            by_joined=_joined(by_stems) | _joined(by_norms),
            crowded={**stem_meanings.crowded, **norm_meanings.crowded},
        )

    def joined(self, tokens: Sequence[Token], at: int) -> Match | None:
        """Return the phrase that is written as fewer or more words: "tshirts", "tool boxes"."""
        token = tokens[at]
        if candidates := self.by_joined.get(token.norm) or self.by_joined.get(token.stem):
            return _respelled(candidates, 1)
        following = tokens[at : at + MAX_JOINED]
        for length in range(len(following), 1, -1):
            parts = following[:length]
            if not all(part.kind == "word" for part in parts):
                continue
            start = "".join(part.norm for part in parts[:-1])
            for last, index in ((parts[-1].norm, self.by_norms), (parts[-1].stem, self.by_stems)):
                if len(start + last) >= MIN_JOINED_LENGTH and (candidates := index.get((start + last,), ())):
                    return _respelled(candidates, length)
        return None

    def match(self, tokens: Sequence[Token], at: int) -> Match | None:
        """Return the longest phrase that begins at the token `at`."""
        lengths = self.lengths.get(tokens[at].norm, _NO_LENGTHS) | self.lengths.get(tokens[at].stem, _NO_LENGTHS)
        if not lengths:
            return None
        following = tokens[at : at + max(lengths)]
        norms, stems = tuple(token.norm for token in following), tuple(token.stem for token in following)
        for length in sorted(lengths, reverse=True):
            if length > len(following):
                continue
            if candidates := self._candidates(norms[:length], stems[:length]):
                return Match(length, candidates)
        return None

    def _candidates(self, norms: Key, stems: Key) -> tuple[Candidate, ...]:
        exact, stemmed = self.by_norms.get(norms, ()), self.by_stems.get(stems, ())
        # The word "rated" names one field, but another one's "rating" may be meant.
        if exact:
            stemmed = tuple(candidate for candidate in stemmed if isinstance(candidate.target, FieldTarget))
        return tuple(dict.fromkeys((*exact, *stemmed)))

    def crowded_value(self, field: str, tokens: Sequence[Token]) -> Candidate | None:
        """Return the field's value that the words name, if the values of too many fields share that name."""
        for key in (tuple(token.norm for token in tokens), tuple(token.stem for token in tokens)):
            if candidate := self.crowded.get(key, {}).get(field):
                return candidate
        return None


def _distinct(
    other_names: Iterable[Entry], language: Language, meanings: _Meanings
) -> list[tuple[Key, Key, Target, Source]]:
    """Return the phrases that have no meaning yet, by words and by stems; those that mean one value, field or noun."""
    phrases: dict[Key, dict[object, list[tuple[Key, Key, Target, Source]]]] = defaultdict(lambda: defaultdict(list))
    for phrase, target, source in other_names:
        tokens = language.tokenize(phrase)
        stems = tuple(token.stem for token in tokens)
        if stems and stems not in meanings:
            owner = target.field if isinstance(target, ValueTarget) else type(target)
            phrases[stems][owner].append((tuple(token.norm for token in tokens), stems, target, source))
    by_field = (names for fields in phrases.values() for names in fields.values())
    return [name for names in by_field if len({target for _, _, target, _ in names}) == 1 for name in names]


def _joined(phrases: Mapping[Key, tuple[Candidate, ...]]) -> dict[str, tuple[Candidate, ...]]:
    joined = (("".join(key), candidates) for key, candidates in phrases.items() if 1 < len(key) <= MAX_JOINED)
    return {word: candidates for word, candidates in joined if len(word) >= MIN_JOINED_LENGTH}


def _respelled(candidates: Iterable[Candidate], length: int) -> Match:
    most = CONFIDENCE_OF_JOINED
    return Match(length, tuple(replace(c, confidence=min(most, c.confidence), source="fuzzy") for c in candidates))


@dataclass(frozen=True, eq=False)
class SpellingIndex:
    """The phrases that may be misspelled, by first letter and length."""

    spellings: Mapping[tuple[str, int], Mapping[str, Key]]
    phrases: PhraseIndex

    @classmethod
    def of(cls, phrases: PhraseIndex) -> "SpellingIndex":
        """Build the index of these phrases. Short ones, short nouns, and the language's adjectives are left out."""
        spellings: dict[tuple[str, int], dict[str, Key]] = defaultdict(dict)
        for norms, candidates in phrases.by_norms.items():
            spelling = " ".join(norms)
            is_noun = all(isinstance(candidate.target, NounTarget) for candidate in candidates)
            if all(isinstance(c.target, AdjectiveTarget) and c.source == "fuzzy" for c in candidates):
                # "Last few" is no misspelled "least new", nor is "wider" one of "widest".
                continue
            if len(spelling) >= (MIN_CORRECTED_NOUN_LENGTH if is_noun else MIN_DISTINCTIVE_LENGTH):
                spellings[spelling[0], len(spelling)].setdefault(spelling, norms)
        return cls(dict(spellings), phrases)

    def match(self, tokens: Sequence[Token], at: int, budget: Budget) -> Match | None:
        """Return the phrase that one or two tokens misspell, two before one."""
        for length in (2, 1):
            spelling = _correctable(tokens[at : at + length], length)
            nearest = self._nearest(spelling, budget) if spelling else None
            if nearest:
                norms, errors = nearest
                most = CONFIDENCE["fuzzy"] - CONFIDENCE_PER_ERROR * (errors - 1)
                candidates = self.phrases.by_norms[norms]
                return Match(length, tuple(Candidate(c.target, min(most, c.confidence), "fuzzy") for c in candidates))
        return None

    def _nearest(self, spelling: str, budget: Budget) -> tuple[Key, int] | None:
        """Return the phrase that differs least, and in how many letters: one, or two if it is long.

        The first letter must be right.
        """
        most = 1 if len(spelling) < MIN_LENGTH_FOR_TWO_ERRORS else 2
        nearest: tuple[Key, int] | None = None
        for more in (0, -1, 1, -2, 2)[: 1 + 2 * most]:
            spellings = self.spellings.get((spelling[0], len(spelling) + more))
            if not spellings:
                continue
            budget.spend(1 + len(spellings) // SPELLINGS_PER_STEP)
            if similar := process.extractOne(spelling, spellings.keys(), scorer=OSA.distance, score_cutoff=most):
                nearest, most = (spellings[similar[0]], int(similar[1])), int(similar[1]) - 1
        return nearest


def _correctable(tokens: Sequence[Token], length: int) -> str | None:
    """Return the spelling of so many words, if they are long enough to be corrected."""
    if len(tokens) < length or any(token.kind != "word" for token in tokens):
        return None
    spelling = " ".join(token.norm for token in tokens)
    if length > 1 and min(len(token.norm) for token in tokens) < MIN_CORRECTED_PART_LENGTH:
        return None
    return spelling if len(spelling) >= MIN_CORRECTED_LENGTH else None


class ValueWords:
    """The known values of each field by the words in them. A field's table is built when it is first needed."""

    def __init__(self) -> None:
        self._tables: dict[str, Mapping[str, set[int]]] = {}

    def only_value(self, field: Field, words: Set[str], budget: Budget) -> str | None:
        """Return the value that has all the words, if exactly one has."""
        table = self._table(field)
        groups = sorted((table.get(word, set()) for word in words), key=len)
        if not groups:
            return field.values[0].value if len(field.values) == 1 else None
        budget.spend(len(groups[0]))
        places = groups[0].intersection(*groups[1:])
        return field.values[min(places)].value if len(places) == 1 else None

    def _table(self, field: Field) -> Mapping[str, set[int]]:
        if field.name not in self._tables:
            places: dict[str, set[int]] = defaultdict(set)
            for at, value in enumerate(field.values):
                for word in fold(value.value).split():
                    places[word].add(at)
            self._tables[field.name] = dict(places)
        return self._tables[field.name]


def surnames(catalog: Catalog) -> dict[str, Candidate]:
    """Return the last words of only one value of the open fields whose values are names."""
    owners: dict[str, list[ValueTarget]] = defaultdict(list)
    for field in filter(_holds_names, catalog.fields):
        for value in field.values:
            norms = [token.norm for token in tokenize(value.value) if token.kind == "word"]
            if len(norms) > 1 and len(norms[-1]) >= MIN_SURNAME_LENGTH:
                owners[norms[-1]].append(ValueTarget(field, value.value))
    return {
        last: Candidate(targets[0], CONFIDENCE["fuzzy"], "fuzzy")
        for last, targets in owners.items()
        if len(targets) == 1
    }


def _holds_names(field: Field) -> bool:
    return field.type == "keyword" and not field.closed and len(field.values) >= MIN_VALUES_WITH_SURNAMES


def initials(catalog: Catalog) -> dict[str, tuple[Candidate, ...]]:
    """Return the initials that only one name of several words has; if several fields have it, each may be meant."""
    owners: dict[str, dict[Target, str]] = defaultdict(dict)
    for name, target in names(catalog):
        parts = [part for part in name.split() if part[0].isalpha()]
        if 1 < len(parts) <= MAX_INITIALS:
            owners["".join(part[0] for part in parts).upper()][target] = name
    return {
        letters: tuple(Candidate(target, CONFIDENCE["fuzzy"], "fuzzy") for target in islice(targets, MAX_CANDIDATES))
        for letters, targets in owners.items()
        if len(set(targets.values())) == 1
    }
