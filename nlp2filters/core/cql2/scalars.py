"""Values in CQL2-JSON."""

import datetime as dt
from dataclasses import asdict
from typing import Any, get_args

from nlp2filters.core.filters import ClockUnit, Relative, RelativeDate, RelativeInstant, Scalar, Unit
from nlp2filters.errors import InvalidFilter, Violation

_UNITS, _CLOCK_UNITS = get_args(Unit), get_args(ClockUnit)


def scalar_to_json(value: Scalar) -> Any:
    """Write a value: `{"timestamp": …}`, `{"date": …}`, or itself.

    `{"time": …}` and `{"relative": …}` are our own extensions.
    """
    match value:
        case str() | int() | float():
            return value
        case dt.datetime():
            text = value.isoformat()
            return {"timestamp": f"{text[:-6]}Z" if text.endswith("+00:00") else text}
        case dt.date():
            return {"date": value.isoformat()}
        case dt.time():
            return {"time": value.isoformat()}
        case RelativeDate():
            return {"relative": asdict(value)}
        case RelativeInstant(offset, unit, time):
            clock = {"time": time.isoformat()} if time else {}
            return {"relative": {"offset": offset, "unit": unit, **clock}}


def scalar_from_json(value: Any, at: str = "") -> Scalar:
    """Read back what `scalar_to_json` wrote; `at` is the pointer for an `InvalidFilter`."""
    try:
        match value:
            case bool() | int() | float() | str():
                return value
            case {"date": str(text), **rest} if not rest:
                return dt.date.fromisoformat(text)
            case {"timestamp": str(text), **rest} if not rest:
                return dt.datetime.fromisoformat(text)
            case {"time": str(text), **rest} if not rest:
                return dt.time.fromisoformat(text)
            case {"relative": dict(relative), **rest} if not rest:
                return _relative(relative)
            case None:
                raise InvalidFilter([Violation(at, 'Nothing equals null. Write {"op": "isNull", "args": […]}.')])
    except ValueError as exc:
        raise InvalidFilter([Violation(at, f"{exc}. Write ISO 8601.")]) from exc
    raise InvalidFilter([Violation(at, 'Expected a string, number, boolean, {"date": …} or {"timestamp": …}.')])


def instant_from_json(text: Any, at: str) -> Scalar:
    """Read an end of an interval: a date or a timestamp, as a string."""
    is_date = isinstance(text, str) and len(text) == len("2026-01-31")
    return scalar_from_json({"date" if is_date else "timestamp": text}, at)


def _relative(data: dict[str, Any]) -> Relative:
    match data:
        case {"offset": int(offset), "unit": unit, **rest} if unit in _CLOCK_UNITS and not rest:
            return RelativeInstant(offset, unit)
        case {"offset": int(offset), "unit": unit, "time": str(time), **rest} if unit in _UNITS and not rest:
            return RelativeInstant(offset, unit, dt.time.fromisoformat(time))
    match {"floor": "day", "edge": "first", **data}:
        case {"offset": int(offset), "unit": unit, "floor": floor, "edge": "first" | "last" as edge, **rest} if (
            unit in _UNITS and floor in _UNITS and not rest
        ):
            return RelativeDate(offset, unit, floor, edge)
    raise ValueError("A relative date has an offset, a unit, and may have a floor and an edge, or a time")
