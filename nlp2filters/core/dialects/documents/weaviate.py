"""Filters of Weaviate, in the form that its REST API and its GraphQL share.

Keywords are expected as properties with `tokenization: field`, which compares whole values in upper and lower case, and
the collection with `indexNullState: true`. A text is split into words, so it is compared only if its mapping names an
`exact` property that is not. Dates and instants are of the type `date`, times of day are such keywords. Negations need
Weaviate 1.33.
https://docs.weaviate.io/weaviate/api/graphql/filters
"""

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from typing import Any

from nlp2filters.core.catalog import Field, FieldType
from nlp2filters.core.dialects.stored_values import in_form, iso
from nlp2filters.core.dialects.tree import Eq, Has, In, Range, Test, Value, limits, values
from nlp2filters.core.dialects.writer import Search, Writer
from nlp2filters.core.mapping import StoredField

Where = dict[str, Any]

NAMES = re.compile(r"[_A-Za-z]\w*", re.ASCII)
_OPERATORS = {">": "GreaterThan", ">=": "GreaterThanEqual", "<": "LessThan", "<=": "LessThanEqual"}
_MEMBERS: Mapping[FieldType, str] = {
    "integer": "valueInt",
    "number": "valueNumber",
    "money": "valueNumber",
    "duration": "valueNumber",
    "boolean": "valueBoolean",
    "date": "valueDate",
    "datetime": "valueDate",
}


def render(search: Search) -> dict[str, Any]:
    """Return the arguments of `Get`: `{"where": …, "sort": […], "limit": n, "bm25": {"query": …}}`, each if asked for.

    The words that no condition took are searched for in all texts, and must not all be there.
    """
    written: dict[str, Any] = {}
    if search.where:
        written["where"] = WhereWriter(search.target).write(search.where)
    if search.text:
        written["bm25"] = {"query": search.text}
    if search.sort:
        written["sort"] = [{"path": [search.target.name(key.field)], "order": key.direction} for key in search.sort]
    if search.limit is not None:
        written["limit"] = search.limit
    return written


def refuses(test: Test, stored: StoredField) -> str | None:
    """Return the reason why a test cannot be written."""
    if test.field.type == "text" and stored.exact is None:
        return f"Weaviate splits {test.field.title!r} into words: name a property that is not split as `exact`."
    if isinstance(test, Has) and re.search(r"[*?]", test.text):
        return "Weaviate has no escape for * and ? in a pattern."
    texts = [test.text] if isinstance(test, Has) else [value for value in values(test) if isinstance(value, str)]
    if any(text != text.strip() for text in texts):
        return "Weaviate trims blanks around a text."
    if isinstance(test, Range) and test.field.many and test.low is not None and test.high is not None:
        return "Each limit would be met by any element, not both by the same."
    return None


class WhereWriter(Writer[Where]):
    """A writer of filters in which an object without the property passes every negation."""

    def eq(self, test: Eq) -> Where:
        return self.compared("Equal", test.field, test.value)

    def one_of(self, test: In) -> Where:
        member, among = f"{self.member(test.field)}Array", [self.value(value, test.field) for value in test.values]
        return {"path": self.path(test.field), "operator": "ContainsAny", member: among}

    def range(self, test: Range) -> Where:
        parts = [self.compared(_OPERATORS[sign], test.field, limit) for sign, limit in limits(test)]
        return self.every(parts) if len(parts) > 1 else parts[0]

    def has(self, test: Has) -> Where:
        start, end = "*" * (test.anchor != "start"), "*" * (test.anchor != "end")
        return self.compared("Like", test.field, f"{start}{test.text}{end}")

    def negated(self, test: Test) -> Where:
        return {"operator": "Not", "operands": [self.write(test)]}

    def missing(self, field: Field) -> Where:
        return {"path": [self.target.name(field)], "operator": "IsNull", "valueBoolean": True}

    def exists(self, field: Field) -> Where:
        return {"path": [self.target.name(field)], "operator": "IsNull", "valueBoolean": False}

    def every(self, parts: Sequence[Where]) -> Where:
        return {"operator": "And", "operands": list(parts)}

    def some(self, parts: Sequence[Where]) -> Where:
        return {"operator": "Or", "operands": list(parts)}

    def compared(self, operator: str, field: Field, value: Value) -> Where:
        """Write a comparison with a value."""
        return {"path": self.path(field), "operator": operator, self.member(field): self.value(value, field)}

    def path(self, field: Field) -> list[str]:
        """Return the path to the property that holds whole values."""
        return [self.target.stored(field).exact or self.target.name(field)]

    def member(self, field: Field) -> str:
        """Return the member for a value of the field's type."""
        return _MEMBERS.get(field.type, "valueText")

    def value(self, value: Value, field: Field) -> Any:
        """Return a value of a field; a day is a date at midnight in UTC."""
        if isinstance(value, dt.date):
            return iso(value) if isinstance(value, dt.datetime) else f"{value.isoformat()}T00:00:00Z"
        return in_form(value, "iso")
