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
from functools import lru_cache
from typing import Any


class Source:
    """An expression, and the sign of the operator that binds last in it, if any."""

    __slots__ = ("_operand", "_sign", "_text")

    def __init__(self, text: str, sign: str = "") -> None:
        self._text = text
        self._sign = sign
        self._operand = f"({text})" if sign else text

    def __getattr__(self, name: str) -> "Source":
        return Source(f"{self._operand}.{name}")

    def __call__(self, *args: Any, **options: Any) -> "Source":
        written = [*map(source_of, args), *_options(options)] if options else map(source_of, args)
        return Source(f"{self._operand}({', '.join(written)})")

    def __getitem__(self, key: Any) -> "Source":
        return Source(f"{self._operand}[{source_of(key)}]")

    def __invert__(self) -> "Source":
        return Source(f"~{self._operand}", "~")

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
    match value:
        case Source():
            return value._text
        case _ if type(value) in _LITERALS:
            return repr(value)
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
    others = {}
    for name, value in options.items():
        if _is_name(name):
            yield f"{name}={source_of(value)}"
        else:
            others[name] = value
    if others:
        yield f"**{source_of(others)}"


@lru_cache(maxsize=1024)
def _is_name(text: str) -> bool:
    return text.isidentifier() and not keyword.iskeyword(text)


def _operand(value: Any, beside: str) -> str:
    """Return the text of an operand, in parentheses if it ends in an operator other than those in `beside`."""
    if not isinstance(value, Source):
        return source_of(value)
    return value._text if value._sign in beside else value._operand


def _binary(first: Source, sign: str, second: Any) -> Source:
    # A chain of one sign needs no parentheses, except of comparisons.
    first_text = _operand(first, f"~{sign}" if sign in "&|" else "~")
    return Source(f"{first_text} {sign} {_operand(second, '~')}", sign)
