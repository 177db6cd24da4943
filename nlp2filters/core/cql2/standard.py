"""Write CQL2-JSON as the standard has it: valid by its schema, and meaning the same to any reader of the standard.

Instants end in "Z", `between` is for numbers, equality in upper or lower case has `casei` on both sides, and a day of
instants has its zone, since it is written as instants. Times of day, which the standard lacks, are `{"time": …}`.

Of lists, the standard has equality only (`a_contains`, `a_overlaps`). Other tests of a list are written as tests of the
property, which one of the elements has to pass. An empty list is no value.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Any, TypeAlias

from nlp2filters.core.catalog import NUMERIC, Catalog, Field
from nlp2filters.core.cql2.patterns import escape_like, pattern_of
from nlp2filters.core.cql2.scalars import scalar_to_json
from nlp2filters.core.dialects.fitting import fit
from nlp2filters.core.dialects.lowering import Unknown, lower
from nlp2filters.core.dialects.ogc import CQL2
from nlp2filters.core.dialects.tree import Eq, Has, In, Range, Test, Value
from nlp2filters.core.dialects.writer import Target, Writer
from nlp2filters.core.filters import NEGATED, Filter

Expression: TypeAlias = dict[str, Any]

_RESOLUTION = dt.timedelta(microseconds=1)


def standard(
    filter: Filter,  # noqa: A002
    catalog: Catalog,
    zone: dt.tzinfo = dt.UTC,
    unknown: Unknown = "exclude",
) -> Expression:
    """Write a checked and resolved filter; `zone` and `unknown` are as for `lower`."""
    target = Target(catalog)
    node, losses = fit(lower(filter, catalog, zone, unknown), CQL2, "CQL2", target.stored)
    assert node is not None and not losses, "CQL2 expresses every filter"
    return CQL2Writer(target).write(node)


class CQL2Writer(Writer[Expression]):
    """A writer of CQL2-JSON."""

    def eq(self, test: Eq) -> Expression:
        field, value = test.field, scalar_to_json(test.value)
        if test.fold:
            return _op("=", _casei(self.property(field)), _casei(value))
        return _op("a_contains", self.property(field), [value]) if field.many else _op("=", self.property(field), value)

    def one_of(self, test: In) -> Expression:
        field, values = test.field, [scalar_to_json(value) for value in test.values]
        if test.fold:
            return _op("in", _casei(self.property(field)), [_casei(value) for value in values])
        return _op("a_overlaps" if field.many else "in", self.property(field), values)

    def range(self, test: Range) -> Expression:
        field, low, high = test.field, test.low, test.high
        if low is not None and high is not None:
            closed = not test.low_open and not test.high_open
            if field.many and isinstance(low, dt.date):
                return _op("t_intersects", self.property(field), _interval(test))
            if closed and (field.many or field.type in NUMERIC):
                return _op("between", self.property(field), scalar_to_json(low), scalar_to_json(high))
        limits = ((">" if test.low_open else ">=", low), ("<" if test.high_open else "<=", high))
        parts = [
            _op(operator, self.property(field), scalar_to_json(limit))
            for operator, limit in limits
            if limit is not None
        ]
        return self.every(parts) if len(parts) > 1 else parts[0]

    def has(self, test: Has) -> Expression:
        pattern = pattern_of(escape_like(test.text), test.anchor)
        if test.fold:
            return _op("like", _casei(self.property(test.field)), _casei(pattern))
        return _op("like", self.property(test.field), pattern)

    def negated(self, test: Test) -> Expression:
        expression = self.write(test)
        match expression["op"]:
            case "=" if not test.field.many:
                return {**expression, "op": "<>"}
            case "and":
                return self.some([{**limit, "op": NEGATED[limit["op"]]} for limit in expression["args"]])
        return _op("not", expression)

    def missing(self, field: Field) -> Expression:
        is_null = _op("isNull", self.property(field))
        return self.some([is_null, self._is_empty(field)]) if field.many else is_null

    def exists(self, field: Field) -> Expression:
        # It is unknown of null whether it is an empty list, so its opposite does not select null either.
        return _op("not", self._is_empty(field) if field.many else _op("isNull", self.property(field)))

    def every(self, parts: Sequence[Expression]) -> Expression:
        return _joined("and", parts)

    def some(self, parts: Sequence[Expression]) -> Expression:
        return _joined("or", parts)

    def property(self, field: Field) -> Expression:
        """Return the reference to a field."""
        return {"property": self.target.name(field)}

    def _is_empty(self, field: Field) -> Expression:
        return _op("a_equals", self.property(field), [])


def _joined(op: str, parts: Sequence[Expression]) -> Expression:
    """Join two parts or more, flattened."""
    return _op(op, *(arg for part in parts for arg in (part["args"] if part["op"] == op else [part])))


def _interval(test: Range) -> Expression:
    """Return the closed interval of dates or of instants."""
    high = test.high
    if test.high_open:
        assert isinstance(high, dt.datetime)
        high -= _RESOLUTION
    return {"interval": [_instant(test.low), _instant(high)]}


def _instant(value: Value | None) -> str:
    (text,) = scalar_to_json(value).values()  # type: ignore[arg-type]  # both limits are known
    return str(text)


def _op(op: str, *args: Any) -> Expression:
    return {"op": op, "args": list(args)}


def _casei(arg: Any) -> Expression:
    return _op("casei", arg)
