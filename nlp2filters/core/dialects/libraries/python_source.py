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
from collections.abc import Mapping
from functools import lru_cache
from typing import Any


class Source(tuple[str, ...]):
    """An expression: its text, and the sign of the operator that binds last in it, if any.

    Every attribute of it is an expression, too. It is a tuple because members of its own would have to be told from
    those, by an error that takes three times as long as the rest.
    """

    __slots__ = ()

    def __getattribute__(self, name: str) -> "Source":
        return Source((f"{_primary(self)}.{name}", ""))

    def __call__(self, *args: Any, **options: Any) -> "Source":
        written = [*map(source_of, args), *_options(options)] if options else map(source_of, args)
        return Source((f"{_primary(self)}({', '.join(written)})", ""))

    def __getitem__(self, key: Any) -> "Source":
        return Source((f"{_primary(self)}[{source_of(key)}]", ""))

    def __invert__(self) -> "Source":
        return Source((f"~{_primary(self)}", "~"))

    def __and__(self, other: Any) -> "Source":
        return _binary(self, "&", other)

    def __or__(self, other: Any) -> "Source":
        return _binary(self, "|", other)

    def __eq__(self, other: object) -> "Source":
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


def variable(name: str) -> Source:
    """Return the expression of a name."""
    return Source((name, ""))


def source_of(value: Any) -> str:
    """Return the text of an expression, or of a value: a date is `datetime.date(2026, 1, 31)`."""
    if type(value) in _LITERALS:
        return repr(value)
    match value:
        case Source():
            text, _ = value
            return text
        case list():
            return f"[{', '.join(map(source_of, value))}]"
        case dict():
            return f"{{{', '.join(f'{source_of(key)}: {source_of(item)}' for key, item in value.items())}}}"
        case slice():
            return f":{source_of(value.stop)}"
    raise TypeError(f"{type(value).__name__} has no literal.")


_LITERALS = frozenset({str, bool, int, float, dt.date, dt.datetime, dt.time, type(None)})


def _options(options: Mapping[str, Any]) -> list[str]:
    """Return named arguments, and last those whose names cannot stand in a call."""
    written = [f"{name}={source_of(value)}" for name, value in options.items() if _is_name(name)]
    if len(written) < len(options):
        others = {name: value for name, value in options.items() if not _is_name(name)}
        written.append(f"**{source_of(others)}")
    return written


@lru_cache(maxsize=1024)
def _is_name(text: str) -> bool:
    return text.isidentifier() and not keyword.iskeyword(text)


def _primary(source: Source) -> str:
    """Return the text of what an attribute or a call binds to: in parentheses if it has an operator."""
    text, sign = source
    return f"({text})" if sign else text


def _operand(value: Any, beside: str) -> str:
    """Return the text of an operand, in parentheses if it ends in an operator other than those in `beside`."""
    if type(value) is not Source:
        return source_of(value)
    text, sign = value
    return text if sign in beside else f"({text})"


def _binary(first: Source, sign: str, second: Any) -> Source:
    # A chain of one sign needs no parentheses, except of comparisons.
    first_text = _operand(first, f"~{sign}" if sign in "&|" else "~")
    return Source((f"{first_text} {sign} {_operand(second, '~')}", sign))
