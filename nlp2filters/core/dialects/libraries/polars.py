"""Expressions of polars.

A list is a column of the type List, an instant a Datetime in UTC: without a time zone, or of the form `timestamptz`.
https://docs.pola.rs/api/python/stable/reference/expressions/index.html
"""

from importlib import import_module
from typing import Any

from nlp2filters.core.catalog import NUMERIC, Catalog, Field
from nlp2filters.core.dialects import DEFAULTS, Options
from nlp2filters.core.dialects.libraries.python_source import source_of, variable
from nlp2filters.core.dialects.libraries.python_writer import MAX_CHAIN, PythonWriter, written_for
from nlp2filters.core.dialects.tree import Eq, Has, In, Range, Test
from nlp2filters.core.dialects.writer import Search
from nlp2filters.core.filters import Anchor, Filter


def render(search: Search) -> dict[str, Any]:
    """Return `{"filter": …, "expression": …}`, the text of an expression and of all of a query to `df`.

    The names in them are `df`, `pl` for polars, and `datetime` for Python's module.
    """
    where = PolarsWriter(search.target, variable("pl")).write(search.where) if search.where else None
    frame = variable("df")
    if where is not None:
        frame = frame.filter(where)
    if search.sort:
        names = [search.target.name(key.field) for key in search.sort]
        frame = frame.sort(names, descending=[key.direction == "desc" for key in search.sort], nulls_last=True)
    if search.limit is not None:
        frame = frame.head(search.limit)
    return {"filter": None if where is None else source_of(where), "expression": source_of(frame)}


def expression(filter: Filter, catalog: Catalog, options: Options = DEFAULTS) -> Any:  # noqa: A002
    """Return a filter as the argument of `DataFrame.filter` or `LazyFrame.filter`.

    Raises:
        ImportError: polars is not installed.
    """
    pl = import_module("polars")
    return written_for("polars", lambda target: PolarsWriter(target, pl), filter, catalog, options)


class PolarsWriter(PythonWriter):
    """A writer of expressions, in logic of three values."""

    def test(self, test: Test) -> Any:
        column = self.column(test.field)
        if not test.field.many:
            return self._tested(test, column)
        return column.list.eval(self._tested(test, self.library.element())).list.any()

    def negated(self, test: Test) -> Any:
        # No list has no element that passes, like an empty one.
        return ~(self.write(test).fill_null(False) if test.field.many else self.write(test))

    def missing(self, field: Field) -> Any:
        column = self.column(field)
        return column.is_null() | (column.list.len() == 0) if field.many else column.is_null()

    def exists(self, field: Field) -> Any:
        return self.column(field).list.len() > 0 if field.many else self.column(field).is_not_null()

    def column(self, field: Field) -> Any:
        """Return the column of a field."""
        return self.library.col(self.target.name(field))

    def _tested(self, test: Test, column: Any) -> Any:
        field = test.field
        match test:
            case Eq() if test.fold:
                return column.str.to_lowercase() == str(test.value).lower()
            case In() if test.fold:
                return column.str.to_lowercase().is_in([str(value).lower() for value in test.values])
            case Has() if test.fold:
                return _part(column.str.to_lowercase(), test.text.lower(), test.anchor)
            case Eq():
                return column == self.value(test.value, field)
            # `is_in` wants the type of the column, which may be one of whole numbers or of others. Only whole ones can
            # be cast to one type and be the same, and polars takes seconds for thousands of comparisons.
            case In() if field.type == "integer" and len(test.values) > MAX_CHAIN:
                return column.cast(self.library.Int128, strict=False).is_in(list(test.values))
            case In() if field.type in NUMERIC:
                return self.some([column == value for value in test.values])
            case In():
                return column.is_in([self.value(value, field) for value in test.values])
            case Range():
                return self.within(test, column)
            case Has():
                return _part(column, test.text, test.anchor)


def _part(column: Any, text: str, anchor: Anchor) -> Any:
    match anchor:
        case "start":
            return column.str.starts_with(text)
        case "end":
            return column.str.ends_with(text)
        case _:
            return column.str.contains(text, literal=True)
