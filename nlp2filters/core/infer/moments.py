"""Moments: dates, timestamps and times of day in cells, in all their usual forms.

Whether "03/04/2024" begins with the day or with the month, only other cells of the column can tell. Both readings are
kept until all cells are read.
"""

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal, NamedTuple, TypeAlias

from nlp2filters.core import languages
from nlp2filters.core.infer.misfits import Misfits
from nlp2filters.core.locales import CODES, DateOrder
from nlp2filters.core.words import fold

# How a date is written: year first, day or month first, with the month's name, only a year and a month, or 20240131.
Form: TypeAlias = Literal["year", "day", "month", "named", "no day", "compact"]
# An instant has an offset from UTC.
Precision: TypeAlias = Literal["date", "datetime", "instant"]

MAX_LENGTH = 48
# Two digits of a year up to this are of this century.
_LAST_SHORT_YEAR = 68

_CLOCK = r"""
    (?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,12}))?)?
    (?:\s?(?P<half>[AaPp])\.?[Mm]\.?)?
"""
_ZONE = r"(?P<zone>[Zz]|UTC|GMT|[+-]\d{2}(?::?\d{2})?)"
_TIMESTAMP = re.compile(rf"(?P<date>.+?)(?:[Tt]|,?\s+(?:at\s+)?){_CLOCK}(?:\s*{_ZONE})?", re.VERBOSE)
_TIME = re.compile(_CLOCK, re.VERBOSE)
_HOUR = re.compile(r"(?P<hour>\d{1,2})\s?(?P<half>[AaPp])\.?[Mm]\.?")
_LONG_CLOCK = re.compile(r"(?P<hour>\d{1,4}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d{1,9})?)?")

_YEAR_FIRST = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})")
_YEAR_LAST = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d{2})")
_NO_DAY = re.compile(r"(\d{4})[-/](\d{2})")
_COMPACT = re.compile(r"((?:19|20)\d{2})(\d{2})(\d{2})")
_WEEKDAY = r"(?:[^\W\d_]{2,12}\.?,?\s+)?"
_NAME = r"(?P<name>[^\W\d_]{3,12})\.?"
_BETWEEN = r"[\s/-]*"
_YEAR = r"(?P<year>\d{4})"
_NAMED = tuple(
    re.compile(pattern)
    for pattern in (
        rf"{_WEEKDAY}(?P<day>\d{{1,2}})(?:st|nd|rd|th|\.)?{_BETWEEN}(?:de\s+)?{_NAME},?{_BETWEEN}(?:de\s+)?(?P<year>\d{{4}}|\d{{2}})",
        rf"{_WEEKDAY}{_NAME}{_BETWEEN}(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?:,\s*|[\s/-]+){_YEAR}",
        rf"{_YEAR}{_BETWEEN}{_NAME}{_BETWEEN}(?P<day>\d{{1,2}})",
    )
)
_NAMED_NO_DAY = re.compile(rf"{_NAME},?[\s/-]+{_YEAR}")
# "Mon Sep 24 03:35:21 +0000 2012"
_C_TIME = re.compile(r"[A-Z][a-z]{2} ([A-Z][a-z]{2} +\d{1,2}) (\d{2}:\d{2}:\d{2})(?: ([+-]\d{4}|UTC|GMT))? (\d{4})")


class Moment(NamedTuple):
    """A date or timestamp of a cell, as midnight if it has no time."""

    value: dt.datetime
    precision: Precision
    form: Form


@cache
def _months() -> Mapping[str, int]:
    """Return the names of months in all languages."""
    return {name: number for code in CODES for name, number in languages.of(code).dates.months.items() if len(name) > 2}


def read_native(value: object) -> Moment | None:
    """Read a value that is a date already."""
    if isinstance(value, dt.datetime):
        return Moment(value, "datetime" if value.utcoffset() is None else "instant", "year")
    if isinstance(value, dt.date):
        return Moment(dt.datetime.combine(value, dt.time()), "date", "year")
    return None


