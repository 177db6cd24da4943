"""Values: a quantity or a date of the text as a field holds it, and the test that a comparison makes of it."""

import datetime as dt
import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal, cast

from nlp2filters.core import field_words, measures, units
from nlp2filters.core.catalog import NUMERIC, Field
from nlp2filters.core.filters import (
    Between,
    ClockUnit,
    Comparison,
    Leaf,
    Not,
    Relative,
    RelativeDate,
    RelativeInstant,
    Scalar,
    Unit,
    negate,
)
from nlp2filters.core.languages import Language
from nlp2filters.core.parser import dates, quantities
from nlp2filters.core.parser.chunker import Chunk
from nlp2filters.core.parser.dates import FIRST_YEAR, LAST_YEAR, Period
from nlp2filters.core.parser.quantities import FIRST_LIKELY_YEAR, LAST_LIKELY_YEAR, Quantity

Relation = Literal["<", "<=", ">", ">=", "=", "<>", "~", "within", "before", "after", "since", "until"]
# What follows a value: "or more", "or later", "or older".
Bound = Literal["<=", ">=", "since", "until", "older", "newer", "worse"]
# Relations that words for time alone express.
OF_TIME: frozenset[Relation] = frozenset({"before", "after", "since", "until"})

# An age in days, weeks, months or years is at most this.
MAX_AGE = 1000
# "Around 50" is 45 to 55.
TOLERANCE = 0.1
# "Around" a day is at least this many days on both sides.
MIN_TOLERANCE_DAYS = 7
TIME_TOLERANCE = dt.timedelta(minutes=30)

# Half of a unit: the smaller unit, and how many of it.
_HALVES: dict[str, tuple[ClockUnit, int]] = {"hour": ("minute", 30), "minute": ("second", 30)}
_CLOCK_UNITS: tuple[ClockUnit, ...] = ("minute", "hour")
_AGE_UNITS: tuple[Unit, ...] = ("day", "week", "month", "year")
_RELATIONS: dict[str, Literal["<", "<=", ">", ">="]] = {"before": "<", "until": "<=", "after": ">", "since": ">="}
_FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


@dataclass(frozen=True, slots=True)
class Range:
    """A value in a field: `low` to `high`, which are the same for a number and for a day."""

    low: Scalar
    high: Scalar


def in_field(
    chunk: Chunk, field: Field, language: Language, today: dt.date, *, looks_back: bool = False
) -> Range | None:
    """Return the chunk's value as the field would hold it, or None if it cannot.

    `looks_back`: the text says that it has happened, so that "Monday" is a past one.
    """
    if field.type in ("date", "datetime"):
        return _in_date(chunk, field, language, today, looks_back=looks_back)
    if field.type == "time":
        return Range(chunk.clock.time, chunk.clock.time) if chunk.clock else None
    if field.type in NUMERIC and not chunk.clock:
        return _in_number(chunk, field, language, today)
    return None


def _in_number(chunk: Chunk, field: Field, language: Language, today: dt.date) -> Range | None:
    if chunk.period:
        years = chunk.period.in_years(today) if is_year(field, language) else None
        return Range(*years) if years else None
    quantity = chunk.quantity
    if not quantity:
        return None
    if age(chunk) == "year" and is_year(field, language):
        year = today.year - round(quantity.value)
        return Range(year, year)
    value = quantities.fit(quantity, field, language)
    if value is None and measures.lacks_unit(field, quantity.units, language):
        value = _in_unknown_unit(quantity, field, language)
    if value is None:
        return None
    return Range(value, value if quantity.high is None else quantity.high)


def _in_unknown_unit(quantity: Quantity, field: Field, language: Language) -> int | float:
    """Return the number as it is, or in the usual unit if only that is among the data: "1 TB" in a field of GB."""
    if unit := measures.unit_in_name(field, language):
        converted = (units.convert(quantity.value, name, unit) for name in quantity.units)
        return next((number for number in converted if number is not None), quantity.value)
    usual = measures.in_usual_unit(quantity.value, quantity.units, field, language)
    if usual is None or reaches(field, Range(quantity.value, quantity.value)):
        return quantity.value
    return usual if reaches(field, Range(usual, usual)) is not False else quantity.value


