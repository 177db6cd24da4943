"""Sides: the choice between fields of one kind, such as origin and destination, or the first day and the last."""

from collections.abc import Sequence
from functools import lru_cache

from nlp2filters.core.catalog import Field
from nlp2filters.core.languages import Language
from nlp2filters.core.parser.row import Row
from nlp2filters.core.words import fold, spaced, stem

# This many items before and after the value are looked at.
BEFORE, AFTER = 5, 2


def choose(row: Row, at: int, fields: Sequence[Field]) -> Field | None:
    """Return the field that the words around the item refer to; None if they refer to none.

    A word of the field's own name counts most, then a nearby word of its side: "from", "returning".
    """
    if len(fields) < 2:
        return None
    near = [fold(word) for text in row.texts[max(0, at - BEFORE) : at] for word in text.split()]
    near += [fold(word) for text in row.texts[at + 1 : at + 1 + AFTER] for word in text.split()]
    stems = {stem(word, row.language.stemmer) for word in near}
    shared = frozenset.intersection(*(_words(field, row.language) for field in fields))
    told = [len((_words(field, row.language) - shared) & stems) for field in fields]
    if max(told) and told.count(max(told)) == 1:
        return fields[told.index(max(told))]
    side = _side(" ".join(fold(text) for text in row.texts[max(0, at - BEFORE) : at]), row.language)
    on_side = [field for field in fields if side and _on_side(field, side, row.language)]
    others = [field for field in fields if field not in on_side]
    return on_side[0] if on_side and others else None


def _side(before: str, language: Language) -> str | None:
    """Return the side that the words before name last."""
    last, found = -1, None
    for side, words in language.sides.items():
        for phrase in words.before:
            place = f" {before} ".rfind(f" {phrase} ")
            if place >= 0 and place + len(phrase) > last:
                last, found = place + len(phrase), side
    return found


@lru_cache(maxsize=4096)
def _on_side_of(name: str, side: str, stemmer: str, nouns: tuple[str, ...]) -> bool:
    words = {stem(fold(word), stemmer) for word in spaced(name).split()}
    return any(stem(noun, stemmer) in words for noun in nouns)


def _on_side(field: Field, side: str, language: Language) -> bool:
    nouns = language.sides[side].nouns
    return _on_side_of(f"{field.name} {field.label}", side, language.stemmer, nouns)


def _words(field: Field, language: Language) -> frozenset[str]:
    return _stems(f"{field.name} {field.label}", language.stemmer)


@lru_cache(maxsize=4096)
def _stems(name: str, stemmer: str) -> frozenset[str]:
    return frozenset(stem(fold(word), stemmer) for word in spaced(name).split() if len(word) > 2)
