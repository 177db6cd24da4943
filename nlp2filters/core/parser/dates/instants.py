"""Instants: a time on a day, or the part of a day between two times."""

import datetime as dt
from dataclasses import replace

from nlp2filters.core.filters import RelativeDate
from nlp2filters.core.parser import times
from nlp2filters.core.parser.dates import periods
from nlp2filters.core.parser.dates.parts import DAYS
from nlp2filters.core.parser.dates.periods import LAST_TIME, Period
from nlp2filters.core.parser.dates.rules import DateCursor, longest
from nlp2filters.core.parser.times import Clock

TODAY = Period(RelativeDate(0, "day"), RelativeDate(0, "day"), 0)
DAY_HOURS = 24
# The tokens of "17:30".
MINUTES_LENGTH = 3


def iso(cursor: DateCursor, day: Period) -> Period | None:
    """Read the time of "2025-06-01T14:00Z" behind its day."""
    offset = day.length
    hour, minute = cursor.digits(offset + 1, 0, 23), cursor.digits(offset + 3, 0, 59)
    is_time = cursor.norm(offset) == "t" and cursor.norm(offset + 2) == ":" and cursor.adjoin(offset + 4)
    if hour is None or minute is None or not is_time or day.day is None:
        return None
    offset += 4
    second, offset = _seconds(cursor, offset)
    zone, offset = _zone(cursor, offset)
    instant = day.at(dt.time(hour, minute, second), cursor.today, offset)
    if zone is None or not isinstance(instant.low, dt.datetime):
        return instant
    moment = instant.low.replace(tzinfo=zone)
    return replace(instant, low=moment, high=moment)


def _seconds(cursor: DateCursor, offset: int) -> tuple[int, int]:
    """Return the seconds that follow, without their fraction, and the offset after them."""
    token = cursor.token(offset + 1)
    if cursor.norm(offset) != ":" or not token or token.kind != "number" or not cursor.adjoin(2, offset):
        return 0, offset
    second = int(float(token.norm.replace(",", ".")))
    return (second, offset + 2) if second < 60 else (0, offset)


def _zone(cursor: DateCursor, offset: int) -> tuple[dt.tzinfo | None, int]:
    """Return the zone that follows: "Z", "+02:00"; and the offset after it."""
    if not cursor.adjoin(2, offset - 1):
        return None, offset
    if cursor.norm(offset) == "z":
        return dt.UTC, offset + 1
    hours, minutes = cursor.digits(offset + 1, 0, 23, longest=2), cursor.digits(offset + 3, 0, 59, longest=2)
    is_offset = cursor.norm(offset) in ("+", "-", "–") and cursor.norm(offset + 2) == ":" and cursor.adjoin(4, offset)
    if hours is None or minutes is None or not is_offset:
        return None, offset
    away = dt.timedelta(hours=hours, minutes=minutes)
    return dt.timezone(away if cursor.norm(offset) == "+" else -away), offset + 4


def on_day(cursor: DateCursor, day: Period) -> Period | None:
    """Read the time behind its day: "yesterday at 8", "Monday after 10 pm", "yesterday evening"."""
    if day.day is None:
        return None
    behind = cursor.moved(day.length)
    return _at(behind, day) or _compared(behind, day) or _between(behind, day) or _part(behind, day)


def _at(behind: DateCursor, day: Period) -> Period | None:
    skip = behind.phrase_length(behind.language.clock.at)
    clock = times.read(behind.moved(skip)) or (_hour(behind, skip) if skip else None)
    if not clock:
        return None
    second = _seconds(behind, skip + clock.length - 2)[0] if clock.length > MINUTES_LENGTH else 0
    return day.at(clock.time.replace(second=second), behind.today, day.length + skip + clock.length)


def _hour(cursor: DateCursor, offset: int) -> Clock | None:
    """Read a bare hour."""
    hour = cursor.digits(offset, 0, DAY_HOURS - 1, longest=2)
    return Clock(dt.time(hour), 1) if hour is not None else None


