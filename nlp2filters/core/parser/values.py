"""Values: a quantity or a date of the text as a field holds it, and the test that a comparison makes of it."""

import datetime as dt
import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, cast

from nlp2filters.core import field_words, measures, units
from nlp2filters.core.catalog import NUMERIC, Field
from nlp2filters.core.filters import Between, Comparison, Leaf, Not, RelativeDate, Scalar, Unit, negate
from nlp2filters.core.languages import Language
from nlp2filters.core.parser import dates, quantities
from nlp2filters.core.parser.chunker import Chunk
from nlp2filters.core.parser.dates import FIRST_YEAR, LAST_YEAR
from nlp2filters.core.parser.quantities import Quantity

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
# A number that may be anything is taken for a year between these.
FIRST_LIKELY_YEAR, LAST_LIKELY_YEAR = 1800, 2199

_AGE_UNITS: tuple[Unit, ...] = ("day", "week", "month", "year")
_RELATIONS: dict[str, Literal["<", "<=", ">", ">="]] = {"before": "<", "until": "<=", "after": ">", "since": ">="}
_FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


@dataclass(frozen=True, slots=True)
class Range:
    """A value in a field: `low` to `high`, which are the same for a number and for a day."""

    low: Scalar
    high: Scalar


def in_field(chunk: Chunk, field: Field, language: Language, today: dt.date) -> Range | None:
    """Return the chunk's value as the field would hold it, or None if it cannot."""
    if field.type in ("date", "datetime"):
        return _in_date(chunk, field, language, today)
    if field.type == "time":
        return Range(chunk.clock.time, chunk.clock.time) if chunk.clock else None
    if field.type in NUMERIC and not chunk.clock:
        return _in_number(chunk, field, language, today)
    return None


def _in_number(chunk: Chunk, field: Field, language: Language, today: dt.date) -> Range | None:
    if chunk.period:
        years = chunk.period.resolve(today).years if is_year(field, language) else None
        return Range(*years) if years else None
    quantity = chunk.quantity
    if not quantity:
        return None
    if age(chunk) == "year" and isinstance(quantity.value, int) and is_year(field, language):
        year = today.year - quantity.value
        return Range(year, year)
    value = quantities.fit(quantity, field, language)
    if value is None and measures.lacks_unit(field, quantity.units, language):
        value = _in_unknown_unit(quantity, field, language)
    return None if value is None else Range(value, value)


def _in_unknown_unit(quantity: Quantity, field: Field, language: Language) -> int | float:
    """Return the number as it is, or in the usual unit if only that is among the data: "1 TB" in a field of GB."""
    if unit := measures.unit_in_name(field, language):
        converted = (units.convert(quantity.value, name, unit) for name in quantity.units)
        return next((number for number in converted if number is not None), quantity.value)
    usual = measures.in_usual_unit(quantity.value, quantity.units, field, language)
    if usual is None or reaches(field, Range(quantity.value, quantity.value)):
        return quantity.value
    return usual if reaches(field, Range(usual, usual)) is not False else quantity.value


def _in_date(chunk: Chunk, field: Field, language: Language, today: dt.date) -> Range | None:
    if period := chunk.period:
        is_over = period.yearless and cast(dt.date, period.high) < today
        if is_over and is_ahead(field, language):
            period = period.moved(1)
        return Range(period.low, period.high)
    quantity = chunk.quantity
    if quantity is None or not isinstance(quantity.value, int):
        return None
    if quantity.whole and not quantity.scaled and (year := dates.year(quantity.value, 1)):
        return Range(year.low, year.high)
    if (unit := age(chunk)) and quantity.value <= MAX_AGE:
        day = RelativeDate(-quantity.value, unit)
        return Range(day, day)
    return None


def age(chunk: Chunk) -> Unit | None:
    """Return the calendar unit of a quantity such as "10 years"."""
    possible = chunk.quantity.units if chunk.quantity else ()
    return next((unit for unit in _AGE_UNITS if unit in possible), None)


def is_ahead(field: Field, language: Language) -> bool:
    """Return whether the dates of a field mostly lie in the future, as deadlines do."""
    return not field_words.words(field).isdisjoint(language.dates.ahead)


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
    elif _is_day(first) and _is_day(last) and first > last:  # type: ignore[operator]  # both are days
        first, last = high.low, low.high
    return Between(field.name, first, last)


def _is_day(value: Scalar) -> bool:
    return isinstance(value, dt.date)


def _around(low: Scalar, high: Scalar, field: Field) -> tuple[Scalar, Scalar]:
    if isinstance(low, dt.date) and isinstance(high, dt.date):
        days = dt.timedelta(days=max(MIN_TOLERANCE_DAYS, (high - low).days + 1))
        return low - days, high + days
    if isinstance(low, int | float) and isinstance(high, int | float):
        return _around_numbers(low, high, field)
    return low, high


def _around_numbers(low: int | float, high: int | float, field: Field) -> tuple[int | float, int | float]:
    spread = TOLERANCE * max(abs(low), abs(high))
    if field.type != "integer":
        return units.whole(round(low - spread, 6)), units.whole(round(high + spread, 6))
    if FIRST_YEAR <= low <= high <= LAST_YEAR and not field.unit:
        return low - 1, high + 1
    return math.ceil(low - spread), math.floor(high + spread)
