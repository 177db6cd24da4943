"""Times of day: "5 pm", "17:30", "half past 7 in the evening", "noon"."""

import datetime as dt
from dataclasses import dataclass

from nlp2filters.core.parser.cursor import TokenCursor, read_once

DAY_MINUTES = 24 * 60


@dataclass(frozen=True, slots=True)
class Clock:
    """A time of day, and the number of tokens that say it."""

    time: dt.time
    length: int


@read_once
def read(cursor: TokenCursor) -> Clock | None:
    """Read the time of day that begins at the cursor; a bare number is none."""
    if (hour := cursor.language.clock.hours.get(cursor.norm())) is not None:
        return Clock(dt.time(hour), 1)
    return _minutes_first(cursor) or _hour_first(cursor)


def _minutes_first(cursor: TokenCursor) -> Clock | None:
    """Read "half past 7", "quarter to 6", "ten to 8"."""
    for minutes, length in cursor.language.clock.minutes.matches(cursor.tokens, cursor.at):
        hour = _hour(cursor, length)
        moved = hour * 60 + minutes if hour is not None else -1
        if 0 <= moved < DAY_MINUTES:
            return _with_half(cursor, moved // 60, moved % 60, length + 1, is_time=True)
    return None


def _hour_first(cursor: TokenCursor) -> Clock | None:
    """Read "17:30", "5 pm", "17 Uhr 30"."""
    hour = _hour(cursor)
    if hour is None:
        return None
    if cursor.norm(1) == ":" and cursor.adjoin(2) and (minute := _minute(cursor, 2)) is not None:
        has_seconds = cursor.norm(3) == ":" and cursor.adjoin(5) and _minute(cursor, 4) is not None
        return _with_half(cursor, hour, minute, 5 if has_seconds else 3, is_time=True)
    mark = cursor.phrase_length(cursor.language.clock.hour, 1)
    minute = _minute(cursor, 1 + mark) if mark else None
    length = 1 + mark + (minute is not None)
    return _with_half(cursor, hour, minute or 0, length, is_time=bool(mark))


def _with_half(cursor: TokenCursor, hour: int, minute: int, length: int, *, is_time: bool) -> Clock | None:
    """Read "pm" or "in the evening" after the hour. Without them, only what `is_time` anyway is one."""
    clock = cursor.language.clock
    if is_time:
        length += cursor.phrase_length(clock.hour, length)
    for phrases, afternoon in ((clock.am, 0), (clock.pm, 12)):
        if hour <= 12 and (half := cursor.phrase_length(phrases, length)):
            return Clock(dt.time(hour % 12 + afternoon, minute), length + half)
    return Clock(dt.time(hour, minute), length) if is_time else None


def _hour(cursor: TokenCursor, offset: int = 0) -> int | None:
    value = _digits(cursor, offset)
    if value is None:
        value = cursor.number_word(offset)
    return value if value is not None and value < 24 else None


def _minute(cursor: TokenCursor, offset: int) -> int | None:
    value = _digits(cursor, offset)
    return value if value is not None and value < 60 and len(cursor.norm(offset)) == 2 else None


def in_half_of(hour: dt.time, until: dt.time) -> dt.time:
    """Put an hour of 1 to 12 into the half of the day of the later one ("5 to 7 pm"), or before ("11 to 1 pm")."""
    if not 1 <= hour.hour <= 12:
        return hour
    afternoon = until.hour >= 12 and hour.hour % 12 <= until.hour - 12
    return hour.replace(hour=hour.hour % 12 + 12 * afternoon)


def _digits(cursor: TokenCursor, offset: int) -> int | None:
    return cursor.digits(offset, 0, 99, longest=2)
