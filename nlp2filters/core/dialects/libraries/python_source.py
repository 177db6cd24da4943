"""Python expressions as text, written by using them.

A writer calls a library's own functions. Given a `Source` in place of the library, the same calls give their text:

    >>> pl = Source("pl")
    >>> source_of((pl.col("price") <= 80) & pl.col("tags").list.len().is_in([1, 2]))
    "(pl.col('price') <= 80) & pl.col('tags').list.len().is_in([1, 2])"

All values in the text are written by `repr`, so that none of them is code.
"""

import datetime as dt
import keyword
from collections.abc import Iterator, Mapping
from typing import Any


class Source:
    """An expression, and the sign of the operator that binds last in it, if any."""

    __slots__ = ("_sign", "_text")

    def __init__(self, text: str, sign: str = "") -> None:
        self._text = text
        self._sign = sign

    def __getattr__(self, name: str) -> "Source":
        return Source(f"{_operand(self)}.{name}")

    def __call__(self, *args: Any, **options: Any) -> "Source":
        written = [*map(source_of, args), *_options(options)] if options else map(source_of, args)
        return Source(f"{_operand(self)}({', '.join(written)})")

    def __getitem__(self, key: Any) -> "Source":
        return Source(f"{_operand(self)}[{source_of(key)}]")

    def __invert__(self) -> "Source":
        return Source(f"~{_operand(self)}", "~")

    def __and__(self, other: Any) -> "Source":
        return _binary(self, "&", other)

    def __or__(self, other: Any) -> "Source":
        return _binary(self, "|", other)

    def __eq__(self, other: object) -> "Source":  # type: ignore[override]
        return _binary(self, "==", other)

    def __lt__(self, other: Any) -> "Source":
        return _binary(self, "<", other)

    def __le__(self, other: Any) -> "Source":
        return _binary(self, "<=", other)

    def __gt__(self, other: Any) -> "Source":
        return _binary(self, ">", other)

    def __ge__(self, other: Any) -> "Source":
        return _binary(self, ">=", other)

    __hash__ = None  # type: ignore[assignment]


def source_of(value: Any) -> str:
    """Return the text of an expression, or of a value: a date is `datetime.date(2026, 1, 31)`."""
    if type(value) in _LITERALS:
        return repr(value)
    match value:
        case Source():
            return value._text
        case list():
            return f"[{', '.join(map(source_of, value))}]"
        case dict():
            return f"{{{', '.join(f'{source_of(key)}: {source_of(item)}' for key, item in value.items())}}}"
        case slice():
            return f":{source_of(value.stop)}"
    raise TypeError(f"{type(value).__name__} has no literal.")


_LITERALS = frozenset({str, bool, int, float, dt.date, dt.datetime, dt.time, type(None)})


def _options(options: Mapping[str, Any]) -> Iterator[str]:
    """Yield named arguments, and last those whose names cannot stand in a call."""
    plain = {name: value for name, value in options.items() if name.isidentifier() and not keyword.iskeyword(name)}
    yield from (f"{name}={source_of(value)}" for name, value in plain.items())
    if others := {name: value for name, value in options.items() if name not in plain}:
        yield f"**{source_of(others)}"


def _operand(value: Any, beside: str = "") -> str:
    """Return the text of an operand, in parentheses if it ends in an operator other than those in `beside`."""
    is_loose = isinstance(value, Source) and value._sign != "" and value._sign not in beside
    return f"({source_of(value)})" if is_loose else source_of(value)


def _binary(first: Source, sign: str, second: Any) -> Source:
    # A chain of one sign needs no parentheses, except of comparisons.
    chain = sign if sign in "&|" else ""
    return Source(f"{_operand(first, f'~{chain}')} {sign} {_operand(second, '~')}", sign)