def _in_date(chunk: Chunk, field: Field, language: Language, today: dt.date, *, looks_back: bool) -> Range | None:
    if period := chunk.period:
        period = _in_direction(period, field, language, today, looks_back=looks_back)
        period = period.in_days() if field.type == "date" else period
        return Range(period.low, period.high)
    if chunk.clock:
        instant = RelativeInstant(0, "day", chunk.clock.time)
        return Range(instant, instant) if field.type == "datetime" else None
    quantity = chunk.quantity
    if quantity is None or not isinstance(quantity.value, int):
        return None
    if quantity.whole and not quantity.scaled and (year := dates.year(quantity.value, 1)):
        return Range(year.low, year.high)
    sign = 1 if is_ahead(field, language) else -1
    if (unit := age(chunk)) and quantity.value <= MAX_AGE:
        day = RelativeDate(sign * quantity.value, unit)
        return Range(day, day)
    if field.type == "datetime" and (clock_unit := next((u for u in _CLOCK_UNITS if u in quantity.units), None)):
        instant = RelativeInstant(sign * quantity.value, clock_unit)
        return Range(instant, instant)
    return None


def _in_direction(period: Period, field: Field, language: Language, today: dt.date, *, looks_back: bool) -> Period:
    """Return a period that comes again ("Monday", "the 14th", "April") on the side of today that suits the field."""
    if period.either_side:
        return period.mirrored() if is_ahead(field, language) else period
    if not period.every:
        return period
    if is_ahead(field, language):
        while period.is_over(today):
            period = period.moved(1)
    elif period.is_ahead(today) and not period.deadline and (looks_back or is_past(field, language)):
        return period.moved(-1)
    return period


def holds_years(field: Field, language: Language) -> bool:
    """Return whether a year can be asked of the field: it holds dates, or years."""
    return field.type in ("date", "datetime") or is_year(field, language)


def age(chunk: Chunk) -> Unit | None:
    """Return the calendar unit of a quantity such as "10 years"."""
    possible = chunk.quantity.units if chunk.quantity else ()
    return next((unit for unit in _AGE_UNITS if unit in possible), None)


def is_ahead(field: Field, language: Language) -> bool:
    """Return whether the dates of a field mostly lie in the future, as deadlines do."""
    return not field_words.words(field).isdisjoint(language.dates.ahead)


def is_past(field: Field, language: Language) -> bool:
    """Return whether the dates of a field lie in the past, as those of events that have happened do."""
    return not field_words.words(field).isdisjoint(language.dates.past)


def is_year(field: Field, language: Language) -> bool:
    """Return whether a numeric field holds calendar years: its name says so, or all the data seen look like it."""
    if field.type != "integer":
        return False
    is_called_year = not field_words.words(field).isdisjoint(language.dates.periods["year"])
    low, high = field.minimum, field.maximum
    if isinstance(low, int) and isinstance(high, int):
        return FIRST_YEAR <= low <= high <= LAST_YEAR and (is_called_year or low >= FIRST_LIKELY_YEAR)
    return is_called_year


def looks_like_year(chunk: Chunk) -> bool:
    """Return whether a bare number may be a year: whole, of four digits, without a scale such as "thousand"."""
    quantity = chunk.quantity
    if quantity is None or not quantity.whole or quantity.scaled:
        return False
    return FIRST_LIKELY_YEAR <= quantity.value <= LAST_LIKELY_YEAR


def test(relation: Relation, field: Field, value: Range) -> Leaf | Not:
    """Return the test of a relation: "after 2005" is after its last day, "before 2005" before its first."""
    low, high = value.low, value.high
    match relation:
        case "=" if field.type == "integer" and isinstance(low, float):
            # The value was converted from another unit.
            return Between(field.name, math.floor(low), math.ceil(low))
        case "=" if isinstance(low, RelativeInstant):
            return _around_instant(field, low, high)
        case "=":
            return Comparison("=", field.name, low) if low == high else Between(field.name, low, high)
        case "<>":
            return negated(test("=", field, value))
        case "within":
            return Comparison("<=", field.name, high) if field.type in NUMERIC else test("=", field, value)
        case "~" if field.type == "time":
            # A time of day is meant exactly: "around 8 pm".
            return Comparison("=", field.name, low)
        case "~":
            return Between(field.name, *_around(low, high, field))
    operator = _RELATIONS.get(relation, relation)
    bound = low if operator in ("<", ">=") else high
    return Comparison(operator, field.name, bound)  # type: ignore[arg-type]  # only these four are left


def _around_instant(field: Field, low: RelativeInstant, high: Scalar) -> Leaf:
    """Return the test of "3 hours ago", which is half an hour around it; "the last 3 hours" have no end."""
    if isinstance(high, RelativeInstant) and high.offset == 0 and not high.time:
        return Comparison(">=", field.name, low)
    if low != high:
        return Between(field.name, low, high)
    half = _HALVES.get(low.unit)
    if low.time or not half:
        return Comparison("=", field.name, low)
    unit, count = half
    return Between(field.name, *(RelativeInstant(2 * count * low.offset + side, unit) for side in (-count, count)))


