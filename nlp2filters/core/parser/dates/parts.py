"""Parts of larger periods. They do not nest: "the end of the end of the year" is not a date."""

import datetime as dt
from dataclasses import replace

from nlp2filters.core.parser.dates import absolute, periods, relative, weekdays
from nlp2filters.core.parser.dates.absolute import WORD
from nlp2filters.core.parser.dates.periods import FIRST_YEAR, LAST_YEAR, Period
from nlp2filters.core.parser.dates.rules import DateCursor, DateRule, longest

WHOLE = (*weekdays.RULES[:1], *absolute.RULES, *relative.RULES, *weekdays.RULES[1:])


def _edge(cursor: DateCursor) -> Period | None:
    """Read one day."""
    edge = cursor.phrase(cursor.dates.edges)
    period = _period(cursor.moved(edge[1])) if edge else None
    if not edge or not period:
        return None
    day = period.low if edge[0] == "start" else period.high
    return replace(period, low=day, high=day, length=edge[1] + period.length, other=None)


def _period(cursor: DateCursor) -> Period | None:
    """Read the period that begins there, also "the year" for this one, or a year in digits."""
    if (number := cursor.digits(0, FIRST_YEAR, LAST_YEAR)) is not None:
        return periods.calendar_year(number, 1)
    article = cursor.norm() in cursor.language.numbers.determiners
    if unit := cursor.unit_of_time(int(article)):
        return periods.whole("this", unit, 1 + article)
    return longest(WHOLE, cursor)


def _week_of_month(cursor: DateCursor) -> Period | None:
    number = cursor.language.numbers.ordinals.get(cursor.norm())
    if not number or number > 4 or cursor.unit_of_time(1) != "week":
        return None
    offset = 2 + (cursor.norm(2) in cursor.dates.of)
    month = _period(cursor.moved(offset))
    if month is None or not isinstance(month.low, dt.date) or month.low.day != 1:
        return None
    first = month.low + dt.timedelta(days=7 * (number - 1))
    return replace(month, low=first, high=first + dt.timedelta(days=6), length=offset + month.length)


RULES = (
    DateRule("edge", WORD, {"en": ("end of the year", "the start of March", "end of 2025")}, _edge),
    DateRule("week of a month", WORD, {"en": ("first week of January", "second week of May 2025")}, _week_of_month),
)
