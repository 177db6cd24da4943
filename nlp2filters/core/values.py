"""Values of filters in the types of their fields."""

import datetime as dt
import math
import re
from contextlib import suppress
from typing import Literal

from nlp2filters.core.catalog import NUMERIC, Field
from nlp2filters.core.filters import Relative, RelativeDate, RelativeInstant, Scalar

MAX_TEXT = 500
# Beyond this, JSON readers that use doubles round.
MAX_INTEGER = 2**53
MAX_OFFSET_DAYS = 366 * 1000

_DAYS = {"day": 1, "week": 7, "month": 31, "quarter": 92, "year": 366}
_NUMBER = re.compile(r"[+-]?\d{1,400}(\.\d{1,400})?([eE][+-]?\d{1,3})?")

Rounding = Literal["up", "down"]


def coerce(value: Scalar, of: Field, rounding: Rounding | None = None) -> Scalar:
    """Convert a value to the type of a field that is not a string; `rounding` is for fractions on an integer field.

    Raises:
        ValueError: with the form that was expected, as a sentence for people.
    """
    match of.type:
        case "integer":
            return _integer(value, rounding)
        case "boolean":
            return _boolean(value)
        case "date":
            return _date(value)
        case "datetime":
            return _datetime(value)
        case "time":
            return _time(value)
        case _ if of.type in NUMERIC:
            return _number(value)
    raise ValueError(f"A {of.type} field has no values to compare with.")


def checked_text(value: str) -> str:
    """Return a string that every engine takes.

    Raises:
        ValueError: it is too long, or has characters that are none.
    """
    if len(value) > MAX_TEXT:
        raise ValueError(f"The text has {len(value)} characters; {MAX_TEXT} are allowed.")
    if "\0" in value:
        raise ValueError("The text contains a NUL character.")
    try:
        value.encode()
    except UnicodeEncodeError as exc:
        raise ValueError("The text contains half a surrogate pair.") from exc
    return value


def _number(value: Scalar) -> int | float:
    number: int | float
    match value:
        case bool():
            raise ValueError(f"Expected a number, not {value}.")
        case int() | float():
            number = value
        case str() if _NUMBER.fullmatch(value.strip()):
            text = value.strip()
            number = float(text) if set(text) & set(".eE") else int(text)
        case _:
            raise ValueError(f"Expected a number, not {shown(value)}.")
    if isinstance(number, float) and not math.isfinite(number):
        raise ValueError("Expected a finite number.")
    if isinstance(number, int) and abs(number) > MAX_INTEGER:
        raise ValueError("Expected a number within ±2**53.")
    return number


def _integer(value: Scalar, rounding: Rounding | None) -> int:
    number = _number(value)
    if number != int(number):
        if not rounding:
            raise ValueError(f"Expected a whole number, not {shown(value)}.")
        number = math.ceil(number) if rounding == "up" else math.floor(number)
    return int(_number(int(number)))


def _boolean(value: Scalar) -> bool:
    if isinstance(value, str):
        value = {"true": True, "false": False}.get(value.strip().lower(), value)
    if not isinstance(value, bool):
        raise ValueError(f"Expected true or false, not {shown(value)}.")
    return value


def _date(value: Scalar) -> dt.date | RelativeDate:
    if isinstance(value, RelativeInstant):
        raise ValueError(f"Expected a date such as 2026-01-31, without a time of day, not {shown(value)}.")
    day = _temporal(value, "a date such as 2026-01-31")
    if isinstance(day, dt.datetime):
        if day.time() != dt.time():
            raise ValueError(f"Expected a date such as 2026-01-31, without a time of day, not {shown(value)}.")
        return day.date()
    return day


def _datetime(value: Scalar) -> dt.date | Relative:
    moment = (
        _instant(value)
        if isinstance(value, RelativeInstant)
        else _temporal(value, "a date or an instant such as 2026-01-31T18:30:00Z")
    )
    if not isinstance(moment, dt.datetime):
        return moment
    if moment.tzinfo is None:
        return moment.replace(tzinfo=dt.UTC)
    try:
        return moment.astimezone(dt.UTC)
    except OverflowError as exc:
        raise ValueError("The instant lies outside the years 1 to 9999.") from exc


def _instant(value: RelativeInstant) -> RelativeInstant:
    if abs(value.offset) * _DAYS.get(value.unit, 1) > MAX_OFFSET_DAYS:
        raise ValueError("A relative date may lie 1,000 years away at the most.")
    return value


def _temporal(value: Scalar, expected: str) -> dt.date | RelativeDate:
    match value:
        case RelativeDate(offset, unit):
            if abs(offset) * _DAYS[unit] > MAX_OFFSET_DAYS:
                raise ValueError("A relative date may lie 1,000 years away at the most.")
            return value
        case dt.date():
            return value
        case str() if len(value) <= MAX_TEXT:
            for read in (dt.date.fromisoformat, dt.datetime.fromisoformat):
                try:
                    return read(value.strip())
                except ValueError:
                    continue
    raise ValueError(f"Expected {expected}, not {shown(value)}.")


def _time(value: Scalar) -> dt.time:
    time: object = value
    if isinstance(value, str):
        with suppress(ValueError):
            time = dt.time.fromisoformat(value.strip())
    if not isinstance(time, dt.time) or time.tzinfo:
        raise ValueError(f"Expected a time of day such as 18:30, not {shown(value)}.")
    return time


def shown(value: object) -> str:
    """Quote a value for a fault: short, and without characters that JSON cannot carry."""
    text = repr(value) if isinstance(value, str | Relative) else str(value)
    return text if len(text) <= 60 else text[:59] + "…"
