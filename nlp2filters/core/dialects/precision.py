"""Numbers that an engine keeps in single precision."""

from collections.abc import Iterator

from nlp2filters.core.catalog import NUMERIC, Field
from nlp2filters.core.dialects.capabilities import Effect
from nlp2filters.core.dialects.tree import Range, Test, Value, values

# All decimal numbers of so many digits are different numbers in single precision.
SINGLE_DIGITS = 6

_FRACTIONS = NUMERIC - {"integer"}


def in_single_precision(test: Test) -> Iterator[Effect]:
    """Yield the effects of numbers that cannot be told apart, if the test has some with more digits than are kept."""
    if not is_fraction(test.field) or not any(map(_is_long_number, values(test))):
        return
    if not isinstance(test, Range) or _has_closed_end(test):
        yield "wider"
    if isinstance(test, Range) and (test.low_open or test.high_open):
        yield "narrower"


def _is_long_number(value: Value) -> bool:
    digits = repr(value).partition("e")[0].replace(".", "").strip("-0")
    return len(digits) > SINGLE_DIGITS


def _has_closed_end(test: Range) -> bool:
    return (test.low is not None and not test.low_open) or (test.high is not None and not test.high_open)


def is_fraction(field: Field) -> bool:
    """Return whether the field's numbers may have fractions."""
    return field.type in _FRACTIONS
