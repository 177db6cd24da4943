"""Parts of larger periods, and days beside another. They do not nest: "the end of the end of the year" is no date."""

import datetime as dt
from dataclasses import replace

from nlp2filters.core.filters import RelativeDate
from nlp2filters.core.parser.dates import absolute, periods, relative, spans, weekdays
from nlp2filters.core.parser.dates.absolute import NUMBER, WORD
from nlp2filters.core.parser.dates.periods import CLOCK_SECONDS, FIRST_YEAR, LAST_YEAR, Period
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
    if period := longest(WHOLE, cursor):
        return period
    if (number := cursor.digits(0, FIRST_YEAR, LAST_YEAR)) is not None:
        return periods.calendar_year(number, 1)
    article = cursor.norm() in cursor.language.numbers.determiners
    unit = cursor.unit_of_time(int(article))
    return periods.whole("this", unit, 1 + article) if unit else None


def _whole(cursor: DateCursor, offset: int) -> Period | None:
    """Read the period of which something is a part, in days of the calendar; its length includes the offset."""
    period = _period(cursor.moved(offset))
    return period and replace(period.resolve(cursor.today), every=period.every, length=offset + period.length)


def _third(cursor: DateCursor) -> Period | None:
    which = cursor.phrase(cursor.dates.thirds)
    whole = _whole(cursor, cursor.skip_of(which[1])) if which else None
    return periods.third(whole, which[0]) if which and whole else None


def _nth(cursor: DateCursor) -> Period | None:
    """Read "first two weeks of May", "last Friday of the month", "second half of 2024"."""
    position = _position(cursor)
    if not position:
        return None
    number, offset = position
    count = cursor.integer(offset) if abs(number) == 1 else None
    offset += count is not None
    of = cursor.skip_of(offset + 1)
    whole = _whole(cursor, of) if of > offset + 1 or number > 0 else None
    if not whole:
        return None
    if (weekday := cursor.dates.weekdays.get(cursor.norm(offset))) is not None:
        day = periods.nth_weekday(whole, number, weekday) if of > offset + 1 and count is None else None
        return day and replace(day, every=None)
    if cursor.norm(offset) in cursor.dates.halves and count is None:
        return periods.half(whole, number if number > 0 else 2) if number <= 2 else None
    unit = cursor.unit_of_time(offset)
    return periods.nth(whole, number, count or 1, unit) if unit and count != 0 else None


def _position(cursor: DateCursor) -> tuple[int, int] | None:
    """Return the number of "first", or -1 for "last", and its length in tokens."""
    article = cursor.skip_article(0)
    if ordinal := cursor.ordinal(article):
        return ordinal[0], article + ordinal[1]
    which = cursor.phrase(cursor.dates.relative)
    return (-1, which[1]) if which and which[0] == "last" else None


def _week_of(cursor: DateCursor) -> Period | None:
    """Read "week of March 10th"."""
    if cursor.unit_of_time() != "week":
        return None
    offset = cursor.skip_of(1)
    day = _some_day(cursor, offset) if offset > 1 else None
    return periods.week_of(day[0], day[1]) if day else None


def _some_day(cursor: DateCursor, offset: int) -> tuple[dt.date, int] | None:
    """Read one day, as a day of the calendar; return the offset after it too."""
    period = longest(WHOLE, cursor.moved(offset))
    day = period.day if period else None
    if not period or day is None:
        return None
    return day.resolve(cursor.today) if isinstance(day, RelativeDate) else day, offset + period.length


def _around(cursor: DateCursor) -> Period | None:
    """Read "within 2 weeks of January 15"; "within 2 weeks", unless that may be how long something takes."""
    within = cursor.role(0, "comparator")
    span = spans.read(cursor.moved(within[1])) if within and within[0] == "within" else None
    if not within or not span:
        return None
    end = within[1] + span.length
    offset, is_clock = cursor.skip_of(end), span.unit in CLOCK_SECONDS
    if offset > end and not is_clock and (day := _some_day(cursor, offset)):
        low, high = (_beside(day[0], count, span.unit) for count in (-span.count, span.count))
        return Period(low, high, day[1])
    if cursor.calendar.durations or (is_clock and not cursor.calendar.instants):
        return None
    return replace(periods.reaching(-span.count, span.unit, end), either_side=True)


def _before_or_after(cursor: DateCursor) -> Period | None:
    """Read "two weeks before May 1", unless that may be how long something takes; "the day after tomorrow"."""
    is_day = cursor.unit_of_time() == "day"
    span = spans.unit(cursor) if is_day else spans.read(cursor)
    if not span or span.unit in CLOCK_SECONDS or (cursor.calendar.durations and not is_day):
        return None
    side = cursor.role(span.length, "comparator")
    if not side and cursor.norm(span.length) in cursor.dates.range_openers and not cursor.opener(span.length):
        # "A week from Friday".
        side = "after", 1
    day = _some_day(cursor, span.length + side[1]) if side and side[0] in ("before", "after") else None
    if not side or not day:
        return None
    low = _beside(day[0], span.count if side[0] == "after" else -span.count, span.unit)
    return Period(low, low, day[1])


def _beside(day: dt.date, count: int, unit: str) -> dt.date:
    return RelativeDate(count, unit).resolve(day)  # type: ignore[arg-type]  # no unit of the clock


DAYS = (
    *WHOLE,
    DateRule("edge", WORD, {"en": ("end of the year", "the start of March", "end of 2025")}, _edge),
    DateRule(
        "third", WORD, {"en": ("early 2018", "mid-2018", "late 90s", "late in March"), "de": ("Anfang 2023",)}, _third
    ),
    DateRule(
        "part",
        NUMBER | WORD,
        {
            "en": (
                "first week of January",
                "second week of May 2025",
                "first 2 months of 2021",
                "last Friday of this month",
                "second half of 2023",
            )
        },
        _nth,
    ),
    DateRule("week of a day", WORD, {"en": ("week of March 10th",)}, _week_of),
    DateRule("around a day", WORD, {"en": ("within 2 weeks of January 15 2025", "within two weeks")}, _around),
    DateRule(
        "beside a day",
        NUMBER | WORD,
        {"en": ("day before yesterday", "2 weeks after May 1 2025", "a week from Friday")},
        _before_or_after,
    ),
)


def _deadline(cursor: DateCursor) -> Period | None:
    """Read "by Friday", not "by April Smith"."""
    if cursor.norm() not in cursor.dates.by or not cursor.calendar.dated:
        return None
    offset = cursor.skip_article(1)
    period = longest(DAYS, cursor.moved(offset))
    number = None if period else cursor.digits(offset, FIRST_YEAR, LAST_YEAR)
    period = period or (periods.calendar_year(number, 1) if number else None)
    if not period or not cursor.is_followed_by_grammar(offset + period.length):
        return None
    return replace(period, length=offset + period.length, deadline=True)


RULES = (*DAYS, DateRule("deadline", WORD, {"en": ("by Friday", "by the end of the month")}, _deadline))