def _compared(behind: DateCursor, day: Period) -> Period | None:
    relation = behind.role(0, "comparator")
    clock = times.read(behind.moved(relation[1])) if relation else None
    if not relation or not clock:
        return None
    length = day.length + relation[1] + clock.length
    match relation[0]:
        case "after" | "since" | ">" | ">=":
            return day.within_day(clock.time, LAST_TIME, behind.today, length)
        case "before" | "until" | "<" | "<=":
            return day.within_day(dt.time(), clock.time, behind.today, length)
    return None


def _between(behind: DateCursor, day: Period) -> Period | None:
    opened = behind.opener()
    start = opened or int(behind.norm() in behind.dates.range_openers)
    low = times.read(behind.moved(start)) or _hour(behind, start)
    joint = behind.joint(start + low.length, between=opened > 0) if low and start else 0
    high = times.read(behind.moved(start + low.length + joint)) if low and joint else None
    if not low or not high:
        return None
    first = times.in_half_of(low.time, high.time) if low.length == 1 else low.time
    return day.within_day(first, high.time, behind.today, day.length + start + low.length + joint + high.length)


def _part(behind: DateCursor, day: Period) -> Period | None:
    part = behind.phrase(behind.language.clock.parts)
    return _hours(day, part[0], behind, day.length + part[1]) if part else None


def _hours(day: Period, hours: tuple[int, int], cursor: DateCursor, length: int) -> Period:
    """Return the hours of a day; those beyond its end are on the next."""
    first, last = hours
    period = day.within_day(dt.time(first), LAST_TIME, cursor.today, length)
    if last == DAY_HOURS:
        return period
    end, moment = (day, last) if last < DAY_HOURS else (_next(day, cursor.today), last - DAY_HOURS)
    high = end.within_day(dt.time(), dt.time(moment - 1, 59, 59, 999_999), cursor.today, length)
    return replace(period, high=high.high)


def _next(day: Period, today: dt.date) -> Period:
    low = day.low
    if isinstance(low, RelativeDate) and low.unit == "day":
        following: RelativeDate | dt.date = RelativeDate(low.offset + 1, "day")
    else:
        days = day.resolve(today).days
        assert days
        following = periods.in_days(days[0], 1, 0).high  # type: ignore[assignment]  # a day of the calendar
    return replace(day, low=following, high=following)


def _today(cursor: DateCursor) -> Period | None:
    clock = times.read(cursor)
    return TODAY.at(clock.time, cursor.today, clock.length) if clock else None


def _hour_of_part(cursor: DateCursor) -> Period | None:
    """Read "10 yesterday morning", and the "11 yesterday" of "9 to 11 yesterday"."""
    hour = _hour(cursor, 0)
    day = longest(DAYS, cursor.moved(1)) if hour else None
    if not hour or not day or day.day is None:
        return None
    if part := cursor.phrase(cursor.language.clock.parts, 1 + day.length):
        time = times.in_half_of(hour.time, dt.time(min(part[0][1], DAY_HOURS) - 1, 59))
        return day.at(time, cursor.today, 1 + day.length + part[1])
    before = cursor.moved(-2)
    opened = before.at > 0 and before.moved(-1).opener() > 0
    is_range = before.at >= 0 and _hour(before, 0) is not None and before.joint(1, between=opened) == 1
    return day.at(hour.time, cursor.today, 1 + day.length) if is_range else None


def read(cursor: DateCursor) -> Period | None:
    """Read what begins with a time or a part of a day: "10 pm yesterday", "this morning", "last night", "by noon"."""
    if cursor.norm() in cursor.dates.by:
        instant = read(cursor.moved(1)) or _today(cursor.moved(1))
        return instant and replace(instant, length=1 + instant.length, deadline=True)
    if which := cursor.phrase(cursor.dates.relative):
        part = cursor.phrase(cursor.language.clock.parts, which[1])
        if not part or which[0] not in ("this", "last"):
            return None
        day = TODAY if which[0] == "this" else replace(TODAY, low=RelativeDate(-1, "day"), high=RelativeDate(-1, "day"))
        return _hours(day, part[0], cursor, which[1] + part[1])
    clock = times.read(cursor)
    if not clock:
        return _hour_of_part(cursor)
    offset = clock.length + cursor.phrase_length(cursor.language.clock.on, clock.length)
    day_after = longest(DAYS, cursor.moved(offset))
    if not day_after or day_after.day is None:
        return None
    return day_after.at(clock.time, cursor.today, offset + day_after.length)
