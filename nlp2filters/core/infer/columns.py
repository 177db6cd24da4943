"""Columns: the type of a column of values, found in one pass and in memory that does not grow with their number.

Each column starts with every possible reading (integer, number, dates of several formats, …). A value drops the
readings that do not fit it. The first one left is the column's type; if none is left, it is a string.
"""

import datetime as dt
import math
import re
from collections import Counter
from collections.abc import Callable, Set
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from nlp2filters.core.catalog import FieldType
from nlp2filters.core.infer.currencies import CURRENCY_MARKS

# A catalog's known values have at most this length.
MAX_VALUE_LENGTH = 200
# JSON readers and search engines take integers up to this.
MAX_INTEGER = 2**63 - 1
# Longer texts are not read as integers.
MAX_DIGITS = 30

# Numbers have no leading zeros: those are codes, such as 02139.
_NUMBER = r"(?:\d{1,3}(?:,\d{3})+|0|[1-9]\d*)"
_INTEGER_RE = re.compile(rf"-?{_NUMBER}")
_NUMBER_RE = re.compile(rf"-?(?:{_NUMBER}(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")
_DATETIME_RE = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?(?:Z|[+-]\d{2}:?\d{2})?")
_TIME_RE = re.compile(r"\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?")

_TIME_OF_HALVES_RE = re.compile(r"\d{1,2}:\d{2} ?[AaPp][Mm]")

