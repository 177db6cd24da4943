"""Disambiguation between fields of one kind by the words around a value.

Examples are origin and destination, or the first day and the last.
"""

from collections.abc import Mapping, Sequence, Set
from functools import lru_cache

from nlp2filters.core import field_words
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
    side_words = {words[0] for words in _sides(sentence.language) if len(words) == 1}
    around = (*_before(sentence, at), *sentence.texts[at + 1 : at + 1 + AFTER])
    # A word such as "from" may belong to another value, unless it is right behind this one: "the May 5 return".
    return (
        _by_own_words(sentence, around, fields, without=side_words)
        or _by_side(sentence, at, fields)
        or _by_own_words(sentence, sentence.texts[at + 1 : at + 2], fields)
    )


def side_before(sentence: Sentence, at: int, fields: Sequence[Field]) -> Field | None:
    """Return the only field of the side that the words right before the chunk name: "to the airport"."""
    language = sentence.language
    words = _stems(" ".join(_before(sentence, at)), language)
    while words and words[-1] in _article_stems(language):
        words = words[:-1]
    side = _side_at_end(words, language)
    on_side = [field for field in fields if side and _on_side(field, side, language)]
    return on_side[0] if len(on_side) == 1 < len(fields) else None


def start_of_side(sentence: Sentence, at: int) -> int:
    """Return where the words before the chunk that name a side begin, if they mean nothing else: "dropped off at"."""
    words = {word for phrase in _sides(sentence.language) for word in phrase}
    start = place = at
    while place > max(0, at - BEFORE):
        place -= 1
        names_side = not words.isdisjoint(_stems(sentence.texts[place], sentence.language))
        if names_side and sentence.chunks[place].is_unknown:
            start = place
        elif not sentence.chunks[place].is_stopword:
            break
    return start


def both_sides(first: Sequence[Field], last: Sequence[Field], language: Language) -> tuple[Field, Field] | None:
    """Return the fields of A and B in "from A to B", of those that have A and of those that have B.

    They are two sides of one thing: of the zones in which one is picked up and dropped off.
    """
    starts, ends = (
        [field for field in fields if _on_side(field, side, language) and not _on_side(field, other, language)]
        for fields, side, other in ((first, "from", "to"), (last, "to", "from"))
    )
    pairs = ((start, end) for start in starts for end in ends)
    return next((pair for pair in pairs if len({_kind(field, language) for field in pair}) == 1), None)


def _by_own_words(
    sentence: Sentence, around: Sequence[str], fields: Sequence[Field], *, without: Set[str] = frozenset()
) -> Field | None:
    """Return the field with most of its own words, which not all the fields have in their names, around a value."""
    language = sentence.language
    near = {*_stems(" ".join(around), language)} - without
    own = [{word for word in _words_of(field, language) if len(word) >= MIN_WORD} for field in fields]
    shared = set.intersection(*own)
    counts = [len((words - shared) & near) for words in own]
    most = max(counts)
    return fields[counts.index(most)] if most and counts.count(most) == 1 else None


def _by_side(sentence: Sentence, at: int, fields: Sequence[Field]) -> Field | None:
    """Return the first field of the side that the words before name last, unless all are of that side."""
    language = sentence.language
    words = _stems(" ".join(_before(sentence, at)), language)
    sides = (_side_at_end(words[:end], language) for end in range(len(words), 0, -1))
    side = next(filter(None, sides), None)
    on_side = [field for field in fields if side and _on_side(field, side, language)]
    return on_side[0] if on_side and len(on_side) < len(fields) else None


def _before(sentence: Sentence, at: int) -> Sequence[str]:
    return sentence.texts[max(0, at - BEFORE) : at]


def _side_at_end(words: tuple[str, ...], language: Language) -> str | None:
    """Return the side that the last words name: "picked up in" is one side, although "in" alone may be the other."""
    sides = _sides(language)
    longest = max(map(len, sides), default=0)
    own = next((sides[words[-length:]] for length in range(longest, 0, -1) if words[-length:] in sides), None)
    if own != "from" and len(words) > 1 and words[-1] in language.names.weak:
        return _side_at_end(words[:-1], language) or own
    return own


@lru_cache(maxsize=64)
def _sides(language: Language) -> Mapping[tuple[str, ...], str]:
    """Return the side of each phrase before a value, by the stems of its words."""
    return {_stems(phrase, language): side for side, words in language.sides.items() for phrase in words.before}


@lru_cache(maxsize=64)
def _article_stems(language: Language) -> frozenset[str]:
    return frozenset(stem(word, language.stemmer) for word in language.names.articles)


def _on_side(field: Field, side: str, language: Language) -> bool:
    return not _nouns(side, language).isdisjoint(_words_of(field, language))


def _kind(field: Field, language: Language) -> frozenset[str]:
    """Return the words of a name that are of no side: "zone" of "pickup_zone"."""
    return _words_of(field, language) - _nouns("from", language) - _nouns("to", language)


@lru_cache(maxsize=64)
def _nouns(side: str, language: Language) -> frozenset[str]:
    return frozenset(stem(noun, language.stemmer) for noun in language.sides[side].nouns)


def _words_of(field: Field, language: Language) -> frozenset[str]:
    return frozenset(_stems(field_words.spelled_out(field), language))


@lru_cache(maxsize=4096)
def _stems(text: str, language: Language) -> tuple[str, ...]:
    """Return the stem of each word of a text."""
    return tuple(stem(fold(word), language.stemmer) for word in spaced(text).split())
