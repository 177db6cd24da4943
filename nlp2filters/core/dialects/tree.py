"""The lowered filter: a few kinds of test whose meaning is fixed, for dialects to write.

Every test is true or not true of a row. A row without a value passes no test but `Missing`; what it passes of the
negated ones is said by `Not.missing`. A field that holds a list passes a test if one of its elements does (the whole
test: of a range, both ends), and an empty list is no value.

No node is ever changed. The classes are not `frozen`, because making a node would then take three times as long.
"""

import dataclasses
import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import is_
from typing import TypeAlias

from nlp2filters.core.catalog import Field
from nlp2filters.core.filters import Anchor

Value: TypeAlias = str | bool | int | float | dt.date | dt.datetime | dt.time


def _pointer() -> str:
    """Create the member for the JSON pointer of a test in the filter that was lowered."""
    at: str = dataclasses.field(default="", compare=False, repr=False)
    return at


@dataclass(slots=True, unsafe_hash=True)
class Eq:
    """The field has the value; with `fold`, in upper or lower case."""

    field: Field
    value: Value
    fold: bool = False
    at: str = _pointer()


@dataclass(slots=True, unsafe_hash=True)
class In:
    """The field has one of two values or more; with `fold`, in upper or lower case."""

    field: Field
    values: tuple[Value, ...]
    fold: bool = False
    at: str = _pointer()


@dataclass(slots=True, unsafe_hash=True)
class Range:
    """The field is between `low` and `high`, of which one may be None; an open end is not itself in the range.

    Instants are in UTC.
    """

    field: Field
    low: Value | None = None
    high: Value | None = None
    low_open: bool = False
    high_open: bool = False
    at: str = _pointer()


@dataclass(slots=True, unsafe_hash=True)
class Has:
    """The string has `text` in it, at its `anchor`; with `fold`, in upper or lower case.

    All signs in the text are literal.
    """

    field: Field
    text: str
    anchor: Anchor = "anywhere"
    fold: bool = True
    at: str = _pointer()


@dataclass(slots=True, unsafe_hash=True)
class Missing:
    """The field has no value."""

    field: Field
    at: str = _pointer()


@dataclass(slots=True, unsafe_hash=True)
class Exists:
    """The field has a value."""

    field: Field
    at: str = _pointer()


Test: TypeAlias = Eq | In | Range | Has


@dataclass(slots=True, unsafe_hash=True)
class Not:
    """The field has a value that does not pass the test; with `missing`, or it has none."""

    test: Test
    missing: bool = False

    @property
    def field(self) -> Field:
        """The field of the test."""
        return self.test.field

    @property
    def at(self) -> str:
        """The pointer of the test."""
        return self.test.at


@dataclass(slots=True, unsafe_hash=True)
class And:
    """All of two parts or more."""

    args: "tuple[Node, ...]"
    at: str = _pointer()


@dataclass(slots=True, unsafe_hash=True)
class Or:
    """At least one of two parts or more."""

    args: "tuple[Node, ...]"
    at: str = _pointer()


Leaf: TypeAlias = Test | Missing | Exists | Not
Node: TypeAlias = Leaf | And | Or


def conjunction(parts: "list[Node]", at: str = "") -> Node:
    """Join one part or more by AND, flattened."""
    return _join(And, parts, at)


def disjunction(parts: "list[Node]", at: str = "") -> Node:
    """Join one part or more by OR, flattened."""
    return _join(Or, parts, at)


def with_args(node: And | Or, parts: "list[Node]") -> Node:
    """Return a node of the same kind with one part or more in place of its own: itself if they are the same objects."""
    if len(parts) == len(node.args) and all(map(is_, parts, node.args)):
        return node
    return _join(type(node), parts, node.at)


def _join(kind: type[And] | type[Or], parts: "list[Node]", at: str) -> Node:
    if len(parts) == 1:
        return parts[0]
    flat: dict[Node, None] = {}
    for part in parts:
        if isinstance(part, kind):
            flat.update(dict.fromkeys(part.args))
        else:
            flat[part] = None
    return kind(tuple(flat), at) if len(flat) > 1 else next(iter(flat))


def leaves(node: Node) -> Iterator[Leaf]:
    """Yield the tests from left to right."""
    match node:
        case And() | Or():
            for arg in node.args:
                yield from leaves(arg)
        case _:
            yield node


def values(test: Test) -> Sequence[Value]:
    """Return the values that a test compares with; the text of `Has` is none."""
    match test:
        case Eq():
            return (test.value,)
        case In():
            return test.values
        case Range():
            return [limit for limit in (test.low, test.high) if limit is not None]
        case Has():
            return ()


def splits_a_millisecond(test: Test) -> bool:
    """Return whether a test compares with an instant that engines with milliseconds cannot store."""
    if test.field.type != "datetime":
        return False
    return any(isinstance(value, dt.datetime) and value.microsecond % 1000 for value in values(test))


def limits(test: Range) -> Iterator[tuple[str, Value]]:
    """Yield the limits of a range with the signs of their comparisons."""
    if test.low is not None:
        yield ">" if test.low_open else ">=", test.low
    if test.high is not None:
        yield "<" if test.high_open else "<=", test.high
