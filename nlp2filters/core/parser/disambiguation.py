"""Disambiguation between fields of one kind by the words around a value.

Examples are origin and destination, or the first day and the last.
"""

from collections.abc import Sequence
from functools import lru_cache

from nlp2filters.core.catalog import Field
from nlp2filters.core.languages import Language
from nlp2filters.core.parser.sentence import Sentence
from nlp2filters.core.words import fold, spaced, stem

# This many chunks before and after the value are looked at.
BEFORE, AFTER = 5, 2
# Shorter words of a field's name do not tell it from another.
MIN_WORD = 3


def disambiguate(sentence: Sentence, at: int, fields: Sequence[Field]) -> Field | None:
    """Return the field that the words around the chunk refer to; None if they refer to none.

    A word of the field's own name counts most, then a nearby word of its side: "from", "returning".
    """
    if len(fields) < 2:
        return None
    return _by_own_words(sentence, at, fields) or _by_side(sentence, at, fields)


def _by_own_words(sentence: Sentence, at: int, fields: Sequence[Field]) -> Field | None:
    """Return the field most of whose own words, which not all the fields have in their names, are near the chunk."""
    stemmer = sentence.language.stemmer
    around = (*_before(sentence, at), *sentence.texts[at + 1 : at + 1 + AFTER])
    near = {stem(fold(word), stemmer) for text in around for word in text.split()}
    stems = [_stems(f"{field.name} {field.label}", stemmer) for field in fields]
    shared = frozenset.intersection(*stems)
    counts = [len((own - shared) & near) for own in stems]
    most = max(counts)
    return fields[counts.index(most)] if most and counts.count(most) == 1 else None


def _by_side(sentence: Sentence, at: int, fields: Sequence[Field]) -> Field | None:
    """Return the first field of the side that the words before name, unless all are of that side."""
    language = sentence.language
    side = _side(" ".join(fold(text) for text in _before(sentence, at)), language)
    on_side = [field for field in fields if side and _on_side(field, side, language)]
    return on_side[0] if on_side and len(on_side) < len(fields) else None


def _before(sentence: Sentence, at: int) -> Sequence[str]:
    return sentence.texts[max(0, at - BEFORE) : at]


def _side(before: str, language: Language) -> str | None:
    """Return the side that the words before name last."""
    last, last_side = -1, None
    for side, words in language.sides.items():
        for phrase in words.before:
            place = f" {before} ".rfind(f" {phrase} ")
            if place >= 0 and place + len(phrase) > last:
                last, last_side = place + len(phrase), side
    return last_side


def _on_side(field: Field, side: str, language: Language) -> bool:
    nouns = language.sides[side].nouns
    return _has_noun(f"{field.name} {field.label}", nouns, language.stemmer)


@lru_cache(maxsize=4096)
def _has_noun(name: str, nouns: tuple[str, ...], stemmer: str) -> bool:
    words = {stem(fold(word), stemmer) for word in spaced(name).split()}
    return any(stem(noun, stemmer) in words for noun in nouns)


@lru_cache(maxsize=4096)
def _stems(name: str, stemmer: str) -> frozenset[str]:
    return frozenset(stem(fold(word), stemmer) for word in spaced(name).split() if len(word) >= MIN_WORD)
