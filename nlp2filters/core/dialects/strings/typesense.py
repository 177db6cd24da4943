"""Search parameters of Typesense.

Dates are int64 numbers of seconds, and milliseconds if the mapping says so. Text in `filter_by` stands in backquotes,
for which there is no escape. `:=` compares words, without regard to case, accents and the number of blanks: signs count
if they are among the `symbols_to_index` of the collection, as all signs but the backquote must be. `:!=` also selects
documents without the field. https://typesense.org/docs/guide/tips-for-filtering.html
"""

from collections.abc import Iterator
from typing import Any

from nlp2filters.core.catalog import STRINGS, Field
from nlp2filters.core.dialects.capabilities import Effect
from nlp2filters.core.dialects.precision import in_single_precision
from nlp2filters.core.dialects.strings.infix import (
    InfixWriter,
    closed_limits,
    compares_roughly,
    fraction_of_second,
    number,
    open_range_on_list,
    without_absent,
)
from nlp2filters.core.dialects.tree import Eq, In, Range, Test, limits, values
from nlp2filters.core.dialects.writer import Search
from nlp2filters.core.mapping import StoredField

# A longer word is not indexed.
MAX_WORD_BYTES = 100
# The least number of each type.
LOWEST = {"number": "-340282346638528859811704183484516925440", "money": "-340282346638528859811704183484516925440"}
LOWEST_INTEGER = "-9223372036854775808"


def render(search: Search) -> dict[str, Any]:
    """Return `{"q", "query_by", "filter_by", "sort_by", "limit"}`; what is not asked for is left out."""
    writer, target = TypesenseWriter(search.target), search.target
    texts = [target.name(field) for field in target.catalog.fields if field.type in STRINGS]
    keys = [f"{target.name(key.field)}(missing_values: last):{key.direction}" for key in search.sort]
    parameters = {
        "q": search.text or "*",
        "query_by": ",".join(texts) if search.text else "",
        "filter_by": writer.whole(search.where),
        "sort_by": ",".join(keys),
        "limit": search.limit,
    }
    return without_absent(parameters)


def refuses(test: Test, stored: StoredField) -> str | None:
    """Return the reason why a test cannot be written because of its value."""
    for value in values(test):
        if not isinstance(value, str):
            continue
        if "`" in value or not value.strip():
            return "Typesense has no form for a backquote in a value, or for a blank one."
        if any(len(word.encode()) > MAX_WORD_BYTES for word in value.split()):
            return f"Typesense does not index words of more than {MAX_WORD_BYTES} bytes."
    return open_range_on_list(test, stored) or fraction_of_second(test, stored)


def approximates(test: Test, stored: StoredField) -> Iterator[tuple[str, Effect]]:
    """Yield what the test cannot tell apart."""
    yield from compares_roughly(test, stored)
    for effect in in_single_precision(test):
        yield f"{test.field.title!r} has single precision, as all of Typesense's fractions.", effect


class TypesenseWriter(InfixWriter):
    """A writer of `filter_by`."""

    conjunction, disjunction, equal, separator = " && ", " || ", ":=", ","
    temporal_form = "epoch_seconds"
    two_zeros = True

    def one_of(self, test: In) -> str:
        return f"{self.name(test.field)}:=[{self.literals(test)}]"

    def negated(self, test: Test) -> str:
        match test:
            case Eq(field, value) if value != 0 or not self.has_two_zeros(field):
                return f"{self.name(field)}:!={self.literal(value, field)}"
            case Eq(field, value):
                return self.negated(In(field, (value,)))
            case In(field, values) if field.type == "boolean":
                return self.every([self.negated(Eq(field, value)) for value in values])
            case In(field):
                return f"{self.name(field)}:!=[{self.literals(test)}]"
        raise NotImplementedError("the capabilities allow negations of equality only")

    def range(self, test: Range) -> str:
        name, field = self.name(test.field), test.field
        if test.low is None or test.high is None or not field.many:
            parts = [f"{name}:{sign}{self.limit(sign, limit, field)}" for sign, limit in limits(test)]
            return self.every(parts) if len(parts) > 1 else parts[0]
        # Both limits must hold for the same element.
        low, high = closed_limits(self.stored(test.low, field), self.stored(test.high, field), test)
        return f"{name}:[{'-0.0' if low == 0 and self.has_two_zeros(field) else number(low)}..{number(high)}]"

    def exists(self, field: Field) -> str:
        if field.type == "boolean":
            return f"{self.name(field)}:=[true,false]"
        return f"{self.name(field)}:>={LOWEST.get(field.type, LOWEST_INTEGER)}"

    def text(self, text: str) -> str:
        # In a list, a backslash makes the backquote after it a part of the value. Blanks are none.
        return f"`{text} `" if text.endswith("\\") else f"`{text}`"
