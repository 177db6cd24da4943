"""Filters as one line of text: tests joined by words or signs, in parentheses."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar

from nlp2filters.core.catalog import Field
from nlp2filters.core.dialects.stored_values import in_form
from nlp2filters.core.dialects.tree import And, Eq, Node, Range, Test, Value, limits
from nlp2filters.core.dialects.writer import Writer
from nlp2filters.core.mapping import Form, StoredField

# Signs that most languages escape in a string by a backslash.
BACKSLASHES: Mapping[int, str] = {ord(sign): f"\\{sign}" for sign in '"\\'}


class InfixWriter(Writer[str]):
    """A writer of one line. Every group is in parentheses, since languages differ in what binds first.

    `conjunction`, `disjunction`, `negation`, `equal` are its signs. `temporal_form` is the form of dates and times that
    no mapping gives another form.
    """

    conjunction: ClassVar = " AND "
    disjunction: ClassVar = " OR "
    negation: ClassVar = "NOT "
    equal: ClassVar = " = "
    temporal_form: ClassVar[Form] = "iso"

    def whole(self, node: Node | None) -> str:
        """Write a filter without parentheses around it; nothing is an empty text."""
        if node is None:
            return ""
        return self.conjunction.join(map(self.write, node.args)) if isinstance(node, And) else self.write(node)

    def every(self, parts: Sequence[str]) -> str:
        return f"({self.conjunction.join(parts)})"

    def some(self, parts: Sequence[str]) -> str:
        return f"({self.disjunction.join(parts)})"

    def negated(self, test: Test) -> str:
        return f"{self.negation}{self.write(test)}"

    def eq(self, test: Eq) -> str:
        return f"{self.name(test.field)}{self.equal}{self.literal(test.value, test.field)}"

    def range(self, test: Range) -> str:
        parts = [f"{self.name(test.field)} {sign} {self.literal(limit, test.field)}" for sign, limit in limits(test)]
        return self.every(parts) if len(parts) > 1 else parts[0]

    def name(self, field: Field) -> str:
        """Write the name of a field."""
        return self.target.name(field)

    def literal(self, value: Value, field: Field) -> str:
        """Write a value of a field."""
        stored = self.stored(value, field)
        if isinstance(stored, bool):
            return "true" if stored else "false"
        return self.text(stored) if isinstance(stored, str) else number(stored)

    def text(self, text: str) -> str:
        """Write a string."""
        return f'"{text.translate(BACKSLASHES)}"'

    def stored(self, value: Value, field: Field) -> str | bool | int | float:
        """Return a value in the form in which the engine stores the field."""
        form = self.target.stored(field).form
        return in_form(value, form if form and form != "native" else self.temporal_form)


def number(value: int | float) -> str:
    """Write a number in digits, without an exponent, which not every language reads."""
    return str(int(value)) if float(value).is_integer() else format(Decimal(repr(value)), "f")


def open_range_on_list(test: Test, _: StoredField) -> str | None:
    """Return the reason why a range without its limits cannot be asked of lists, except of integers."""
    if not isinstance(test, Range) or not test.field.many or test.field.type == "integer":
        return None
    if test.low is None or test.high is None or not (test.low_open or test.high_open):
        return None
    return "There are no ranges without their limits for lists."


def closed_limits(low: Any, high: Any, test: Range) -> tuple[Any, Any]:
    """Return the limits of a range that has its limits, for lists: see `open_range_on_list`."""
    return low + test.low_open, high - test.high_open


def two_ended_on_list(test: Test, _: StoredField) -> str | None:
    """Return the reason why a range with two ends cannot be asked of lists: each could be met by another element."""
    if isinstance(test, Range) and test.field.many and test.low is not None and test.high is not None:
        return "Each limit would be met by any element, not both by the same."
    return None
