"""Write CQL2-JSON as CQL2-text."""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from nlp2filters.core.cql2.text import KEYWORDS, LITERALS

_PLAIN = re.compile(r"[A-Za-z_:][A-Za-z0-9_:.]*")
# Readers take these for an escape.
_AMBIGUOUS_BACKSLASH = re.compile(r"\\(?=[abtnvfr'\\]|\Z)")
_SIGNS = str.maketrans(
    {"\a": "\\a", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\v": "\\v", "\f": "\\f", "\r": "\\r", "'": "''"}
)
_RESERVED = frozenset((*KEYWORDS, *LITERALS))


def write(expression: Any) -> str:
    """Write an expression that `standard` wrote.

    A name may have any character in quotation marks, of which those in it are doubled; the standard has letters only.
    """
    if not isinstance(expression, dict) or "op" not in expression:
        return _value(expression)
    op, args = expression["op"], expression["args"]
    form = _FORMS.get(op)
    return form(args) if form else _call(op, args)


def _value(value: Any) -> str:
    match value:
        case str():
            return _string(value)
        case {"property": name}:
            return _name(name)
        case {"interval": ends}:
            return f"INTERVAL({', '.join(map(_string, ends))})"
        case dict():
            ((kind, text),) = value.items()
            return f"{kind.upper()}({_string(text)})"
        case bool():
            return "TRUE" if value else "FALSE"
        case int() | float():
            return repr(value).upper()
        case _:
            return _list(value)


@lru_cache(maxsize=1024)
def _name(name: str) -> str:
    if _PLAIN.fullmatch(name) and name.lower() not in _RESERVED:
        return name
    escaped = name.replace('"', '""')
    return f'"{escaped}"'


def _string(text: str) -> str:
    doubled = _AMBIGUOUS_BACKSLASH.sub(r"\\\\", text)
    return f"'{doubled.translate(_SIGNS)}'"


def _list(values: list[Any]) -> str:
    return f"({', '.join(map(write, values))})"


def _call(op: str, args: list[Any]) -> str:
    return f"{op.upper()}({', '.join(map(write, args))})"


def _joined(word: str) -> Callable[[list[Any]], str]:
    return lambda args: f" {word} ".join(map(_part, args))


def _part(expression: Any) -> str:
    """Write a part of an AND, OR or NOT: in parentheses if it is one of them."""
    text = write(expression)
    return f"({text})" if expression["op"] in ("and", "or", "not", "between") else text


def _infix(operator: str) -> Callable[[list[Any]], str]:
    return lambda args: f"{write(args[0])} {operator} {write(args[1])}"


_FORMS: Mapping[str, Callable[[list[Any]], str]] = {
    **{operator: _infix(operator) for operator in ("=", "<>", "<", "<=", ">", ">=")},
    "like": _infix("LIKE"),
    "in": _infix("IN"),
    "between": lambda args: f"{write(args[0])} BETWEEN {write(args[1])} AND {write(args[2])}",
    "isNull": lambda args: f"{write(args[0])} IS NULL",
    "not": lambda args: f"NOT {_part(args[0])}",
    "and": _joined("AND"),
    "or": _joined("OR"),
}
