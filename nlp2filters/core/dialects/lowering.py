"""Rewrites of the filter tree that every dialect would otherwise have to do by itself."""

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from nlp2filters.core.catalog import STRINGS, Catalog, Field, is_spelling
from nlp2filters.core.filters import (
    And,
    Between,
    Comparison,
    Contains,
    Filter,
    IsNull,
    Leaf,
    Not,
    OneOf,
    Or,
    Relative,
    Scalar,
    all_of,
    any_of,
    map_leaves,
    push_not_inward,
)

T = TypeVar("T")


def lower(filter: Filter, catalog: Catalog, zone: dt.tzinfo = dt.UTC) -> Filter:  # noqa: A002
    """Return the filter in negation normal form, with datetime fields compared to instants only.

    A known value is asked for in all its spellings: see `Value`.

    A day is a span of instants on a datetime field: "= day" is within it, "<= day" before the next
    midnight, "> day" from the next midnight on. Days begin at midnight in `zone`; instants come out in UTC.

    Raises:
        ValueError: for a relative date; see `filters.resolve`.
    """

    def change(leaf: Leaf) -> Filter:
        match leaf:
            case Comparison(value=value) if isinstance(value, Relative):
                raise ValueError(f"{leaf} has a relative date: resolve the filter first.")
            case Between(low=low, high=high) if isinstance(low, Relative) or isinstance(high, Relative):
                raise ValueError(f"{leaf} has a relative date: resolve the filter first.")
            case OneOf(values=values) if any(isinstance(value, Relative) for value in values):
                raise ValueError(f"{leaf} has a relative date: resolve the filter first.")
        field = catalog.by_name[leaf.field]
        if field.type == "keyword":
            return _in_all_spellings(leaf, field)
        if field.type != "datetime":
            return leaf
        return _spans(leaf, zone) if field.many else _instants(leaf, zone)

    return _flat(push_not_inward(map_leaves(filter, change)))


def fold(
    node: Filter,
    *,
    leaf: Callable[[Leaf], T],
    negated: Callable[[Leaf], T],
    every: Callable[[Sequence[T]], T],
    some: Callable[[Sequence[T]], T],
) -> T:
    """Write a lowered filter from the inside out: its tests, its negated tests, and what AND and OR make of parts.

    Raises:
        ValueError: a negation is around something else than a test.
    """

    def write(part: Filter) -> T:
        match part:
            case And(args):
                return every([write(arg) for arg in args])
            case Or(args):
                return some([write(arg) for arg in args])
            case Not(Comparison() | Between() | OneOf() | Contains() | IsNull() as inner):
                return negated(inner)
            case Not():
                raise ValueError(f"not in negation normal form: {part}")
            case _:
                return leaf(part)

    return write(node)


def folds_case(field: Field) -> bool:
    """Return whether `=` and `in` ignore case.

    They do on text and on open keywords, where the spelling is the user's. The values of a closed keyword
    are known, so they are in their stored spelling and compared exactly, which an index can serve.
    """
    return field.type in STRINGS and not field.closed


def _in_all_spellings(leaf: Leaf, field: Field) -> Filter:
    """Ask for a value's other spellings as well: its synonyms that differ from it in case and blanks only."""
    match leaf:
        case Comparison("=" | "<>" as op, name, str() as value) if others := tuple(_spellings(field, value)):
            test = OneOf(name, (value, *others))
            return test if op == "=" else Not(test)
        case OneOf(name, values):
            spelled = (spelling for value in values for spelling in (value, *_spellings(field, value)))
            return OneOf(name, tuple(dict.fromkeys(spelled)))
    return leaf


def _spellings(field: Field, spelling: Scalar) -> Iterator[str]:
    value = next((value for value in field.values if value.value == spelling), None)
    if value:
        yield from (synonym for synonym in value.synonyms if is_spelling(synonym, value.value))


def _flat(node: Filter) -> Filter:
    """Return the filter without AND inside AND or OR inside OR."""
    match node:
        case And(args):
            return all_of(*map(_flat, args)) or node
        case Or(args):
            return any_of(*map(_flat, args)) or node
        case _:
            return node


def _instants(leaf: Leaf, zone: dt.tzinfo) -> Filter:
    match leaf:
        case Comparison(op, name, value) if _is_day(value):
            start, end = _day(value, zone)
            match op:
                case "=":
                    return And((Comparison(">=", name, start), Comparison("<", name, end)))
                case "<>":
                    return Or((Comparison("<", name, start), Comparison(">=", name, end)))
                case "<" | ">=":
                    return Comparison(op, name, start)
                case "<=":
                    return Comparison("<", name, end)
                case ">":
                    return Comparison(">=", name, end)
        case Between(name, low, high) if _is_day(low) or _is_day(high):
            return And(
                (_instants(Comparison(">=", name, low), zone), _instants(Comparison("<=", name, high), zone)),
            )
        case OneOf(name, values) if any(_is_day(value) for value in values):
            tests = tuple(_instants(Comparison("=", name, value), zone) for value in values)
            return Or(tests) if len(tests) > 1 else tests[0]
    return leaf


def _spans(leaf: Leaf, zone: dt.tzinfo) -> Filter:
    """Compare a list of instants to days.

    One of the instants must pass the whole test, so a day is one range of microseconds.
    """
    match leaf:
        case Comparison("=", name, value) if _is_day(value):
            return _within(name, value, value, zone)
        case Comparison("<>", name, value) if _is_day(value):
            return Not(_within(name, value, value, zone))
        case Between(name, low, high) if _is_day(low) or _is_day(high):
            return _within(name, low, high, zone)
        case OneOf(name, values) if any(_is_day(value) for value in values):
            tests = tuple(_spans(Comparison("=", name, value), zone) for value in values)
            return Or(tests) if len(tests) > 1 else tests[0]
    return leaf


def _within(name: str, low: Scalar, high: Scalar, zone: dt.tzinfo) -> Between:
    first = _day(low, zone)[0] if _is_day(low) else low
    last = _day(high, zone)[1] - dt.timedelta(microseconds=1) if _is_day(high) else high
    return Between(name, first, last)


def _is_day(value: Scalar) -> bool:
    return isinstance(value, dt.date) and not isinstance(value, dt.datetime)


def _day(value: Scalar, zone: dt.tzinfo) -> tuple[dt.datetime, dt.datetime]:
    """Return the first instant of the day and that of the next one."""
    assert isinstance(value, dt.date)
    return _midnight(value, 0, zone), _midnight(value, 1, zone)


def _midnight(day: dt.date, later: int, zone: dt.tzinfo) -> dt.datetime:
    try:
        return dt.datetime.combine(day + dt.timedelta(days=later), dt.time(), zone).astimezone(dt.UTC)
    # The day is at one end of the calendar.
    except OverflowError:
        return (dt.datetime.min if day.year == 1 else dt.datetime.max).replace(tzinfo=dt.UTC)
