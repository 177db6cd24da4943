"""Filters as one line of text: tests joined by words or signs, in parentheses."""

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar

from nlp2filters.core.catalog import STRINGS, TEMPORAL, Field
from nlp2filters.core.dialects.capabilities import Effect
from nlp2filters.core.dialects.precision import is_fraction
from nlp2filters.core.dialects.stored_values import in_form
from nlp2filters.core.dialects.tree import And, Eq, In, Node, Range, Test, Value, limits, values
from nlp2filters.core.dialects.writer import Writer
from nlp2filters.core.mapping import Form, StoredField

# What languages escape in a string: all of them the quote and the backslash, those after C's model line ends as well.
QUOTES: Mapping[int, str] = str.maketrans({'"': '\\"', "\\": "\\\\"})
LINE_ENDS: Mapping[int, str] = {**QUOTES, **str.maketrans({"\n": "\\n", "\r": "\\r", "\t": "\\t"})}


# The signs of regular expressions after Perl's model.
_REGEX_SIGNS = re.compile(r"[.*+?^${}()|\[\]\\]")


class InfixWriter(Writer[str]):
    """A writer of one line. Every group is in parentheses, since languages differ in what binds first.

    `conjunction`, `disjunction`, `negation`, `equal`, `separator` are its signs, `escapes` those that a string escapes.
    `temporal_form` is the form of dates and times that no mapping gives another form. With `two_zeros`, numbers with
    fractions have a -0.0 that is less than 0.0, written as `negative_zero`.
    """

    conjunction: ClassVar = " AND "
    disjunction: ClassVar = " OR "
    negation: ClassVar = "NOT "
    equal: ClassVar = " = "
    separator: ClassVar = ", "
    escapes: ClassVar[Mapping[int, str]] = QUOTES
    temporal_form: ClassVar[Form] = "iso"
    two_zeros: ClassVar[bool] = False
    negative_zero: ClassVar = "-0.0"

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
        if test.value == 0 and self.has_two_zeros(test.field):
            return self.one_of(In(test.field, (0,)))
        return f"{self.name(test.field)}{self.equal}{self.literal(test.value, test.field)}"

    def range(self, test: Range) -> str:
        name = self.name(test.field)
        parts = [f"{name} {sign} {self.limit(sign, limit, test.field)}" for sign, limit in limits(test)]
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

    def literals(self, test: In) -> str:
        """Write the values of a test."""
        zeros = [self.negative_zero] if self.has_two_zeros(test.field) and 0 in test.values else []
        return self.separator.join([self.literal(value, test.field) for value in test.values] + zeros)

    def limit(self, sign: str, value: Value, field: Field) -> str:
        """Write the limit of a comparison."""
        if sign in (">=", "<") and value == 0 and self.has_two_zeros(field):
            return self.negative_zero
        return self.literal(value, field)

    def has_two_zeros(self, field: Field) -> bool:
        """Return whether 0 may be stored as -0.0, which is another number."""
        return self.two_zeros and is_fraction(field)

    def text(self, text: str) -> str:
        """Write a string."""
        return f'"{text.translate(self.escapes)}"'

    def stored(self, value: Value, field: Field) -> str | bool | int | float:
        """Return a value in the form in which the engine stores the field."""
        if not isinstance(value, dt.date | dt.time):
            return value
        form = self.target.stored(field).form
        return in_form(value, form if form and form != "native" else self.temporal_form)


def number(value: int | float) -> str:
    """Write a number in digits, without an exponent, which not every language reads."""
    return str(int(value)) if float(value).is_integer() else format(Decimal(repr(value)), "f")


def regex_literal(text: str) -> str:
    """Return the regular expression that the text alone matches."""
    return _REGEX_SIGNS.sub(r"\\\g<0>", text)


def without_absent(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of a search that were asked for."""
    return {name: value for name, value in parameters.items() if value not in ("", [], None)}


def open_range_on_list(test: Test, stored: StoredField) -> str | None:
    """Return the reason why a range without its limits cannot be asked of lists, except of whole numbers."""
    if not isinstance(test, Range) or not test.field.many or is_whole(test.field, stored):
        return None
    if test.low is None or test.high is None or not (test.low_open or test.high_open):
        return None
    return "There are no ranges without their limits for lists of fractions."


def is_whole(field: Field, stored: StoredField) -> bool:
    """Return whether the stored values are whole numbers. Instants have thousandths of a second at most."""
    return field.type in ("integer", "date") or stored.form == "epoch_milliseconds"


def closed_limits(low: Any, high: Any, test: Range) -> tuple[Any, Any]:
    """Return the limits of a range of whole numbers that has its limits: see `open_range_on_list`."""
    return low + test.low_open, high - test.high_open


def fraction_of_second(test: Test, stored: StoredField) -> str | None:
    """Return the reason why a date or time cannot be compared with whole numbers of seconds or milliseconds."""
    if test.field.type not in TEMPORAL:
        return None
    form: Form = "epoch_milliseconds" if stored.form == "epoch_milliseconds" else "epoch_seconds"
    if not any(
        isinstance(value, dt.date | dt.time) and isinstance(in_form(value, form), float) for value in values(test)
    ):
        return None
    return f"{test.field.title!r} has whole seconds: store milliseconds, and say so by the form `epoch_milliseconds`."


def compares_roughly(test: Test, _: StoredField) -> Iterator[tuple[str, Effect]]:
    """Yield that accents and outer blanks do not count, if the test asks for a text exactly."""
    if isinstance(test, Eq | In) and not test.fold and test.field.type in STRINGS and not test.field.closed:
        yield f"Accents and blanks do not count in {test.field.title!r}.", "wider"


def two_ended_on_list(test: Test, _: StoredField) -> str | None:
    """Return the reason why a range with two ends cannot be asked of lists: each could be met by another element."""
    if isinstance(test, Range) and test.field.many and test.low is not None and test.high is not None:
        return "Each limit would be met by any element, not both by the same."
    return None
