"""Languages: the words of each that the parser and the linker know, read from one data file per language."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Literal

from nlp2filters.core import words
from nlp2filters.core.languages.tables import Phrases, Tables, load
from nlp2filters.core.units import dimension
from nlp2filters.core.words import Token

Degree = Literal["base", "comparative", "superlative"]

_VOWELS = "aeiou"


@dataclass(frozen=True, slots=True)
class Said:
    """A phrase of the grammar, `length` tokens long. It may have several roles: `meanings` by kind."""

    length: int
    meanings: Mapping[str, str]


@dataclass(frozen=True)
class Language(Tables):
    """The tables of one language file, and their indexes; `region` is an ISO 3166 code, or empty."""

    region: str = ""

    @classmethod
    def read(cls, code: str, region: str = "") -> "Language":
        """Read the language of an ISO 639-1 code."""
        return cls(**vars(load(Path(__file__).parent / f"{code}.toml")), region=region)

    def tokenize(self, text: str) -> list[Token]:
        """Split a text in this language into tokens."""
        return words.tokenize(text, decimal=self.decimal_mark, stemmer=self.stemmer)

    @property
    def decimal_mark(self) -> str:
        """The mark before the fraction of a number in this region."""
        return self.decimal.by_region.get(self.region, self.decimal.mark)

    @cached_property
    def phrase_roles(self) -> Mapping[tuple[str, ...], Mapping[str, str]]:
        """The phrases of the grammar, as the folded words of their tokens, with the meaning in each of their roles."""
        roles: dict[tuple[str, ...], dict[str, str]] = defaultdict(dict)
        for role, meanings in self.grammar.items():
            for meaning, phrases in meanings.items():
                for phrase in phrases:
                    if norms := _norms(phrase):
                        roles[norms].setdefault(role, meaning)
        return dict(roles)

    @cached_property
    def _units(self) -> Mapping[tuple[str, ...], tuple[str, ...]]:
        """The spellings of units, each with every unit that it may stand for."""
        found: dict[tuple[str, ...], list[str]] = defaultdict(list)
        for unit, phrases in self.units.items():
            for phrase in phrases:
                found[_norms(phrase)].append(unit)
        return {phrase: tuple(units) for phrase, units in found.items()}

    @cached_property
    def _longest(self) -> Mapping[str, int]:
        longest: dict[str, int] = defaultdict(int)
        for phrase in (*self.phrase_roles, *self._units):
            longest[phrase[0]] = max(longest[phrase[0]], len(phrase))
        return dict(longest)

    @cached_property
    def _indexes(self) -> dict[int, Mapping[str, Sequence[tuple[str, list[str]]]]]:
        return {}

    def phrases(self, table: object, first: str) -> Sequence[tuple[str, list[str]]]:
        """Return the phrases of a table of lists that begin with the word `first`: the key and the words of each."""
        if id(table) not in self._indexes:
            index: dict[str, list[tuple[str, list[str]]]] = defaultdict(list)
            lists: Mapping[str, Phrases] = vars(table)
            for key, phrases in lists.items():
                for phrase in phrases:
                    words = phrase.split()
                    index[words[0]].append((key, words))
            self._indexes[id(table)] = dict(index)
        return self._indexes[id(table)].get(first, ())

    def match(self, tokens: Sequence[Token], at: int) -> Said | None:
        """Return the longest phrase of the grammar that begins at the token `at`.

        A phrase such as "and more" does not end a value if another value or "than" follows.
        """
        for phrase in self._phrases(tokens, at):
            meanings = self.phrase_roles.get(phrase)
            if meanings and not (meanings.keys() == {"bound"} and self._goes_on(tokens, at + len(phrase))):
                return Said(len(phrase), meanings)
        return None

    def _goes_on(self, tokens: Sequence[Token], at: int) -> bool:
        """Return whether a value or "than" follows: "and under $100", "or above the fifth floor"."""
        if (unit := self.unit(tokens, at)) and is_currency(unit[1][0]):
            at += unit[0]
        elif at < len(tokens) and tokens[at].norm in self.numbers.determiners:
            at += 1
        if at >= len(tokens):
            return False
        norm = tokens[at].norm
        counts = tokens[at].kind == "number" or norm in self.numbers.words or norm in self.numbers.ordinals
        return counts or "than" in self.phrase_roles.get((norm,), ())

    def unit(self, tokens: Sequence[Token], at: int) -> tuple[int, tuple[str, ...]] | None:
        """Return the longest name of a unit that begins at the token `at`: its length and the units that it may be."""
        for phrase in self._phrases(tokens, at):
            if units := self._units.get(phrase):
                return len(phrase), units
        return None

    def knows_unit(self, unit: str) -> bool:
        """Return whether the unit is in general use, or is a currency."""
        return _norms(unit) in self._units or is_currency(unit)

    def _phrases(self, tokens: Sequence[Token], at: int) -> Iterator[tuple[str, ...]]:
        if at >= len(tokens):
            return
        for length in range(min(self._longest.get(tokens[at].norm, 0), len(tokens) - at), 0, -1):
            yield tuple(token.norm for token in tokens[at : at + length])

    def dimension(self, unit: str | None) -> str | None:
        """Return the dimension of a catalog's unit, such as "[mass]"; None if it is unknown."""
        return dimension(self.canonical(unit)) if unit else None

    def canonical(self, unit: str) -> str:
        """Return the name that `units` gives to a catalog's unit; an unknown one stays as it is."""
        found = [name for name in self._units.get(_norms(unit), ()) if not is_currency(name)]
        return found[0] if found else unit

    def forms(self, adjective: str) -> Iterator[tuple[Degree, str]]:
        """Yield the forms of an adjective. Those with "more" and "most" are left to the grammar."""
        yield "base", adjective
        first, _, rest = adjective.partition(" ")
        tail = f" {rest}" if rest else ""
        if first in self.degrees:
            comparative, *superlatives = self.degrees[first]
            yield "comparative", comparative + tail
            for superlative in superlatives:
                yield "superlative", superlative + tail
        elif not rest and self.degree_endings:
            comparative, superlative = self.degree_endings
            yield "comparative", _inflected(first, comparative)
            yield "superlative", _inflected(first, superlative)


def is_currency(unit: str) -> bool:
    """Return whether a unit has the form of an ISO 4217 code."""
    return len(unit) == 3 and unit.isupper()


def _inflected(word: str, ending: str) -> str:
    if word.endswith("e"):
        return word + ending[1:]
    if word.endswith("y") and word[-2:-1] not in _VOWELS:
        return word[:-1] + "i" + ending
    if len(word) > 2 and word[-1] not in "aeiouwxy" and word[-2] in _VOWELS and word[-3] not in _VOWELS:
        return word + word[-1] + ending
    return word + ending


def _norms(phrase: str) -> tuple[str, ...]:
    return tuple(token.norm for token in words.tokenize(phrase))


LOCALES = r"(en|es)(-[A-Z]{2})?"
ENGLISH = Language.read("en")


@cache
def of(locale: str) -> Language:
    """Return the language of a locale of the form `LOCALES`, such as "es-MX"."""
    code, _, region = locale.partition("-")
    return ENGLISH if code == "en" else Language.read(code, region)
