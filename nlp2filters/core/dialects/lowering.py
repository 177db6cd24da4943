"""Lowering: a checked and resolved filter as a tree of tests whose meaning is fixed (`tree`)."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from nlp2filters.core import filters
from nlp2filters.core.catalog import STRINGS, Catalog, Field, is_spelling
from nlp2filters.core.dialects.tree import (
    Eq,
    Exists,
    Has,
    In,
    Missing,
    Node,
    Not,
    Range,
    Test,
    Value,
    conjunction,
    disjunction,
)
from nlp2filters.core.filters import (
    Between,
    Comparison,
    Contains,
    Filter,
    IsNull,
    OneOf,
    RelativeDate,
    RelativeInstant,
    Scalar,
)

Unknown = Literal["exclude", "include"]


def lower(
    filter: Filter,  # noqa: A002
    catalog: Catalog,
    zone: dt.tzinfo = dt.UTC,
    unknown: Unknown = "exclude",
) -> Node:
    """Lower a filter. Each test points to its place in the filter's CQL2-JSON.

    A known value is asked for in all its spellings: see `catalog.Value`. A day is a span of instants on a datetime
    field; it begins at midnight in `zone`. Instants come out in UTC, and -0.0 as 0.0.

    With `unknown="exclude"`, logic has three values as in SQL and CQL2: neither a test nor its opposite selects a row
    without a value. With "include", it has two: an unknown value passes no test, and so it passes every opposite
    ("not Beats" finds what has no brand). The opposite of a boolean is "= false".

    Raises:
        ValueError: for a relative date; see `filters.resolve`.
    """
    return _Lowering(catalog, zone, include=unknown == "include").node(filter, "", negated=False)


def folds_case(field: Field) -> bool:
    """Return whether `=` and `in` ignore case.

    They do on text and on open keywords, where the spelling is the user's. The values of a closed keyword
    are known, so they are in their stored spelling and compared exactly, which an index can serve.
    """
    return field.type in STRINGS and not field.closed


@dataclass(frozen=True, slots=True)
class _Lowering:
    catalog: Catalog
    zone: dt.tzinfo
    include: bool

    def node(self, node: Filter, at: str, *, negated: bool) -> Node:
        match node:
            case filters.Not():
                return self.node(node.arg, f"{at}/args/0", negated=not negated)
            case filters.And() | filters.Or():
                parts = [self.node(arg, f"{at}/args/{index}", negated=negated) for index, arg in enumerate(node.args)]
                # De Morgan's laws hold in logic of two values and of three.
                join = conjunction if isinstance(node, filters.And) is not negated else disjunction
                return join(parts, at)
            case _:
                return self.leaf(node, self.catalog.by_name[node.field], at, negated=negated)

    def leaf(self, leaf: filters.Leaf, field: Field, at: str, *, negated: bool) -> Node:
        match leaf:
            case Comparison():
                return self.comparison(leaf, field, at, negated=negated)
            case OneOf():
                return self.one_of(field, leaf.values, at, exact=leaf.exact, negated=negated)
            case Contains():
                return self.test(Has(field, leaf.text, leaf.anchor, not leaf.exact, at), negated=negated)
            case Between():
                start, _ = self.span(field, leaf.low)
                last, end = self.span(field, leaf.high)
                return self.test(Range(field, start, end, False, last != end, at), negated=negated)
            case IsNull():
                return Exists(field, at) if negated else Missing(field, at)

    def comparison(self, leaf: Comparison, field: Field, at: str, *, negated: bool) -> Node:
        op = leaf.op
        if op in ("=", "<>"):
            return self.one_of(field, (leaf.value,), at, exact=leaf.exact, negated=negated is not (op == "<>"))
        if negated and not self.include and not field.many:
            op, negated = filters.NEGATED[op], False
        return self.test(self.half_line(field, op, leaf.value, at), negated=negated)

    def test(self, test: Test, *, negated: bool) -> Test | Not:
        return Not(test, self.include) if negated else test

    def one_of(self, field: Field, scalars: tuple[Scalar, ...], at: str, *, exact: bool, negated: bool) -> Node:
        if field.type == "boolean" and len(scalars) == 1:
            return self.boolean(field, value=scalars[0] is not negated, at=at)
        tests: list[Test] = []
        values: dict[Value, None] = {}
        for scalar in scalars:
            low, high = self.span(field, scalar)
            if low != high:
                tests.append(Range(field, low, high, False, True, at))
                continue
            values[low] = None
        if field.values and field.type == "keyword" and not exact:
            values = _with_other_spellings(field, values)
        if values:
            fold = folds_case(field) and not exact
            test = Eq(field, next(iter(values)), fold, at) if len(values) == 1 else In(field, tuple(values), fold, at)
            tests.append(test)
        if len(tests) == 1:
            return self.test(tests[0], negated=negated)
        parts: list[Node] = [self.test(test, negated=negated) for test in tests]
        return conjunction(parts, at) if negated else disjunction(parts, at)

    def boolean(self, field: Field, *, value: bool, at: str) -> Eq | Not:
        """Test a boolean: what is false is the opposite of what is true, for which unknowns count as asked."""
        return Not(Eq(field, True, at=at), missing=True) if self.include and not value else Eq(field, value, at=at)

    def half_line(self, field: Field, op: filters.Operator, scalar: Scalar, at: str) -> Range:
        start, end = self.span(field, scalar)
        is_day = start != end
        match op:
            case "<":
                return Range(field, None, start, False, True, at)
            case "<=":
                return Range(field, None, end, False, is_day, at)
            case ">=":
                return Range(field, start, None, False, False, at)
            case _:
                return Range(field, end, None, not is_day, False, at)

    def span(self, field: Field, scalar: Scalar) -> tuple[Value, Value]:
        """Return the first instant of a day and that of the next one, or any other value twice."""
        match scalar:
            case str() | int():
                return scalar, scalar
            case float():
                number = scalar + 0.0
                return number, number
            case dt.datetime():
                instant = scalar.astimezone(dt.UTC)
                return instant, instant
            case dt.date() if field.type == "datetime":
                return _midnight(scalar, 0, self.zone), _midnight(scalar, 1, self.zone)
            case RelativeDate() | RelativeInstant():
                raise ValueError(f"{field.name} is compared with a relative date: resolve the filter first.")
            case _:
                return scalar, scalar


def _with_other_spellings(field: Field, values: Mapping[Value, None]) -> dict[Value, None]:
    """Return values, each followed by the synonyms of a known one that differ from it in case and blanks only."""
    spellings: dict[Value, list[Value]] = {
        entry.value: [entry.value, *(synonym for synonym in entry.synonyms if is_spelling(synonym, entry.value))]
        for entry in field.values
        if entry.value in values
    }
    return dict.fromkeys(spelling for value in values for spelling in spellings.get(value, [value]))


def _midnight(day: dt.date, later: int, zone: dt.tzinfo) -> dt.datetime:
    try:
        return dt.datetime.combine(day + dt.timedelta(days=later), dt.time(), zone).astimezone(dt.UTC)
    # The day is at one end of the calendar.
    except OverflowError:
        return (dt.datetime.min if day.year == 1 else dt.datetime.max).replace(tzinfo=dt.UTC)
