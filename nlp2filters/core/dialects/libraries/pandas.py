"""Masks of pandas, for columns of NumPy's types, of pandas' own and of PyArrow's.

A list is a column of lists, a day a datetime at midnight (or a date of PyArrow), and an instant a datetime in UTC:
without a time zone, or of the form `timestamptz`. A mask has no NA.
https://pandas.pydata.org/docs/user_guide/indexing.html#boolean-indexing
"""

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

from nlp2filters.core.catalog import NUMERIC, Catalog, Field
from nlp2filters.core.dialects import DEFAULTS, Options
from nlp2filters.core.dialects.libraries.python_source import Source, source_of
from nlp2filters.core.dialects.libraries.python_writer import PythonWriter, python_value, written_for
from nlp2filters.core.dialects.tree import Eq, Has, In, Range, Test, Value
from nlp2filters.core.dialects.writer import Search
from nlp2filters.core.filters import Anchor, Filter


def render(search: Search) -> dict[str, Any]:
    """Return `{"mask": …, "expression": …}`, the text of a mask and of all of a query to `df`.

    The names in them are `df`, and `datetime` for Python's module.
    """
    df = Source("df")
    where = PandasWriter(search.target, df).write(search.where) if search.where else None
    frame = df if where is None else df[where]
    if search.sort:
        names = [search.target.name(key.field) for key in search.sort]
        frame = frame.sort_values(names, ascending=[key.direction == "asc" for key in search.sort], na_position="last")
    if search.limit is not None:
        frame = frame.head(search.limit)
    return {"mask": None if where is None else source_of(where), "expression": source_of(frame)}


def mask(df: Any, filter: Filter, catalog: Catalog, options: Options = DEFAULTS) -> Any:  # noqa: A002
    """Return a filter as a Series of booleans, by which to select rows of a DataFrame: `df[mask(df, …)]`."""
    return written_for("pandas", lambda target: PandasWriter(target, df), filter, catalog, options)


class PandasWriter(PythonWriter):
    """A writer of masks in which a row without a value passes every negation."""

    def test(self, test: Test) -> Any:
        passing = self._of(test.field, lambda column: self._tested(test, column))
        compares = isinstance(test, Eq | Range) and test.field.nullable and not _by_elements(test.field)
        # The NA of pandas and that of PyArrow do not combine.
        return passing.fillna(False) if compares else passing

    def negated(self, test: Test) -> Any:
        return ~self.write(test)

    def missing(self, field: Field) -> Any:
        return ~self.exists(field) if field.many else self.column(field).isna()

    def exists(self, field: Field) -> Any:
        return self._of(field, lambda elements: elements.notna()) if field.many else self.column(field).notna()

    def column(self, field: Field) -> Any:
        """Return the column of a field."""
        return self.library[self.target.name(field)]

    def value(self, value: Value, field: Field) -> Any:
        stored = python_value(value, self.target.stored(field).form)
        is_day = isinstance(stored, dt.date) and not isinstance(stored, dt.datetime)
        return dt.datetime.combine(stored, dt.time()) if is_day else stored

    def among(self, field: Field, values: Sequence[Value]) -> list[Any]:
        """Return values as PyArrow wants them for `isin`: of one type, and both zeros."""
        if field.type not in NUMERIC - {"integer"}:
            return [self.value(value, field) for value in values]
        return [float(value) for value in values] + ([-0.0] if 0 in values else [])  # type: ignore[arg-type]

    def _of(self, field: Field, test: Callable[[Any], Any]) -> Any:
        """Test a column, or the elements of its lists: a row passes if one of them does."""
        if not _by_elements(field):
            return test(self.column(field))
        # Rows are numbered, since their labels need not be unique.
        numbers = self.library.reset_index(drop=True).index
        elements = self.column(field).reset_index(drop=True).explode().dropna()
        passing = test(elements).groupby(level=0).any().reindex(numbers, fill_value=False)
        return passing.set_axis(self.library.index)

    def _tested(self, test: Test, column: Any) -> Any:
        field = test.field
        if field.type == "date" and self.target.stored(field).form in (None, "native"):
            # The days of a column may be datetimes, dates of PyArrow or of Python.
            column = column.astype("datetime64[us]")
        match test:
            case Eq(value=value, fold=True):
                return _in_any_case(column, [str(value)], lambda part, texts: part.eq(texts[0]))
            case In(values=values, fold=True):
                return _in_any_case(column, list(map(str, values)), lambda part, texts: part.isin(texts))
            case Has(text=text, anchor=anchor, fold=True):
                return _in_any_case(column, [text], lambda part, texts: _part(part, texts[0], anchor))
            case Eq(value=value):
                return column.eq(self.value(value, field))
            case In(values=values):
                return column.isin(self.among(field, values))
            case Range():
                return self.within(test, column)
            case Has(text=text, anchor=anchor):
                return _part(column, text, anchor)


def _by_elements(field: Field) -> bool:
    """Return whether values are tested one by one: a time of day is an object, and None has no order."""
    return field.many or field.type == "time"


def _in_any_case(column: Any, texts: list[str], test: Callable[[Any, list[str]], Any]) -> Any:
    passing = test(column.str.lower(), [text.lower() for text in texts])
    # Of this letter alone the lower case has two, but to PyArrow it has one.
    return passing | test(column, texts) if any("İ" in text for text in texts) else passing


def _part(column: Any, text: str, anchor: Anchor) -> Any:
    match anchor:
        case "start":
            return column.str.startswith(text, na=False)
        case "end":
            return column.str.endswith(text, na=False)
        case _:
            return column.str.contains(text, regex=False, na=False)
