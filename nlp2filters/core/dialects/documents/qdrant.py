"""Filter objects of Qdrant.

Text is compared as it is, in upper and lower case. Dates are RFC 3339 strings, whose index is of the type `datetime`;
times of day are strings that have no order, unless a mapping says that they are numbers. The query itself is a vector,
so the words that no condition took are left to the caller, who may embed them.
https://qdrant.tech/documentation/search/filtering/
"""

import re
from collections.abc import Sequence
from typing import Any

from nlp2filters.core.catalog import NUMERIC, TEMPORAL, Field
from nlp2filters.core.dialects.stored_values import in_form
from nlp2filters.core.dialects.tree import Eq, Has, In, Range, Test, Value, limits
from nlp2filters.core.dialects.writer import Search, Writer
from nlp2filters.core.mapping import StoredField

Condition = dict[str, Any]

# A key may be in quotes, within which nothing can be escaped.
NAMES = re.compile(r'[^"]+')
_OPERATORS = {">": "gt", ">=": "gte", "<": "lt", "<=": "lte"}
_PATH = re.compile(r"[\w-]+(?:\[\d*\])*(?:\.[\w-]+(?:\[\d*\])*)*")
_FRACTIONS = NUMERIC - {"integer"}


def render(search: Search) -> dict[str, Any]:
    """Return `{"filter": {"must": […]}, "limit": n}`, members of a query or a scroll; each if asked for."""
    written: dict[str, Any] = {}
    if search.where:
        condition = QdrantWriter(search.target).write(search.where)
        written["filter"] = condition if condition.keys() & {"must", "must_not", "should"} else {"must": [condition]}
    if search.limit is not None:
        written["limit"] = search.limit
    return written


def refuses(test: Test, stored: StoredField) -> str | None:
    """Return the reason why a test cannot be written."""
    if isinstance(test, Range) and test.field.type == "time" and stored.form in (None, "native", "iso"):
        return "Qdrant has no times of day: store them as numbers, and say so by their form in the mapping."
    return None


class QdrantWriter(Writer[Condition]):
    """A writer of conditions in which a point without the field passes every negation."""

    def eq(self, test: Eq) -> Condition:
        value = self.value(test.value, test.field)
        if self.is_compared_by_range(test.field, value):
            return self.condition(test.field, {"range": {"gte": value, "lte": value}})
        return self.condition(test.field, {"match": {"value": value}})

    def one_of(self, test: In) -> Condition:
        among = [self.value(value, test.field) for value in test.values]
        if any(isinstance(value, bool) or self.is_compared_by_range(test.field, value) for value in among):
            return super().one_of(test)
        return self.condition(test.field, {"match": {"any": among}})

    def range(self, test: Range) -> Condition:
        within = {_OPERATORS[sign]: self.value(limit, test.field) for sign, limit in limits(test)}
        return self.condition(test.field, {"range": within})

    def has(self, test: Has) -> Condition:
        return self.condition(test.field, {"match": {"prefix" if test.anchor == "start" else "substring": test.text}})

    def negated(self, test: Test) -> Condition:
        return {"must_not": [self.write(test)]}

    def missing(self, field: Field) -> Condition:
        return {"must_not": [self.exists(field)]} if self.target.stored(field).nested else self._empty(field)

    def exists(self, field: Field) -> Condition:
        return self._nested(field, {"must_not": [self._empty(field)]})

    def every(self, parts: Sequence[Condition]) -> Condition:
        return {"must": list(parts)}

    def some(self, parts: Sequence[Condition]) -> Condition:
        return {"should": list(parts)}

    def is_compared_by_range(self, field: Field, value: Any) -> bool:
        """Return whether the engine's equality has no values of this type, or could not tell spellings of one."""
        is_instant = field.type in TEMPORAL - {"time"} and isinstance(value, str)
        return is_instant or isinstance(value, float) or field.type in _FRACTIONS

    def condition(self, field: Field, tested: Condition) -> Condition:
        """Write a test of a field."""
        return self._nested(field, {"key": self._key(field), **tested})

    def value(self, value: Value, field: Field) -> Any:
        """Return a value in the form in which the field is stored."""
        return in_form(value, self.target.stored(field).form or "iso")

    def _empty(self, field: Field) -> Condition:
        return {"is_empty": {"key": self._key(field)}}

    def _nested(self, field: Field, condition: Condition) -> Condition:
        path = self.target.stored(field).nested
        if path is None:
            return condition
        inner = condition if "must_not" in condition else {"must": [condition]}
        return {"nested": {"key": _quoted(path), "filter": inner}}

    def _key(self, field: Field) -> str:
        path = self.target.stored(field).nested
        return _quoted(self.target.name(field).removeprefix(f"{path}."))


def _quoted(path: str) -> str:
    return path if _PATH.fullmatch(path) else f'"{path}"'
