"""Search parameters of Typesense.

Dates are int64 numbers of seconds, and milliseconds if the mapping says so. Text in `filter_by` stands in backquotes,
for which there is no escape. `:=` ignores case, and `:!=` also selects documents without the field.
https://typesense.org/docs/guide/tips-for-filtering.html
"""

from typing import Any

from nlp2filters.core.catalog import STRINGS, Field
from nlp2filters.core.dialects.strings.infix import InfixWriter, closed_limits, number, open_range_on_list
from nlp2filters.core.dialects.tree import Eq, In, Range, Test, limits
from nlp2filters.core.dialects.writer import Search
from nlp2filters.core.mapping import StoredField

# More keys are refused: https://typesense.org/docs/0.25.0/api/search.html#ranking-and-sorting-parameters
MAX_SORT_KEYS = 3


def render(search: Search) -> dict[str, Any]:
    """Return `{"q", "query_by", "filter_by", "sort_by", "limit"}`; what is not asked for is left out."""
    writer, target = TypesenseWriter(search.target), search.target
    texts = [target.name(field) for field in target.catalog.fields if field.type in STRINGS]
    keys = [f"{target.name(key.field)}(missing_values: last):{key.direction}" for key in search.sort[:MAX_SORT_KEYS]]
    parameters = {
        "q": search.text or "*",
        "query_by": ",".join(texts) if search.text else "",
        "filter_by": writer.whole(search.where),
        "sort_by": ",".join(keys),
        "limit": search.limit,
    }
    return {name: value for name, value in parameters.items() if value not in ("", None)}


def refuses(test: Test, stored: StoredField) -> str | None:
    """Return the reason why a test cannot be written because of its value."""
    values = test.values if isinstance(test, In) else (test.value,) if isinstance(test, Eq) else ()
    if any(isinstance(value, str) and ("`" in value or not value.strip()) for value in values):
        return "Typesense has no form for a backquote in a value, or for a blank one."
    return open_range_on_list(test, stored)


class TypesenseWriter(InfixWriter):
    """A writer of `filter_by`."""

    conjunction, disjunction = " && ", " || "
    temporal_form = "epoch_seconds"

    def eq(self, test: Eq) -> str:
        return f"{self.name(test.field)}:={self.literal(test.value, test.field)}"

    def one_of(self, test: In) -> str:
        return f"{self.name(test.field)}:=[{self._values(test)}]"

    def negated(self, test: Test) -> str:
        match test:
            case Eq(field, value):
                return f"{self.name(field)}:!={self.literal(value, field)}"
            case In(field):
                return f"{self.name(field)}:!=[{self._values(test)}]"
        raise NotImplementedError("the capabilities allow negations of equality only")

    def range(self, test: Range) -> str:
        name, field = self.name(test.field), test.field
        if test.low is None or test.high is None or not field.many:
            parts = [f"{name}:{sign}{self.literal(limit, field)}" for sign, limit in limits(test)]
            return self.every(parts) if len(parts) > 1 else parts[0]
        # Both limits must hold for the same element.
        low, high = closed_limits(self.stored(test.low, field), self.stored(test.high, field), test)
        return f"{name}:[{number(low)}..{number(high)}]"

    def text(self, text: str) -> str:
        return f"`{text}`"

    def _values(self, test: In) -> str:
        return ",".join(self.literal(value, test.field) for value in test.values)

    def name(self, field: Field) -> str:
        return self.target.name(field)
