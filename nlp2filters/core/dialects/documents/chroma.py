"""Metadata filters of Chroma, which has no test for records without a value.

Numbers are expected as floats unless their field is of integers: a whole number that is stored is compared with the
whole part of what is asked. Dates and times are whole numbers: seconds since 1970, or since midnight.
https://docs.trychroma.com/reference/where-filter
"""

import re
from typing import Any

from nlp2filters.core.catalog import NUMERIC, TEMPORAL, Field
from nlp2filters.core.dialects.documents.operators import OperatorWriter, Query
from nlp2filters.core.dialects.stored_values import in_form
from nlp2filters.core.dialects.tree import Eq, In, Test, Value, values
from nlp2filters.core.dialects.writer import Search
from nlp2filters.core.mapping import StoredField

# Names with a "#" are of the record itself, such as its document.
NAMES = re.compile(r"(?![$#]|chroma:).+", re.DOTALL)
_FRACTIONS = NUMERIC - {"integer"}


def render(search: Search) -> dict[str, Any]:
    """Return `{"where": …, "limit": n}`, arguments of `get`.

    With words that no condition took, it is `{"query_texts": […], "where": …, "n_results": n}` for `query`, which
    searches by meaning.
    """
    written: dict[str, Any] = {"query_texts": [search.text]} if search.text else {}
    if search.where:
        written["where"] = ChromaWriter(search.target).write(search.where)
    if search.limit is not None:
        written["n_results" if search.text else "limit"] = search.limit
    return written


def refuses(test: Test, stored: StoredField) -> str | None:
    """Return the reason why a test cannot be written."""
    form = stored.form if stored.form and stored.form != "native" else ChromaWriter.temporal_form
    if test.field.type in TEMPORAL and any(isinstance(in_form(value, form), float) for value in values(test)):
        return "Chroma compares whole numbers: store milliseconds, and say so by their form in the mapping."
    return None


class ChromaWriter(OperatorWriter):
    """A writer of filters in which a record without the field passes every negation."""

    def eq(self, test: Eq) -> Query:
        operator = "$contains" if test.field.many else "$eq"
        return self.field(test.field, {operator: self.value(test.value, test.field)})

    def one_of(self, test: In) -> Query:
        if test.field.many:
            return self.some([self.eq(Eq(test.field, value)) for value in test.values])
        return super().one_of(test)

    def negated(self, test: Test) -> Query:
        if not test.field.many:
            return super().negated(test)
        return self.every(
            [self.field(test.field, {"$not_contains": self.value(value, test.field)}) for value in values(test)]
        )

    def value(self, value: Value, field: Field) -> Any:
        stored = super().value(value, field)
        return float(stored) if field.type in _FRACTIONS else stored
