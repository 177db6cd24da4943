"""The base of writers of Python expressions."""

import datetime as dt
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from operator import and_, ge, gt, le, lt, or_
from typing import Any, TypeVar

from nlp2filters.core.catalog import Catalog, Field
from nlp2filters.core.dialects import DEFAULTS, DIALECTS, Options
from nlp2filters.core.dialects.fitting import fit
from nlp2filters.core.dialects.lowering import lower
from nlp2filters.core.dialects.stored_values import in_form
from nlp2filters.core.dialects.tree import Eq, Has, In, Range, Test, Value, limits
from nlp2filters.core.dialects.writer import Target, Writer
from nlp2filters.core.filters import Filter
from nlp2filters.core.mapping import Form
from nlp2filters.errors import InvalidFilter, Violation

_COMPARISONS: Mapping[str, Callable[[Any, Any], Any]] = {">": gt, ">=": ge, "<": lt, "<=": le}

MAX_CHAIN = 100

W = TypeVar("W", bound="PythonWriter")


class PythonWriter(Writer[Any]):
    """A writer that calls a library, or a `Source` of it: `&` joins by AND, `|` by OR."""

    def __init__(self, target: Target, library: Any) -> None:
        super().__init__(target)
        self.library = library

    @abstractmethod
    def test(self, test: Test) -> Any:
        """Write a test."""

    def value(self, value: Value, field: Field) -> Any:
        """Return a value in the form in which the field is stored."""
        return self.moment(value, self.target.stored(field).form) if isinstance(value, dt.date | dt.time) else value

    def moment(self, value: dt.date | dt.time, form: Form | None) -> Any:
        """Return a date or time in a stored form; an instant has no zone unless the form is `timestamptz`."""
        if form not in (None, "native", "timestamptz"):
            return in_form(value, form)
        return value.replace(tzinfo=None) if isinstance(value, dt.datetime) and form != "timestamptz" else value

    def within(self, test: Range, column: Any) -> Any:
        """Write that a column is in a range."""
        return self.every([_COMPARISONS[sign](column, self.value(limit, test.field)) for sign, limit in limits(test)])

    def eq(self, test: Eq) -> Any:
        return self.test(test)

    def one_of(self, test: In) -> Any:
        return self.test(test)

    def range(self, test: Range) -> Any:
        return self.test(test)

    def has(self, test: Has) -> Any:
        return self.test(test)

    def every(self, parts: Sequence[Any]) -> Any:
        return _joined(and_, parts)

    def some(self, parts: Sequence[Any]) -> Any:
        return _joined(or_, parts)


def _joined(operator: Callable[[Any, Any], Any], parts: Sequence[Any]) -> Any:
    """Join parts by an operator, many of them in groups: nothing reads an expression that is thousands of them deep."""
    while len(parts) > MAX_CHAIN:
        groups = [parts[start : start + MAX_CHAIN] for start in range(0, len(parts), MAX_CHAIN)]
        parts = [reduce(operator, group) for group in groups]
    return reduce(operator, parts)


def written_for(
    dialect: str,
    writer: Callable[[Target], W],
    filter: Filter,  # noqa: A002
    catalog: Catalog,
    options: Options = DEFAULTS,
) -> Any:
    """Write all of a filter for a library.

    Raises:
        InvalidFilter: the library cannot express a part of the filter.
    """
    row, target = DIALECTS[dialect], options.target(dialect, catalog)
    lowered = lower(filter, catalog, options.zone, options.unknown)
    node, losses = fit(lowered, row.capabilities, row.title, target.stored)
    if losses or node is None:
        raise InvalidFilter([Violation(loss.pointer.removeprefix("/filter"), loss.reason) for loss in losses])
    return writer(target).write(node)
