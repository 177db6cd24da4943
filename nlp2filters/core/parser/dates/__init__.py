"""Dates: days, periods and instants, absolute ("March 2005") or relative to now ("last week", "3 hours ago").

A period has a first and a last day or instant. Relative dates stay symbolic, so that the same interpretation is right
tomorrow too. Each way to write a date is a rule in one of the modules; the longest reading wins. A time of day is read
with its day where a field holds instants.
"""

from dataclasses import replace

from nlp2filters.core.parser.dates import instants, parts
from nlp2filters.core.parser.dates.periods import FIRST_YEAR, LAST_YEAR, Moment, Period
from nlp2filters.core.parser.dates.periods import calendar_year as year
from nlp2filters.core.parser.dates.rules import Calendar, DateCursor, longest
from nlp2filters.core.words import Kind

__all__ = ["FIRST_YEAR", "LAST_YEAR", "RULES", "Calendar", "DateCursor", "Moment", "Period", "read", "year"]

RULES = parts.RULES
_KINDS = frozenset[Kind]().union(*(rule.begins for rule in RULES))


def read(cursor: DateCursor) -> Period | None:
    """Read the longest date, period or instant that begins at the cursor. A bare year is left to `year`."""
    token = cursor.token()
    if token is None or token.kind not in _KINDS:
        return None
    if token.kind == "word" and not cursor.language.may_begin_date(token.norm):
        return None
    period = longest(RULES, cursor)
    instant = instants.iso(cursor, period) if period else None
    if not instant and cursor.calendar.instants:
        instant = instants.on_day(cursor, period) if period else instants.read(cursor)
    if instant and period:
        return replace(instant, deadline=period.deadline)
    return instant or period
