"""Search parameters of Algolia.

A filter is an AND of ORs, and what one OR joins is of one kind: facets or numbers. Facet values are compared without
regard to case. Dates are numbers of seconds; numbers have three decimals at most. An order is that of a replica index.
https://www.algolia.com/doc/api-reference/api-parameters/filters
"""

from typing import Any

from nlp2filters.core.catalog import NUMERIC, TEMPORAL, Field
from nlp2filters.core.dialects.strings.infix import InfixWriter, closed_limits, number, open_range_on_list
from nlp2filters.core.dialects.tree import Eq, In, Range, Test
from nlp2filters.core.dialects.writer import Search
from nlp2filters.core.mapping import StoredField

_NUMBERS = NUMERIC | TEMPORAL


def render(search: Search) -> dict[str, Any]:
    """Return `{"query", "filters", "hitsPerPage"}`; what is not asked for is left out."""
    writer = AlgoliaWriter(search.target)
    parameters = {"query": search.text, "filters": writer.whole(search.where), "hitsPerPage": search.limit}
    return {name: value for name, value in parameters.items() if value not in ("", None)}


def kind(test: Test) -> str:
    """Return the kind of a test: those within one OR must be of the same."""
    return "number" if test.field.type in _NUMBERS else "facet"


def refuses(test: Test, stored: StoredField) -> str | None:
    """Return the reason why a test cannot be written because of its value."""
    values = [getattr(test, name, None) for name in ("value", "low", "high")] + list(getattr(test, "values", ()))
    if any(isinstance(value, float) and round(value, 3) != value for value in values):
        return "Algolia keeps three decimals of a number."
    return open_range_on_list(test, stored)


class AlgoliaWriter(InfixWriter):
    """A writer of `filters`."""

    temporal_form = "epoch_seconds"

    def eq(self, test: Eq) -> str:
        sign = " = " if kind(test) == "number" else ":"
        return f"{self.name(test.field)}{sign}{self.literal(test.value, test.field)}"

    def one_of(self, test: In) -> str:
        raise NotImplementedError("the capabilities have no membership")

    def range(self, test: Range) -> str:
        field = test.field
        if test.low is None or test.high is None or not (field.many or not (test.low_open or test.high_open)):
            return super().range(test)
        low, high = closed_limits(self.stored(test.low, field), self.stored(test.high, field), test)
        return f"{self.name(field)}:{number(low)} TO {number(high)}"

    def name(self, field: Field) -> str:
        return self.target.name(field)
