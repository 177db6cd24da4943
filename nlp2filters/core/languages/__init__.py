"""Languages: the words of each that the parser and the linker know, read from one data file per language."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property, lru_cache
from typing import Literal

from nlp2filters.core import words
from nlp2filters.core.filters import Unit
from nlp2filters.core.languages.brackets import Brackets
from nlp2filters.core.languages.numerals import Compounds
from nlp2filters.core.languages.phrases import PhraseTable
from nlp2filters.core.languages.tables import Tables, load
from nlp2filters.core.locales import FOLDER
from nlp2filters.core.units import dimension
from nlp2filters.core.words import Token

Degree = Literal["base", "comparative", "superlative"]

# Money in any currency, by its code in ISO 4217: "a grand".
ANY_CURRENCY = "XXX"


@dataclass(frozen=True, slots=True)
class PhraseMatch:
    """A phrase of the grammar, `length` tokens long. It may have several roles: `meanings` by kind."""

    length: int
    meanings: Mapping[str, str]


@dataclass(frozen=True, eq=False)
class Language(Tables):
    """The tables of one language file, and their indexes; `region` is an ISO 3166 code, or empty."""

    region: str = ""

    @classmethod
    def read(cls, code: str, region: str = "") -> "Language":
        """Read the language of an ISO 639-1 code."""
        return cls(**vars(load(FOLDER / f"{code}.toml")), region=region)

    def tokenize(self, text: str) -> list[Token]:
        """Split a text in this language into tokens."""
        tokens = words.tokenize(
            text, decimal=self.decimal_mark, stemmer=self.stemmer, dotted_dates="." in self.dates.numeric
        )
        tokens = [self._with_singular(token) for token in tokens]
        return self._brackets.replace(tokens) if self.brackets else tokens

    def _with_singular(self, token: Token) -> Token:
        """Stem a plural such as "women" like its singular."""
        singular = _singular(token.norm, self) if token.kind == "word" else None
        return replace(token, stem=words.stem(singular, self.stemmer)) if singular else token

    @cached_property
    def _brackets(self) -> Brackets:
        return Brackets(self.brackets, self.stemmer, self._ends_part)

    def _ends_part(self, token: Token) -> bool:
        """Return true for what ends a part of a sentence: a mark, or a word such as "and"."""
        return token.kind == "symbol" or "junction" in self.phrase_roles.get((token.norm,), ())

    @property
    def decimal_mark(self) -> str:
        """The mark before the fraction of a number in this region."""
        return self.decimal.by_region.get(self.region, self.decimal.mark)

    def number(self, word: str) -> int | float | None:
        """Return the number that a word is."""
        value = self.numbers.words.get(word)
        return _compound_number(word, self) if value is None and self.numbers.parts else value

    def may_begin_date(self, word: str) -> bool:
        """Return false for words with which no date and no time of day begins."""
        return word in self.temporal or (bool(self.numbers.parts) and self.number(word) is not None)

    @cached_property
    def _compound_numbers(self) -> Compounds:
        return Compounds(self.numbers)

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
    def _phrases(self) -> PhraseTable[Mapping[str, str]]:
        """The same, to find them in a text."""
        return PhraseTable((" ".join(phrase), roles) for phrase, roles in self.phrase_roles.items())

    @cached_property
    def _units(self) -> Mapping[tuple[str, ...], tuple[str, ...]]:
        """The spellings of units, each with every unit that it may stand for."""
        names: dict[tuple[str, ...], list[str]] = defaultdict(list)
        for unit, phrases in self.units.items():
            for phrase in phrases:
                names[_norms(phrase)].append(unit)
        return {phrase: tuple(units) for phrase, units in names.items()}

    @cached_property
    def _phrases_of_units(self) -> PhraseTable[tuple[str, ...]]:
        """The same, to find them in a text."""
        return PhraseTable((" ".join(phrase), units) for phrase, units in self._units.items())

    def match(self, tokens: Sequence[Token], at: int) -> PhraseMatch | None:
        """Return the longest phrase of the grammar that begins at the token `at`.

        A phrase such as "and more" does not end a value if another value or "than" follows.
        """
        for meanings, length in self._phrases.matches(tokens, at):
            if not (meanings.keys() == {"bound"} and self._goes_on(tokens, at + length)):
                return PhraseMatch(length, meanings)
        return None

    def _goes_on(self, tokens: Sequence[Token], at: int) -> bool:
        """Return whether a value or "than" follows: "and under $100", "or above the fifth floor"."""
        if (unit := self.unit(tokens, at)) and is_currency(unit[0][0]):
            at += unit[1]
        elif at < len(tokens) and tokens[at].norm in self.numbers.determiners:
            at += 1
        if at >= len(tokens):
            return False
        norm = tokens[at].norm
        counts = tokens[at].kind == "number" or self.number(norm) is not None or norm in self.numbers.ordinals
        return counts or "than" in self.phrase_roles.get((norm,), ())

    def unit(self, tokens: Sequence[Token], at: int) -> tuple[tuple[str, ...], int] | None:
        """Return the units that the longest name of one at the token `at` may stand for, and its length."""
        return self._phrases_of_units.longest(tokens, at)

    def knows_unit(self, unit: str) -> bool:
        """Return whether the unit is in general use, or is a currency."""
        return _norms(unit) in self._units or is_currency(unit)

    def unit_of_time(self, word: str) -> Unit | None:
        """Return the calendar unit of a word: "week", "years"."""
        return self._units_of_time.get(word)

    @cached_property
    def _units_of_time(self) -> Mapping[str, Unit]:
        return {word: unit for unit, words in self.dates.periods.items() for word in words}

    def dimension(self, unit: str | None) -> str | None:
        """Return the dimension of a catalog's unit, such as "[mass]"; None if it is unknown."""
        return dimension(self.canonical(unit)) if unit else None

    def canonical(self, unit: str) -> str:
        """Return the name that `units` gives to a catalog's unit; an unknown one stays as it is."""
        names = (name for name in self._units.get(_norms(unit), ()) if not is_currency(name))
        return next(names, unit)

    @cached_property
    def comparatives(self) -> Mapping[str, tuple[tuple[str, bool], ...]]:
        """The comparatives of adjectives for the ends of measures: each with the measures, and true for the high end.

        "Longer" is the high end of length and of duration.
        """
        return self._ends_of_measures("comparative")

    @cached_property
    def gradable(self) -> Mapping[str, tuple[tuple[str, bool], ...]]:
        """The same for the base forms, which "more" or "less" comes before."""
        return self._ends_of_measures("base")

    def _ends_of_measures(self, degree: Degree) -> Mapping[str, tuple[tuple[str, bool], ...]]:
        ends: dict[str, dict[tuple[str, bool], None]] = defaultdict(dict)
        for measure, words_ in self.measures.items():
            for high, adjectives in ((False, words_.low), (True, words_.high)):
                for adjective in adjectives:
                    for degree_, form in self.forms(adjective):
                        if degree_ == degree:
                            ends[form][measure, high] = None
        return {form: tuple(measures) for form, measures in ends.items()}

    @cached_property
    def ranks(self) -> Mapping[str, Mapping[str, int]]:
        """The place of each value in the scales that people know, from the least."""
        return {
            name: {value: rank for rank, equals in enumerate(scale) for value in equals}
            for name, scale in self.scales.items()
        }

    def forms(self, adjective: str) -> Iterator[tuple[Degree, str]]:
        """Yield the forms of an adjective. Those with "more" and "most" are left to the grammar."""
        first, _, rest = adjective.partition(" ")
        tail = f" {rest}" if rest else ""
        comparatives, superlatives = self._degrees(first, regular=not rest)
        comparatives, superlatives = self._inflected(comparatives), self._inflected(superlatives)
        for base in self._inflected([first]):
            if base not in comparatives:
                yield "base", base + tail
        yield from (("comparative", form + tail) for form in comparatives)
        yield from (("superlative", form + tail) for form in superlatives)

    def _degrees(self, word: str, *, regular: bool) -> tuple[Sequence[str], Sequence[str]]:
        """Return the comparatives and the superlatives of a word, without inflection."""
        if irregular := self.degrees.irregular.get(words.fold(word)):
            return irregular[:1], irregular[1:]
        if not regular:
            return (), ()
        comparatives = [self._with_ending(word, ending) for ending in self.degrees.comparative]
        return comparatives, [self._with_ending(word, ending) for ending in self.degrees.superlative]

    def _inflected(self, words: Sequence[str]) -> Sequence[str]:
        return [self._with_ending(word, ending) for word in words for ending in self.degrees.inflections]

    def with_ending(self, word: str, ending: str) -> Iterator[str]:
        """Yield the spellings of a word with an ending: as they are, and as in the degrees of adjectives."""
        yield from dict.fromkeys((word + ending, self._with_ending(word, ending)))

    def _with_ending(self, word: str, ending: str) -> str:
        for pattern, replacement in self.degrees.spelling if ending else ():
            if pattern.search(word):
                return pattern.sub(replacement, word) + ending
        return word + ending


def is_currency(unit: str) -> bool:
    """Return whether a unit has the form of an ISO 4217 code."""
    return len(unit) == 3 and unit.isupper()


def _norms(phrase: str) -> tuple[str, ...]:
    return tuple(token.norm for token in words.tokenize(phrase))


@lru_cache(maxsize=16_384)
def _singular(word: str, language: Language) -> str | None:
    """Return the singular of a plural that the stemmer does not know."""
    if word in language.singulars.words:
        return language.singulars.words[word]
    endings = ((pattern, replacement) for pattern, replacement in language.singulars.endings if pattern.search(word))
    return next((pattern.sub(replacement, word) for pattern, replacement in endings), None)


@lru_cache(maxsize=16_384)
def _compound_number(word: str, language: Language) -> int | float | None:
    return language._compound_numbers.value(word)


ENGLISH = Language.read("en")


@cache
def of(locale: str) -> Language:
    """Return the language of a locale of the form `locales.LOCALES`, such as "es-MX"."""
    code, _, region = locale.partition("-")
    return ENGLISH if code == "en" and region not in ENGLISH.dates.order_by_region else Language.read(code, region)
