"""Search parameters of Meilisearch.

Dates are numbers of seconds. Strings are compared without regard to case and accents. The fields must be among the
`filterableAttributes` and `sortableAttributes` of the index.
https://www.meilisearch.com/docs/capabilities/filtering_sorting_faceting/advanced/filter_expression_syntax
"""

from typing import Any

from nlp2filters.core.catalog import Field
from nlp2filters.core.dialects.strings.infix import LINE_ENDS, InfixWriter, closed_limits, number, without_absent
from nlp2filters.core.dialects.tree import In, Range
from nlp2filters.core.dialects.writer import Search


def render(search: Search) -> dict[str, Any]:
    """Return `{"q", "filter", "sort", "limit"}`; what is not asked for is left out."""
    writer = MeilisearchWriter(search.target)
    parameters = {
        "q": search.text,
        "filter": writer.whole(search.where),
        "sort": [f"{search.target.name(key.field)}:{key.direction}" for key in search.sort],
        "limit": search.limit,
    }
    return without_absent(parameters)


class MeilisearchWriter(InfixWriter):
    """A writer of filter expressions."""

    escapes = LINE_ENDS
    temporal_form = "epoch_seconds"

    def one_of(self, test: In) -> str:
        return f"{self.name(test.field)} IN [{self.literals(test)}]"

    def range(self, test: Range) -> str:
        name, field = self.name(test.field), test.field
        if test.low is None or test.high is None or not field.many:
            return super().range(test)
        # Both limits must hold for the same element.
        low, high = closed_limits(self.stored(test.low, field), self.stored(test.high, field), test)
        return f"{name} {number(low)} TO {number(high)}"

    def missing(self, field: Field) -> str:
        name = self.name(field)
        return self.some([f"{name} NOT EXISTS", f"{name} IS NULL", *([f"{name} IS EMPTY"] if field.many else [])])

    def exists(self, field: Field) -> str:
        name = self.name(field)
        return self.every([f"{name} EXISTS", f"{name} IS NOT NULL", *([f"{name} IS NOT EMPTY"] if field.many else [])])

    def name(self, field: Field) -> str:
        return self.text(self.target.name(field))
