"""Dates relative to now: days, hours and calendar units around it."""

import datetime as dt
from dataclasses import replace

from nlp2filters.core.filters import RelativeDate
from nlp2filters.core.parser.dates import periods, spans
from nlp2filters.core.parser.dates.absolute import NUMBER, WORD
from nlp2filters.core.parser.dates.periods import CLOCK_SECONDS, Period
from nlp2filters.core.parser.dates.rules import DateCursor, DateRule
from nlp2filters.core.parser.dates.spans import Span


def _day(cursor: DateCursor) -> Period | None:
    offset = cursor.dates.days.get(cursor.norm())
    return periods.shifted(offset, "day", 1) if offset is not None else None


def _unit(cursor: DateCursor) -> Period | None:
    relative = cursor.phrase(cursor.dates.relative)
    if not relative:
        return None
    which, length = relative
    sign = periods.SHIFTS[which]
    if (span := spans.read(cursor.moved(length))) and sign in (-1, 1):
        return _reaching(cursor, span, sign, length)
    unit = cursor.unit_of_time(length)
    if unit and which != "past":
        return periods.whole(which, unit, length + 1)
    single = spans.unit(cursor, length)
    if single is None:
        return None
    if single.unit == "year" and single.count > 1 and which in ("this", "next"):
        first = (cursor.today.year // single.count + sign) * single.count
        return periods.years(first, first + single.count - 1, length + single.length)
    return _reaching(cursor, single, sign, length) if sign in (-1, 1) else None


def _reaching(cursor: DateCursor, span: Span, sign: int, length: int) -> Period | None:
    """Return the period from now; not "last 90 minutes" where that may say how long something takes."""
    if span.unit in CLOCK_SECONDS and cursor.calendar.durations and not cursor.calendar.instants:
        return None
    return periods.reaching(sign * span.count, span.unit, length + span.length)


def _unit_before(cursor: DateCursor) -> Period | None:
    unit = cursor.unit_of_time()
    relative = cursor.phrase(cursor.dates.relative_behind, 1) if unit else None
    return periods.whole(relative[0], unit, 1 + relative[1]) if unit and relative else None


def _ago(cursor: DateCursor) -> Period | None:
    before = int(cursor.norm() in cursor.dates.ago_before)
    span = spans.read(cursor.moved(before))
    if span is None or not (before or cursor.norm(span.length) in cursor.dates.ago):
        return None
    return periods.shifted(-span.count, span.unit, span.length + 1)


def _from_now(cursor: DateCursor) -> Period | None:
    span = spans.read(cursor)
    length = cursor.phrase_length(cursor.dates.from_now, span.length) if span else 0
    return periods.shifted(span.count, span.unit, span.length + length) if span and length else None


def _between_ago(cursor: DateCursor) -> Period | None:
    """Read "3 to 5 days ago", "between 2 and 4 weeks ago"."""
    offset = cursor.opener()
    first = cursor.integer(offset)
    joint = cursor.joint(offset + 1, between=offset > 0) if first else 0
    period = _ago(cursor.moved(offset + 1 + joint)) if joint else None
    if not first or not period or isinstance(period.low, dt.date):
        return None
    return replace(period, high=replace(period.low, offset=-first), length=offset + 1 + joint + period.length)


def _rest(cursor: DateCursor) -> Period | None:
    """Read "later this month", "the rest of the year"."""
    offset = cursor.phrase_length(cursor.dates.rest_of)
    relative = cursor.phrase(cursor.dates.relative, offset) if offset else None
    start = offset + relative[1] if relative and relative[0] == "this" else cursor.skip_article(offset)
    unit = cursor.unit_of_time(start) if offset and start > offset else None
    if not unit or unit == "day":
        return None
    return Period(RelativeDate(0, "day"), RelativeDate(0, unit, unit, "last"), start + 1)


def _to_date(cursor: DateCursor) -> Period | None:
    """Read "year to date", "this month so far", "so far this year"."""
    before = cursor.phrase_length(cursor.dates.to_date)
    relative = cursor.phrase(cursor.dates.relative, before)
    if relative and relative[0] != "this":
        return None
    offset = before + (relative[1] if relative else 0)
    unit = cursor.unit_of_time(offset)
    behind = cursor.phrase_length(cursor.dates.to_date, offset + 1)
    if not unit or unit == "day" or not (behind or (before and relative)):
        return None
    if cursor.role(offset + 1 + behind, "than"):
        # "Year earlier than 1973" is a comparison.
        return None
    return Period(RelativeDate(0, unit, unit), RelativeDate(0, "day"), offset + 1 + behind)


RULES = (
    DateRule(
        "calendar unit",
        WORD,
        {
            "en": ("this year", "last 7 days", "past month", "next two weeks", "last 24 hours", "past half year"),
            "de": ("letzten 24 Stunden", "übernächste Woche"),
        },
        _unit,
    ),
    DateRule(
        "calendar unit first",
        WORD,
        {"en": ("week after next", "month before last"), "es": ("semana pasada", "mes que viene")},
        _unit_before,
    ),
    DateRule("day", WORD, {"en": ("today", "yesterday"), "es": ("anteayer",)}, _day),
    DateRule(
        "ago",
        NUMBER | WORD,
        {
            "en": ("3 days ago", "a week ago", "1.5 years ago", "an hour and a half ago", "a couple of weeks ago"),
            "de": ("vor anderthalb Jahren",),
            "es": ("hace 3 días", "hace un mes", "hace dos años y medio"),
        },
        _ago,
    ),
    DateRule("from now", NUMBER | WORD, {"en": ("3 days from now", "a week from today")}, _from_now),
    DateRule(
        "between two times ago",
        NUMBER | WORD,
        {"en": ("3 to 5 days ago", "between 2 and 4 weeks ago")},
        _between_ago,
    ),
    DateRule("rest", WORD, {"en": ("later this month", "rest of the year")}, _rest),
    DateRule(
        "to date",
        WORD,
        {"en": ("year to date", "this month so far", "so far this year", "earlier this week")},
        _to_date,
    ),
)