_DATE_FORMATS = (
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%d.%m.%Y",
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%b %d %Y",
    "%B %d %Y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%d %b %Y",
    "%d %B %Y",
    "%d-%b-%Y",
)
# These end with the minutes; seconds may follow.
_DATETIME_FORMATS = (
    "%Y/%m/%d %H:%M",
    "%d.%m.%Y %H:%M",
    "%m/%d/%Y %H:%M",
    "%d/%m/%Y %H:%M",
    "%m/%d/%Y %I:%M %p",
    "%d/%m/%Y %I:%M %p",
)
_MONTH_OR_DAY_FIRST = ("%m/%d/%Y", "%d/%m/%Y")


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a value: `read` returns something ordered, or None if the value does not fit."""

    type: FieldType
    read: Callable[[Any], Any]
    currency: str | None = None
    unit: str | None = None
    format: str = ""


def _boolean(no: str, yes: str) -> Callable[[Any], bool | None]:
    words = {no: False, yes: True}

    def read(value: Any) -> bool | None:
        return words.get(value.lower()) if isinstance(value, str) else value if isinstance(value, bool) else None

    return read


def _integer(value: Any) -> int | None:
    if isinstance(value, str) and len(value) < MAX_DIGITS and _INTEGER_RE.fullmatch(value):
        value = int(value.replace(",", ""))
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MAX_INTEGER:
        return value
    return None


def _number(value: Any) -> int | float | None:
    whole = _integer(value)
    if whole is not None:
        return whole
    if isinstance(value, str) and _NUMBER_RE.fullmatch(value) and not _INTEGER_RE.fullmatch(value):
        value = float(value.replace(",", ""))
    if isinstance(value, float | Decimal) and math.isfinite(value):
        return float(value)
    return None


def _money(code: str) -> Callable[[Any], int | float | None]:
    marks = "|".join(re.escape(mark) for mark, of in CURRENCY_MARKS.items() if of == code)
    pattern = re.compile(rf"(-?)(?:(?:{marks})\s?([\d.,]+)|([\d.,]+)\s?(?:{marks}))")

    def read(value: Any) -> int | float | None:
        match = pattern.fullmatch(value) if isinstance(value, str) else None
        return _number(match[1] + (match[2] or match[3])) if match else None

    return read


def _percent(value: Any) -> int | float | None:
    """Read "95%" and "95 %"."""
    return _number(value[:-1].rstrip()) if isinstance(value, str) and value.endswith("%") else None


def _date(format_: str) -> Callable[[Any], dt.date | None]:
    def read(value: Any) -> dt.date | None:
        if not isinstance(value, str):
            return value if isinstance(value, dt.date) and not isinstance(value, dt.datetime) else None
        try:
            return dt.datetime.strptime(value, format_).date()
        except ValueError:
            return None

    return read


def _datetime(*, aware: bool) -> Callable[[Any], dt.datetime | None]:
    def read(value: Any) -> dt.datetime | None:
        if isinstance(value, str) and _DATETIME_RE.fullmatch(value):
            try:
                value = dt.datetime.fromisoformat(value)
            except ValueError:
                return None
        return value if isinstance(value, dt.datetime) and (value.utcoffset() is not None) == aware else None

    return read


def _datetime_in(format_: str) -> Callable[[Any], dt.datetime | None]:
    with_seconds = format_.replace("%M", "%M:%S")

    def read(value: Any) -> dt.datetime | None:
        if not isinstance(value, str):
            return None
        try:
            return dt.datetime.strptime(value, with_seconds if value.count(":") == 2 else format_)
        except ValueError:
            return None

    return read


def _time_of_halves(value: Any) -> dt.time | None:
    """Read "5:30 PM"."""
    if not isinstance(value, str) or not _TIME_OF_HALVES_RE.fullmatch(value):
        return None
    try:
        return dt.datetime.strptime(value.upper().replace(" ", ""), "%I:%M%p").time()
    except ValueError:
        return None


def _time(value: Any) -> dt.time | None:
    if isinstance(value, str) and _TIME_RE.fullmatch(value):
        try:
            return dt.time.fromisoformat(value)
        except ValueError:
            return None
    return value if isinstance(value, dt.time) and value.tzinfo is None else None


_READINGS: tuple[Reading, ...] = (
    Reading("boolean", _boolean("false", "true")),
    Reading("boolean", _boolean("no", "yes")),
    Reading("integer", _integer),
    Reading("number", _number),
    Reading("number", _percent, unit="%"),
    *(Reading("money", _money(code), currency=code) for code in dict.fromkeys(CURRENCY_MARKS.values())),
    *(Reading("date", _date(format_), format=format_) for format_ in _DATE_FORMATS),
    Reading("datetime", _datetime(aware=False)),
    Reading("datetime", _datetime(aware=True)),
    *(Reading("datetime", _datetime_in(format_), format=format_) for format_ in _DATETIME_FORMATS),
    Reading("time", _time),
    Reading("time", _time_of_halves),
)


@dataclass(slots=True)
class ReadRange:
    """A reading that has fitted every value so far, with the lowest and the highest."""

    reading: Reading
    low: Any = None
    high: Any = None

    def takes(self, value: Any) -> bool:
        """Read one more value; return False if it does not fit."""
        read = self.reading.read(value)
        if read is None:
            return False
        self.low = read if self.low is None or read < self.low else self.low
        self.high = read if self.high is None or read > self.high else self.high
        return True


@dataclass(slots=True)
class Column:
    """A column so far: the readings left, the number of `cells` with a value, and up to `max_distinct` values.

    `many`: a cell had a list. `overflow`: some values are not among `distinct`, because they were too many or too long.
    """

    max_distinct: int
    cells: int = 0
    many: bool = False
    overflow: bool = False
    ranges: list[ReadRange] = field(default_factory=lambda: [ReadRange(reading) for reading in _READINGS])
    distinct: Counter[str] = field(default_factory=Counter)

    def add(self, value: object) -> None:
        """Count one cell. Raises TypeError, ValueError or ArithmeticError for a value that no field can hold."""
        if not isinstance(value, list | tuple):
            self.cells += self._add(value)
            return
        self.many = True
        self.cells += sum(map(self._add, value)) > 0

    def _add(self, value: object) -> bool:
        """Count a single value; return False for an unknown one."""
        plain = value.strip() if isinstance(value, str) else value
        # NaN differs from itself.
        if plain is None or plain == "" or plain != plain:
            return False
        if not isinstance(value, str | int | float | Decimal | dt.date | dt.time):
            raise TypeError(f"A field cannot hold a value of type {type(value).__name__}.")
        self.ranges = [range_ for range_ in self.ranges if range_.takes(plain)]
        self._count(str(value))
        return True

    def _count(self, text: str) -> None:
        if text in self.distinct or (len(self.distinct) < self.max_distinct and len(text) <= MAX_VALUE_LENGTH):
            self.distinct[text] += 1
        else:
            self.overflow = True

    def best(self) -> ReadRange | None:
        """Return the first reading left; None for strings, and if day and month may be swapped."""
        if not self.cells or _are_swapped({range_.reading.format for range_ in self.ranges}):
            return None
        return self.ranges[0] if self.ranges else None


def _are_swapped(formats: Set[str]) -> bool:
    """Return whether the formats differ only in the order of day and month."""
    return len(formats) > 1 and all(format_.startswith(_MONTH_OR_DAY_FIRST) for format_ in formats)