def counts_from_now(period: Period) -> bool:
    """Return whether the period has several days or hours before or after now: "the last 3 months"."""
    return period.low != period.high and isinstance(period.high, Relative)


def up_to_now(value: Range) -> Range:
    """Return the range between now and a day or instant before or after it."""
    low = value.low
    if not isinstance(low, Relative):
        return value
    now = RelativeInstant(0, low.unit) if isinstance(low, RelativeInstant) else RelativeDate(0, "day")
    return Range(low, now) if low.offset < 0 else Range(now, low)


def is_ahead_of_now(value: Range) -> bool:
    """Return whether the value lies so many days or hours after now."""
    return isinstance(value.low, Relative) and value.low.offset > 0


def flipped(relation: Relation) -> Relation:
    """Return the relation seen from the other side: "less than 2 years old" is after that day."""
    operator = _RELATIONS.get(relation, relation)
    return _FLIPPED.get(operator, relation)  # type: ignore[return-value]  # an operator is a relation


def bounded(bound: Bound, field: Field, language: Language) -> Relation:
    """Return the relation of a bound: "or older" is earlier for a date and for a year, but more for an age."""
    if bound == "worse":
        return "<="
    if bound not in ("older", "newer"):
        return cast(Relation, bound)
    if field.type in NUMERIC and not is_year(field, language):
        return ">=" if bound == "older" else "<="
    return "until" if bound == "older" else "since"


def reaches(field: Field, value: Range) -> bool | None:
    """Return whether the data seen reach the value; None if their limits are not known."""
    low, high, first, last = map(_comparable, (field.minimum, field.maximum, value.low, value.high))
    if low is None or high is None or first is None or last is None or field.type == "time":
        return None
    return low <= last and first <= high


def _comparable(value: Scalar | None) -> float | None:
    """Return a number or a day as a number; None for what has no place among the limits of a catalog."""
    match value:
        case bool():
            return None
        case int() | float():
            return float(value)
        case dt.date():
            return float(value.toordinal())
        case str():
            return _ordinal(value)
    return None


@lru_cache(maxsize=1024)
def _ordinal(limit: str) -> float | None:
    try:
        return float(dt.date.fromisoformat(limit[:10]).toordinal())
    except ValueError:
        return None


def negated(leaf: Leaf | Not) -> Leaf | Not:
    """Return the opposite test."""
    # The opposite of one test is one test.
    return cast(Leaf | Not, negate(leaf))


def between(field: Field, low: Range, high: Range) -> Leaf:
    """Return the range from the beginning of one value to the end of the other, whichever comes first."""
    first, last = low.low, high.high
    if isinstance(first, int | float) and isinstance(last, int | float) and first > last:
        first, last = last, first
    elif _is_later(first, last):
        first, last = high.low, low.high
    return Between(field.name, first, last)


def _is_later(one: Scalar, other: Scalar) -> bool:
    """Return whether both are known, and one is later than the other; an instant is not compared with a day."""
    try:
        return isinstance(one, dt.date) and isinstance(other, dt.date) and one > other
    except TypeError:
        return False


def _around(low: Scalar, high: Scalar, field: Field) -> tuple[Scalar, Scalar]:
    if isinstance(low, dt.datetime) and isinstance(high, dt.datetime):
        return low - TIME_TOLERANCE, high + TIME_TOLERANCE
    if isinstance(low, RelativeInstant) and isinstance(high, RelativeInstant) and low.time and high.time:
        return replace(low, time=_moved(low.time, -TIME_TOLERANCE)), replace(
            high, time=_moved(high.time, TIME_TOLERANCE)
        )
    if isinstance(low, dt.date) and isinstance(high, dt.date):
        days = dt.timedelta(days=max(MIN_TOLERANCE_DAYS, (high - low).days + 1))
        return low - days, high + days
    if isinstance(low, int | float) and isinstance(high, int | float):
        return _around_numbers(low, high, field)
    return low, high


def _moved(time: dt.time, by: dt.timedelta) -> dt.time:
    """Return an earlier or later time of the same day, at most its first or last."""
    day = dt.datetime.combine(dt.date(2000, 1, 2), time)
    moved = day + by
    return moved.time() if moved.date() == day.date() else dt.time() if moved < day else dt.time.max


def _around_numbers(low: int | float, high: int | float, field: Field) -> tuple[int | float, int | float]:
    spread = TOLERANCE * max(abs(low), abs(high))
    if field.type != "integer":
        return units.whole(round(low - spread, 6)), units.whole(round(high + spread, 6))
    if FIRST_YEAR <= low <= high <= LAST_YEAR and not field.unit:
        return low - 1, high + 1
    return math.ceil(low - spread), math.floor(high + spread)
