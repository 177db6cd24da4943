"""Parameters of an SQL statement: their kinds, their notations, and their values as JSON."""

import datetime as dt
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from nlp2filters.core.catalog import FieldType
from nlp2filters.core.dialects.stored_values import in_form
from nlp2filters.core.dialects.tree import Value
from nlp2filters.core.mapping import ParamStyle

Kind = Literal[
    "string",
    "integer",
    "float",
    "boolean",
    "date",
    "datetime",  # an instant in UTC, without a zone
    "instant",  # an instant with its zone
    "time",
    "epoch_seconds",  # a number that says when
    "epoch_milliseconds",
]

KINDS: Mapping[FieldType, Kind] = {
    "keyword": "string",
    "text": "string",
    "integer": "integer",
    "number": "float",
    "money": "float",
    "duration": "float",
    "date": "date",
    "datetime": "datetime",
    "time": "time",
    "boolean": "boolean",
    "geo": "string",
}
TEMPORAL_KINDS: frozenset[Kind] = frozenset({"date", "datetime", "instant", "time"})

NOTATIONS: Mapping[ParamStyle, str] = {
    "named": ":{name}",
    "pyformat": "%({name})s",
    "format": "%s",
    "qmark": "?",
    "numeric": ":{number}",
    "numeric_dollar": "${number}",
    "dollar": "${name}",
    "at": "@{name}",
    "typed": "{{{name}:{type}}}",
    "text": ":{name}",
}
POSITIONAL: frozenset[ParamStyle] = frozenset({"format", "qmark", "numeric", "numeric_dollar"})
# What else would be read as the beginning of a parameter.
ESCAPES: Mapping[ParamStyle, tuple[str, str]] = {
    "pyformat": ("%", "%%"),
    "format": ("%", "%%"),
    "text": (":", "\\:"),
}

_INT64 = range(-(2**63), 2**63)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value to bind, or a list of values."""

    value: Value | tuple[Value, ...]
    kind: Kind
    type: str


class Parameters(ABC):
    """The parameters of one statement, in the order of their places."""

    @abstractmethod
    def add(self, parameter: Parameter) -> str:
        """Add a parameter, and return what stands for it in the statement."""

    @abstractmethod
    def escaped(self, name: str) -> str:
        """Return a quoted identifier so that no part of it is read as a parameter."""


class TextParameters(Parameters):
    """Parameters in one of the usual notations."""

    def __init__(self, style: ParamStyle) -> None:
        self.style = style
        self.all: dict[str, Parameter] = {}

    def add(self, parameter: Parameter) -> str:
        number = len(self.all) + 1
        name = f"p_{number}"
        self.all[name] = parameter
        return NOTATIONS[self.style].format(name=name, number=number, type=parameter.type)

    def escaped(self, name: str) -> str:
        return name.replace(*ESCAPES[self.style]) if self.style in ESCAPES else name


def value_of_kind(value: Value, kind: Kind) -> tuple[Value, Kind]:
    """Return a value as a column of some kind holds it, with the kind that it has then."""
    if kind in ("epoch_seconds", "epoch_milliseconds"):
        value = in_form(value, kind)
    elif kind == "datetime" and isinstance(value, dt.datetime):
        value = value.astimezone(dt.UTC).replace(tzinfo=None)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value, kind
    # A parameter of 64 bits may be compared with any number.
    return (value, "integer") if isinstance(value, int) and value in _INT64 else (float(value), "float")