def read(text: str) -> tuple[Moment, ...]:
    """Return the moments that a text may mean: two if day and month may be swapped, none if it is no date."""
    if not 6 <= len(text) <= MAX_LENGTH:
        return ()
    if text[4:5] == "-" and text[7:8] == "-" and (moment := _iso(text)):
        return (moment,)
    if c_time := _C_TIME.fullmatch(text):
        text = f"{c_time[1]} {c_time[4]} {c_time[2]} {c_time[3] or ''}".rstrip()
    date, time, precision = text, dt.time(), "date"
    if ":" in text:
        match = _TIMESTAMP.fullmatch(text)
        clock = _time_of(match) if match else None
        if match is None or clock is None:
            return ()
        date, time, precision = match["date"], clock, "instant" if match["zone"] else "datetime"
    return tuple(Moment(dt.datetime.combine(day, time), precision, form) for day, form in _dates(date))  # type: ignore[arg-type]


def _iso(text: str) -> Moment | None:
    try:
        value = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    if len(text) == len("2024-01-31"):
        return Moment(value, "date", "year")
    return read_native(value)


def _dates(text: str) -> Iterator[tuple[dt.date, Form]]:
    """Yield the days that a text may mean."""
    candidates: list[tuple[int, int, int, Form]] = []
    if match := _YEAR_FIRST.fullmatch(text):
        candidates = [(int(match[1]), int(match[3]), int(match[4]), "year")]
    elif match := _YEAR_LAST.fullmatch(text):
        first, second, year = int(match[1]), int(match[3]), _full_year(match[4])
        candidates = [(year, second, first, "day")]
        if match[2] != ".":
            candidates.append((year, first, second, "month"))
    elif match := _NO_DAY.fullmatch(text):
        candidates = [(int(match[1]), int(match[2]), 1, "no day")]
    elif match := _COMPACT.fullmatch(text):
        candidates = [(int(match[1]), int(match[2]), int(match[3]), "compact")]
    else:
        candidates = list(_named(text))
    for year, month, day, form in candidates:
        try:
            yield dt.date(year, month, day), form
        except ValueError:
            continue


def _named(text: str) -> Iterator[tuple[int, int, int, Form]]:
    for pattern in _NAMED:
        match = pattern.fullmatch(text)
        if match and (month := _months().get(fold(match["name"]))):
            yield _full_year(match["year"]), month, int(match["day"]), "named"
            return
    match = _NAMED_NO_DAY.fullmatch(text)
    if match and (month := _months().get(fold(match["name"]))):
        yield int(match["year"]), month, 1, "no day"


def _full_year(digits: str) -> int:
    year = int(digits)
    if len(digits) == 4:
        return year
    return year + (2000 if year <= _LAST_SHORT_YEAR else 1900)


def _time_of(match: re.Match[str]) -> dt.time | None:
    parts = match.groupdict()
    hour, half = int(parts["hour"]), parts["half"]
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half in "pP" else 0)
    # Nanoseconds are cut to microseconds.
    microseconds = int((parts.get("fraction") or "0")[:6].ljust(6, "0"))
    minute, second = int(parts.get("minute") or 0), int(parts.get("second") or 0)
    try:
        return dt.time(hour, minute, second, microseconds, _zone_of(parts.get("zone")))
    except ValueError:
        return None


def _zone_of(zone: str | None) -> dt.tzinfo | None:
    if not zone:
        return None
    if zone[0] not in "+-":
        return dt.UTC
    digits = zone[1:].replace(":", "").ljust(4, "0")
    offset = dt.timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return dt.timezone(-offset if zone[0] == "-" else offset)


@dataclass(slots=True)
class Span:
    """The first and the last of some moments or times."""

    low: Any
    high: Any
    cells: int = 0

    def add(self, value: Any, times: int) -> None:
        """Count one more."""
        self.low, self.high = min(self.low, value), max(self.high, value)
        self.cells += times


