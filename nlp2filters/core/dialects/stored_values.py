"""Values in the form in which an engine stores them."""

import datetime as dt

from nlp2filters.core.dialects.tree import Value
from nlp2filters.core.mapping import Form

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def in_form(value: Value, form: Form) -> str | bool | int | float:
    """Return a value as JSON data: a date or time as ISO 8601 text, or as a number since 1970 or since midnight.

    A day is stored as its midnight in UTC.
    """
    if not isinstance(value, dt.date | dt.time):
        return value
    if form not in ("epoch_seconds", "epoch_milliseconds"):
        return iso(value)
    milliseconds = _since(value) / dt.timedelta(milliseconds=1)
    number = milliseconds if form == "epoch_milliseconds" else milliseconds / 1000
    return int(number) if number.is_integer() else number


def iso(value: dt.date | dt.time) -> str:
    """Return ISO 8601 text; an instant is in UTC, with a Z."""
    text = value.isoformat()
    return text.removesuffix("+00:00") + "Z" if isinstance(value, dt.datetime) else text


def iso_milliseconds(instant: dt.datetime) -> str:
    """Return ISO 8601 text of an instant in UTC, with three decimals of its second."""
    return f"{instant.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


def _since(value: dt.date | dt.time) -> dt.timedelta:
    match value:
        case dt.datetime():
            return value - _EPOCH
        case dt.time():
            return dt.datetime.combine(_EPOCH, value, dt.UTC) - _EPOCH
        case _:
            return dt.datetime.combine(value, dt.time(), dt.UTC) - _EPOCH
