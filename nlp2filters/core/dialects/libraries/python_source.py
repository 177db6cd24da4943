"""Python expressions as text, written by using them.

A writer calls a library's own functions. Given a `variable` in place of the library, the same calls give their text:

    >>> pl = variable("pl")
    >>> source_of((pl.col("price") <= 80) & pl.col("tags").list.len().is_in([1, 2]))
    "(pl.col('price') <= 80) & pl.col('tags').list.len().is_in([1, 2])"

All values in the text are written by `repr`, so that none of them is code.
"""

# The operators of an expression return expressions, which those of a tuple do not.
# mypy: disable-error-code="override"

import datetime as dt
import keyword
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any


class Source(tuple[str, ...]):
    """An expression: its text, the same as the operand of what binds more tightly, and the sign of its operator if any.

    Every attribute of it is an expression, too. It is a tuple because members of its own would have to be told from
    those, by an error that takes three times as long as the rest.
    """

    __slots__ = ()

    def __getattribute__(self, name: str) -> "Source":
        _, operand, _ = self
        text = f"{operand}.{name}"
        return Source((text, text, ""))

    def __call__(self, *args: Any, **options: Any) -> "Source":
        _, operand, _ = self
        text = f"{operand}({_arguments(args, options) if args or options else ''})"
        return Source((text, text, ""))

    def __getitem__(self, key: Any) -> "Source":
        _, operand, _ = self
        text = f"{operand}[{source_of(key)}]"
        return Source((text, text, ""))

    def __invert__(self) -> "Source":
        _, operand, _ = self
        return _operation(f"~{operand}", "~")

    def __and__(self, other: "Source") -> "Source":
        return _chain(self, "&", other)

    def __or__(self, other: "Source") -> "Source":
        return _chain(self, "|", other)

    def __eq__(self, other: object) -> "Source":
        return _comparison(self, "==", other)

    def __lt__(self, other: Any) -> "Source":
        return _comparison(self, "<", other)

    def __le__(self, other: Any) -> "Source":
        return _comparison(self, "<=", other)

    def __gt__(self, other: Any) -> "Source":
        return _comparison(self, ">", other)

    def __ge__(self, other: Any) -> "Source":
        return _comparison(self, ">=", other)

    __hash__ = None  # type: ignore[assignment]


def variable(name: str) -> Source:
    """Return the expression of a name."""
    return Source((name, name, ""))


def source_of(value: Any) -> str:
    """Return the text of an expression, or of a value: a date is `datetime.date(2026, 1, 31)`."""
    if type(value) in _LITERALS:
        return repr(value)
    match value:
        case Source():
            text, _, _ = value
            return text
        case list():
            return f"[{', '.join(map(source_of, value))}]"
        case dict():
            return f"{{{', '.join(f'{source_of(key)}: {source_of(item)}' for key, item in value.items())}}}"
        case slice():
            return f":{source_of(value.stop)}"
    raise TypeError(f"{type(value).__name__} has no literal.")


_LITERALS = frozenset({str, bool, int, float, dt.date, dt.datetime, dt.time, type(None)})


def _arguments(args: Sequence[Any], options: Mapping[str, Any]) -> str:
    """Return the arguments of a call, last those whose names cannot stand in it."""
    text, others = "", {}
    for arg in args:
        text += f"{source_of(arg)}, "
    for name, value in options.items():
        if _is_name(name):
            text += f"{name}={source_of(value)}, "
        else:
            others[name] = value
    if others:
        text += f"**{source_of(others)}, "
    return text[:-2]


@lru_cache(maxsize=1024)
def _is_name(text: str) -> bool:
    return text.isidentifier() and not keyword.iskeyword(text)


def _operation(text: str, sign: str) -> Source:
    return Source((text, f"({text})", sign))


def _comparison(first: Source, sign: str, second: Any) -> Source:
    return _operation(f"{_operand(first)} {sign} {_operand(second)}", sign)


def _chain(first: Source, sign: str, second: Source) -> Source:
    """Write an operation of which more than one need no parentheses."""
    first_text, first_operand, first_sign = first
    second_text, second_operand, second_sign = second
    left = first_text if first_sign in ("", "~", sign) else first_operand
    right = second_text if second_sign in _BINDING else second_operand
    return _operation(f"{left} {sign} {right}", sign)


def _operand(value: Any) -> str:
    """Return the text of an operand of a comparison."""
    if type(value) is not Source:
        return source_of(value)
    text, operand, sign = value
    return text if sign in _BINDING else operand


# The signs of operators that bind more tightly than those between two operands, or of none.
_BINDING = ("", "~")
