"""Ranges: "between 100 and 150 hp", "from 1975 to 1978", "$50-100". Their two limits explain each other."""

import datetime as dt
from dataclasses import replace

from nlp2filters.core import units
from nlp2filters.core.interpretation import Alternative
from nlp2filters.core.parser import times, values
from nlp2filters.core.parser.chunker import Chunk
from nlp2filters.core.parser.clauses import amounts
from nlp2filters.core.parser.clauses.amounts import MAX_ALTERNATIVES, resolve
from nlp2filters.core.parser.clauses.clause import STOPWORD, VALUE, Atom, Clause, Context, Rule
from nlp2filters.core.parser.field_resolution import FieldMatch
from nlp2filters.core.parser.quantities import Quantity
from nlp2filters.core.parser.sentence import Sentence
from nlp2filters.core.parser.times import Clock
from nlp2filters.core.parser.values import Relation


def read(
    sentence: Sentence, start: int, at: int, context: Context, preceding: FieldMatch | None = None
) -> Clause | None:
    """Read a range at `at`, in a clause that begins at `start`; `preceding` is a field named before it."""
    places = _places(sentence, at)
    if not places:
        return None
    limits = _explained(sentence.chunks[places[0]], sentence.chunks[places[1]], sentence.today)
    match = preceding if preceding and sentence.all_fit(limits, preceding.field) else None
    opened: Relation | None = "within" if sentence.role(at, "range") == "between" else None
    match = match or resolve(sentence, places[1], limits, context, opened)
    if not match:
        return None
    low, high = (sentence.coerce(limit, match.field) for limit in limits)
    if low is None or high is None:
        return None
    match = amounts.weighed(sentence, match, limits[1])
    test, end = values.between(match.field, low, high), max(match.end, places[1] + 1)
    alternatives = _alternatives(sentence, match, limits)
    return Clause(end, (Atom(test, start, end, match.confidence, match.source, alternatives),), match.field)


def _places(sentence: Sentence, at: int) -> tuple[int, int] | None:
    """Return the places of the two limits."""
    opened = sentence.role(at, "range") == "between"
    first = sentence.skip_stopwords(at + opened)
    low = _after_limiting(sentence, first, ">=")
    joint = sentence.role(low + 1, "range") == "to" or (opened and sentence.role(low + 1, "junction") == "and")
    # "Min 100 max 150" needs no word between.
    joint_by_limits = low > first and sentence.role(low + 1, "comparator") == "<="
    high = _after_limiting(sentence, sentence.skip_stopwords(low + 1 + joint), "<=")
    is_range = (joint or joint_by_limits) and sentence.is_value(low) and sentence.is_value(high)
    return (low, high) if is_range else None


def _after_limiting(sentence: Sentence, at: int, limit: Relation) -> int:
    """Return the place after a word that only repeats which limit follows: "from min 100 to max 150"."""
    return sentence.skip_stopwords(at + 1) if sentence.role(at, "comparator") == limit else at


def _alternatives(sentence: Sentence, match: FieldMatch, limits: tuple[Chunk, Chunk]) -> tuple[Alternative, ...]:
    return tuple(
        Alternative(values.between(other, low, high), match.others_confidence)
        for other in match.others[:MAX_ALTERNATIVES]
        if (low := sentence.coerce(limits[0], other)) and (high := sentence.coerce(limits[1], other))
    )


def _explained(low: Chunk, high: Chunk, today: dt.date) -> tuple[Chunk, Chunk]:
    """Give each limit what only the other one says."""
    first, last = with_unit_of(_with_scale_of(high, low), high), _with_year_of(low, high)
    first = _with_week_of(last, first)
    return _with_day_of(last, _with_half_of_day_of(last, _with_year_of(last, first)), today), last


def with_unit_of(low: Chunk, high: Chunk) -> Chunk:
    """Give the lower limit the unit of the upper one, unless it has its own: "1 to 3 hours"."""
    first, last = low.quantity, high.quantity
    if not first or not last or first.units or not last.units:
        return low
    return replace(low, quantity=replace(first, units=last.units))


def _with_scale_of(high: Chunk, low: Chunk) -> Chunk:
    """Give the lower limit the scale of the upper one, unless it has its own: "50 to 100 million"."""
    first, last = low.quantity, high.quantity
    if not first or not last or first.scaled or not last.scaled or first.value >= last.value:
        return low
    value = units.whole(round(first.value * _scale(last), 6))
    return replace(low, quantity=replace(first, value=value)) if value <= last.value else low


def _scale(quantity: Quantity) -> int:
    """Return the greatest of thousand, million, … that the number contains."""
    scale = 1
    while abs(quantity.value) >= scale * 1000:
        scale *= 1000
    return scale


def _with_year_of(other: Chunk, limit: Chunk) -> Chunk:
    """Give a month without a year the year of the other limit: "January to June 2024"."""
    mine, theirs = limit.period, other.period
    if not mine or not theirs or not mine.yearless or not mine.days:
        return limit
    if theirs.yearless or not theirs.days:
        return limit
    return replace(limit, period=replace(mine.moved(theirs.days[0].year - mine.days[0].year), every=None))


def _with_week_of(high: Chunk, low: Chunk) -> Chunk:
    """Put a weekday right before the day of the other limit: "Monday to Wednesday of last week"."""
    mine, theirs = low.period, high.period
    if not mine or not theirs or mine.every != "week" or theirs.every or not mine.days or theirs.day is None:
        return low
    weeks = (theirs.days[0] - mine.days[0]).days // 7 if theirs.days else 0
    return replace(low, period=replace(mine.moved(weeks), every=None)) if theirs.days else low


def _with_half_of_day_of(high: Chunk, low: Chunk) -> Chunk:
    """Put the earlier hour into the half of the later one ("5 to 7 pm"), or the one before ("11 to 1 pm")."""
    hour = low.quantity.value if low.quantity and low.quantity.whole else None
    if not isinstance(hour, int) or not 1 <= hour <= 12 or high.clock is None or low.clock:
        return low
    return replace(low, quantity=None, clock=Clock(times.in_half_of(dt.time(hour), high.clock.time), 1))


def _with_day_of(high: Chunk, low: Chunk, today: dt.date) -> Chunk:
    """Give the earlier time the day of the later one: "from 2 to 4 pm yesterday"."""
    time = high.period.time if high.period else None
    if not high.period or time is None or low.period:
        return low
    low = _with_half_of_day_of(replace(high, clock=Clock(time, 1)), low)
    return replace(low, clock=None, period=high.period.at(low.clock.time, today, 1)) if low.clock else low


RANGE = Rule(
    "range",
    {"range", "comparator", VALUE, STOPWORD},
    lambda sentence, at, context: read(sentence, at, at, context),
    {
        "between 100 and 150 horsepower": "100 <= power <= 150",
        "$50-100": "50 <= price <= 100",
        "1 to 2 kg": "1000 <= weight <= 2000",
        "from min 100 to max 150 hp": "100 <= power <= 150",
        "between 100 and max 150 horsepower": "100 <= power <= 150",
        "5 to 7 pm": "17:00 <= starts <= 19:00",
        "January to June 2024": "2024-01-01 <= released <= 2024-06-30",
    },
)
