"""Spans of time: "3 days", "a year and a half", "a couple of weeks", "24 hours"."""

from dataclasses import dataclass

from nlp2filters.core.filters import ClockUnit, Unit
from nlp2filters.core.languages import Language
from nlp2filters.core.parser import quantities
from nlp2filters.core.parser.cursor import TokenCursor, read_once

# A span has at most so many units.
MAX_COUNT = 9999

_UNITS: tuple[Unit | ClockUnit, ...] = ("second", "minute", "hour", "day", "week", "month", "year")
# The smaller unit in which a fraction is counted, and how many there are.
_SMALLER: dict[str, tuple[int, Unit | ClockUnit]] = {
    "year": (12, "month"),
    "quarter": (3, "month"),
    "month": (30, "day"),
    "week": (7, "day"),
    "day": (24, "hour"),
    "hour": (60, "minute"),
    "minute": (60, "second"),
}


@dataclass(frozen=True, slots=True)
class Span:
    """So many units of time, and the number of tokens that say it."""

    count: int
    unit: Unit | ClockUnit
    length: int


@read_once
def read(cursor: TokenCursor) -> Span | None:
    """Read the span that begins at the cursor; a unit needs a number, or "a", before it."""
    token = cursor.token()
    if token is None or (token.kind == "word" and not _may_count(cursor.language, token.norm)):
        return None
    return _counted(cursor) or _measured(cursor)


def _may_count(language: Language, word: str) -> bool:
    """Return false for words with which no number begins."""
    numbers = language.numbers
    if word in numbers.one or word in numbers.scales or language.number(word) is not None:
        return True
    return numbers.quantifiers.begins(word) or language.dates.counts.begins(word)


def unit(cursor: TokenCursor, offset: int = 0) -> Span | None:
    """Read the name of a unit as one of it, and "decade" as ten years."""
    norm = cursor.norm(offset)
    if calendar_unit := cursor.language.unit_of_time(norm):
        return Span(1, calendar_unit, 1)
    if multiple := cursor.language.dates.multiples.get(norm):
        return Span(*multiple, 1)
    if names := cursor.unit(offset):
        return next((Span(1, name, names[1]) for name in _UNITS if name in names[0]), None)
    return None


def _counted(cursor: TokenCursor) -> Span | None:
    few = cursor.phrase(cursor.language.dates.counts)
    number = few[0] if few else cursor.count()
    length = few[1] if few else 1
    following = unit(cursor, length) if number is not None else None
    if number is None or following is None or _goes_on(cursor, length + following.length):
        return None
    return Span(number * following.count, following.unit, length + following.length)


def _goes_on(cursor: TokenCursor, offset: int) -> bool:
    """Return whether the number has a half behind its unit: "a year and a half"."""
    return cursor.phrase_length(cursor.language.numbers.and_part, offset) > 0


def _measured(cursor: TokenCursor) -> Span | None:
    quantity = quantities.read(cursor)
    if quantity is None or quantity.per or not 0 <= quantity.value <= MAX_COUNT:
        return None
    for name in _UNITS:
        if name in quantity.units:
            count, measured = _whole(quantity.value, name)
            return Span(count, measured, quantity.length)
    return None


def _whole(count: int | float, name: Unit | ClockUnit) -> tuple[int, Unit | ClockUnit]:
    """Return a fraction of a unit in a smaller one: 1.5 years are 18 months."""
    if isinstance(count, int) or name not in _SMALLER:
        return round(count), name
    times, smaller = _SMALLER[name]
    return round(count * times), smaller
