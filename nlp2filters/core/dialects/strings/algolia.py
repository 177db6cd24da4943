"""Search parameters of Algolia.

A filter is an AND of ORs, and what one OR joins is of one kind: facets or numbers. Facet values are compared without
regard to case. Dates are numbers of seconds; numbers have three decimals at most, so that a limit that is not in a
range is the next number. An order is that of a replica index.
https://www.algolia.com/doc/api-reference/api-parameters/filters
"""

from decimal import Decimal
from typing import Any

from nlp2filters.core.catalog import NUMERIC, TEMPORAL
from nlp2filters.core.dialects.stored_values import in_form
from nlp2filters.core.dialects.strings.infix import InfixWriter, without_absent
from nlp2filters.core.dialects.tree import Eq, Range, Test, values
from nlp2filters.core.dialects.writer import Search
from nlp2filters.core.mapping import StoredField

_NUMBERS = NUMERIC | TEMPORAL
# https://www.algolia.com/doc/api-reference/api-parameters/numericFilters
STEP = Decimal("0.001")


def render(search: Search) -> dict[str, Any]:
    """Return `{"query", "filters", "hitsPerPage"}`; what is not asked for is left out."""
    writer = AlgoliaWriter(search.target)
    parameters = {"query": search.text, "filters": writer.whole(search.where), "hitsPerPage": search.limit}
    return without_absent(parameters)


def kind(test: Test) -> str:
    """Return the kind of a test: those within one OR must be of the same."""
    return "number" if test.field.type in _NUMBERS else "facet"


def refuses(test: Test, stored: StoredField) -> str | None:
    """Return the reason why a test cannot be written because of its value."""
    is_temporal = test.field.type in TEMPORAL
    for value in values(test):
        number = in_form(value, stored.form or "epoch_seconds") if is_temporal else value
        if isinstance(number, float) and round(number, 3) != number:
            return "Algolia keeps three decimals of a number."
        if isinstance(number, str) and number.startswith("-"):
            return "Algolia reads a minus before a value as a negation."
    return None


class AlgoliaWriter(InfixWriter):
    """A writer of `filters`."""

    temporal_form = "epoch_seconds"

    def eq(self, test: Eq) -> str:
        sign = " = " if kind(test) == "number" else ":"
        return f"{self.name(test.field)}{sign}{self.literal(test.value, test.field)}"

    def range(self, test: Range) -> str:
        field = test.field
        if test.low is None or test.high is None:
            return super().range(test)
        # Two comparisons would be a group, which may stand nowhere but at the top.
        low, high = (Decimal(self.literal(limit, field)) for limit in (test.low, test.high))
        return f"{self.name(field)}:{low + STEP * test.low_open:f} TO {high - STEP * test.high_open:f}"
