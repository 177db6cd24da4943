"""Weekdays and weekends."""

from dataclasses import replace

from nlp2filters.core.languages.tables import Which
from nlp2filters.core.parser.dates import absolute, periods
from nlp2filters.core.parser.dates.absolute import WORD
from nlp2filters.core.parser.dates.periods import SHIFTS, Period
from nlp2filters.core.parser.dates.rules import DateCursor, DateRule, longest

SATURDAY = 5
# A shorter name, such as "sat", is a weekday only after "last" or "next".
SHORTEST = 4
# "Friday the 13th" is at most so many months away.
MAX_MOVES = 14


def _which(cursor: DateCursor) -> tuple[Which | None, int]:
    """Return the meaning of "this", "last" or "next", and its length in tokens."""
    relative = cursor.phrase(cursor.dates.relative)
    return relative or (None, 0)


def _weekend(cursor: DateCursor) -> Period | None:
    """Read Saturday and Sunday; without "last" or "next", of this week."""
    which, offset = _which(cursor)
    length = cursor.phrase_length(cursor.dates.weekend, offset)
    if not length:
        return None
    saturday = SATURDAY - cursor.today.weekday() + 7 * SHIFTS[which or "this"]
    low, high = (periods.in_days(cursor.today, saturday + day, offset + length) for day in (0, 1))
    return replace(low, high=high.low)


def _weekday(cursor: DateCursor) -> Period | None:
    """Read "Friday" as the coming one, "last Friday" as the one before today; "next Friday" has two readings."""
    which, offset = _which(cursor)
    weekday = cursor.dates.weekdays.get(cursor.norm(offset))
    if weekday is None or (not offset and len(cursor.norm()) < SHORTEST):
        return None
    monday, length = -cursor.today.weekday(), offset + 1
    if not offset and (shift := cursor.shift(1, "week")):
        return periods.in_days(cursor.today, monday + 7 * shift[0] + weekday, shift[1])
    ahead = (weekday - cursor.today.weekday()) % 7 or 7
    if which in ("last", "past"):
        return periods.in_days(cursor.today, ahead - 7 if ahead < 7 else -7, length)
    coming = periods.in_days(cursor.today, ahead, length)
    if which is None:
        return _dated(cursor, weekday) or replace(coming, every="week")
    if which != "next":
        return coming
    in_next_week = periods.in_days(cursor.today, monday + 7 + weekday, length)
    return coming if in_next_week.low == coming.low else replace(coming, other=in_next_week)


def _dated(cursor: DateCursor, weekday: int) -> Period | None:
    """Read "Monday, June 3" and "Friday the 13th": the weekday says which year or month is meant, if none is named."""
    offset = cursor.skip_of(1)
    day = longest(absolute.RULES, cursor.moved(offset))
    if not day or not day.days or day.day is None:
        return None
    day = replace(day, length=offset + day.length)
    if not day.every:
        return day
    others = (day.moved(count) for count in sorted(range(-MAX_MOVES, MAX_MOVES + 1), key=abs))
    return next((other for other in others if other.days and other.days[0].weekday() == weekday), day)


RULES = (
    DateRule("weekend", WORD, {"en": ("weekend", "last weekend"), "es": ("fin de semana",)}, _weekend),
    DateRule(
        "weekday",
        WORD,
        {
            "en": (
                "Friday",
                "last Friday",
                "next sat",
                "this past Monday",
                "Monday of this week",
                "Monday, June 3",
                "Friday the 13th",
            ),
            "es": ("viernes",),
        },
        _weekday,
    ),
)