@dataclass(slots=True)
class Moments:
    """The cells of a column read as dates and timestamps."""

    cells: int = 0
    misfits: Misfits = field(default_factory=Misfits)
    spans: dict[tuple[Form, bool], Span] = field(default_factory=dict)
    precisions: Counter[Precision] = field(default_factory=Counter)
    # Cells that begin with the day or the month, and those that can do so in one order only.
    year_last: int = 0
    only: Counter[Form] = field(default_factory=Counter)
    examples: dict[Form, str] = field(default_factory=dict)

    def add(self, value: Any, text: str, times: int) -> bool:
        """Read one cell, as `Amounts.add` does."""
        if isinstance(value, str):
            moments = read(value)
        else:
            native = read_native(value)
            moments = (native,) if native else ()
        if not moments:
            self.misfits.add(text, times)
            return not self.misfits.exceed(self.cells)
        self.cells += times
        self.precisions[moments[0].precision] += times
        if moments[0].form in ("day", "month"):
            self.year_last += times
            if len(moments) == 1:
                self.only[moments[0].form] += times
        for moment in moments:
            self.examples.setdefault(moment.form, text)
            key = (moment.form, moment.precision == "instant")
            if span := self.spans.get(key):
                span.add(moment.value, times)
            else:
                self.spans[key] = Span(moment.value, moment.value, times)
        return True

    @property
    def orders(self) -> tuple[DateOrder, ...]:
        """The orders that fit all cells with the year last: both where no cell tells."""
        if not self.year_last:
            return ()
        orders: tuple[tuple[DateOrder, Form], ...] = (("day", "month"), ("month", "day"))
        return tuple(order for order, other in orders if not self.only[other])

    def span(self, order: DateOrder | None) -> Span | None:
        """Return the span of all cells, with day or month first as `order` says."""
        total: Span | None = None
        for (form, _), span in self.spans.items():
            if self.year_last and form in ("day", "month") and form != order:
                continue
            if total is None:
                total = Span(span.low, span.high, span.cells)
            else:
                total.low, total.high = min(total.low, span.low), max(total.high, span.high)
                total.cells += span.cells
        return total


@dataclass(slots=True)
class Clocks:
    """The cells of a column read as times of day, and as lengths of time such as "3:45" and "36:10:00"."""

    cells: int = 0
    misfits: Misfits = field(default_factory=Misfits)
    times: Span | None = None
    seconds: Span | None = None
    # Cells beyond 24 hours are no times of day.
    beyond_day: Misfits = field(default_factory=Misfits)

    def add(self, value: Any, text: str, times: int) -> bool:
        """Read one cell, as `Amounts.add` does."""
        time = read_time(value)
        seconds = read_length(value)
        if time is None and seconds is None:
            self.misfits.add(text, times)
            return not self.misfits.exceed(self.cells)
        self.cells += times
        if time is None:
            self.beyond_day.add(text, times)
        else:
            self.times = _grown(self.times, time, times)
        if seconds is not None:
            self.seconds = _grown(self.seconds, seconds, times)
        return True


def _grown(span: Span | None, value: Any, times: int) -> Span:
    if span is None:
        return Span(value, value, times)
    span.add(value, times)
    return span


def read_time(value: Any) -> dt.time | None:
    """Read "17:05:30", "9:30", "5:30 PM" and "5pm"."""
    if not isinstance(value, str):
        return value if isinstance(value, dt.time) and value.tzinfo is None else None
    match = _TIME.fullmatch(value) or _HOUR.fullmatch(value) if len(value) <= MAX_LENGTH else None
    return _time_of(match) if match else None


def read_length(value: Any) -> int | None:
    """Read "3:45" as minutes and seconds, and "36:10:00" as hours, minutes and seconds; return the seconds."""
    match = _LONG_CLOCK.fullmatch(value) if isinstance(value, str) and len(value) <= MAX_LENGTH else None
    if not match:
        return None
    first, second, third = int(match["hour"]), int(match["minute"]), match["second"]
    if second > 59 or int(third or 0) > 59:
        return None
    return first * 60 + second if third is None else (first * 60 + second) * 60 + int(third)
