"""Masks of pandas, for columns of NumPy's types, of pandas' own and of PyArrow's.

A list is a column of lists, a day a datetime at midnight (or a date of PyArrow), and an instant a datetime in UTC:
without a time zone, or of the form `timestamptz`. A mask has no NA.
https://pandas.pydata.org/docs/user_guide/indexing.html#boolean-indexing
"""

import datetime as dt
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from nlp2filters.core.catalog import NUMERIC, Catalog, Field
from nlp2filters.core.dialects import DEFAULTS, Options
from nlp2filters.core.dialects.libraries.python_source import source_of, variable
from nlp2filters.core.dialects.libraries.python_writer import PythonWriter, written_for
from nlp2filters.core.dialects.tree import Eq, Has, In, Range, Test, Value
from nlp2filters.core.dialects.writer import Search, Target
from nlp2filters.core.filters import Anchor, Filter
from nlp2filters.core.mapping import Form


def render(search: Search) -> dict[str, Any]:
    """Return `{"mask": …, "expression": …}`, the text of a mask and of all of a query to `df`.

    The names in them are `df`, and `datetime` for Python's module.
    """
    df = variable("df")
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

    def __init__(self, target: Target, library: Any) -> None:
        super().__init__(target, library)
        self._elements_by_field: dict[str, Any] = {}

    def test(self, test: Test) -> Any:
        field = test.field
        if _by_elements(field):
            return self._any(self._tested(test, self._elements(field)))
        passing = self._tested(test, self.column(field))
        # The NA of pandas and that of PyArrow do not combine.
        return passing.fillna(False) if field.nullable and isinstance(test, Eq | Range) else passing

    def negated(self, test: Test) -> Any:
        return ~self.write(test)

    def missing(self, field: Field) -> Any:
        return ~self.exists(field) if field.many else self.column(field).isna()

    def exists(self, field: Field) -> Any:
        return self._any(self._elements(field).notna()) if field.many else self.column(field).notna()

    def column(self, field: Field) -> Any:
        """Return the column of a field."""
        return self.library[self.target.name(field)]

    def moment(self, value: dt.date | dt.time, form: Form | None) -> Any:
        stored = super().moment(value, form)
        is_day = isinstance(stored, dt.date) and not isinstance(stored, dt.datetime)
        return dt.datetime.combine(stored, dt.time()) if is_day else stored

    def among(self, field: Field, values: Sequence[Value]) -> list[Any]:
        """Return values as PyArrow wants them for `isin`: of one type, and both zeros."""
        if field.type not in NUMERIC - {"integer"}:
            return [self.value(value, field) for value in values]
        return [float(value) for value in values] + ([-0.0] if 0 in values else [])  # type: ignore[arg-type]

    def _elements(self, field: Field) -> Any:
        """Return the elements of a column's lists by the numbers of their rows, since labels need not be unique."""
        if field.name not in self._elements_by_field:
            self._elements_by_field[field.name] = self.column(field).reset_index(drop=True).explode().dropna()
        return self._elements_by_field[field.name]

    def _any(self, elements: Any) -> Any:
        """Return a mask of the rows of which one element passes or more."""
        return elements.groupby(level=0).any().reindex(self._numbers, fill_value=False).set_axis(self._labels)

    @cached_property
    def _numbers(self) -> Any:
        return self.library.reset_index(drop=True).index

    @cached_property
    def _labels(self) -> Any:
        return self.library.index

    def _tested(self, test: Test, column: Any) -> Any:
        field = test.field
        if field.type == "date" and self.target.stored(field).form in (None, "native"):
            # The days of a column may be datetimes, dates of PyArrow or of Python.
            column = column.astype("datetime64[us]")
        match test:
            case Eq() if test.fold:
                return _in_any_case(column, [str(test.value)], lambda part, texts: part.eq(texts[0]))
            case In() if test.fold:
                return _in_any_case(column, list(map(str, test.values)), lambda part, texts: part.isin(texts))
            case Has() if test.fold:
                return _in_any_case(column, [test.text], lambda part, texts: _part(part, texts[0], test.anchor))
            case Eq():
                return column.eq(self.value(test.value, field))
            case In():
                return column.isin(self.among(field, test.values))
            case Range():
                return self.within(test, column)
            case Has():
                return _part(column, test.text, test.anchor)


def _by_elements(field: Field) -> bool:
    """Return whether values are tested one by one: a time of day is an object, and None has no order."""
    return field.many or field.type == "time"


def _in_any_case(column: Any, texts: list[str], test: Callable[[Any, list[str]], Any]) -> Any:
    passing = test(column.str.lower(), [text.lower() for text in texts])
    # Of this letter alone the lower case has two, but to PyArrow it has one.
    return passing | test(column, texts) if "İ" in "".join(texts) else passing


def _part(column: Any, text: str, anchor: Anchor) -> Any:
    match anchor:
        case "start":
            return column.str.startswith(text, na=False)
        case "end":
            return column.str.endswith(text, na=False)
        case _:
            return column.str.contains(text, regex=False, na=False)
