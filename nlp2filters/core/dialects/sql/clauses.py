"""A filter as a clause of SQLAlchemy Core: every value is a bound parameter, every identifier comes from the catalog.

Text is compared by `lower()` and LIKE, which fold what the database folds: SQLite only A to Z. Instants are bound in
UTC without an offset, as a TIMESTAMP column holds them.

A field that holds a list is a column with a JSON array, of ISO 8601 strings if it holds dates (instants in UTC
without an offset). `elements` is compiled for the database: JSON_TABLE of the SQL standard (MySQL 8, MariaDB, Oracle,
PostgreSQL 17), or the functions of SQLite and PostgreSQL.
"""

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ColumnElement, quoted_name
from sqlalchemy.sql.functions import FunctionElement

from nlp2filters.core.catalog import STRINGS, TEMPORAL, Field, FieldType
from nlp2filters.core.cql2.patterns import pattern_of
from nlp2filters.core.dialects.tree import Eq, Has, In, Range, Test, Value
from nlp2filters.core.dialects.writer import SortKey, Writer

Column: TypeAlias = ColumnElement[Any]
Clause: TypeAlias = ColumnElement[bool]

_PLAIN = re.compile(r"[A-Za-z0-9_$]+")

TYPES: dict[FieldType, sa.types.TypeEngine[Any]] = {
    "keyword": sa.String(),
    "text": sa.String(),
    "integer": sa.BigInteger(),
    "number": sa.Float(),
    "money": sa.Float(),
    "date": sa.Date(),
    "datetime": sa.DateTime(),
    "time": sa.Time(),
    "duration": sa.Float(),
    "boolean": sa.Boolean(),
    "geo": sa.types.NullType(),
}


class SQLWriter(Writer[Clause]):
    """A writer of clauses over columns named after the fields."""

    def eq(self, test: Eq) -> Clause:
        return self._some_element(test) if test.field.many else self._test(test, self.column(test.field))

    one_of = range = has = eq  # type: ignore[assignment]

    def negated(self, test: Test) -> Clause:
        return sa.not_(self.write(test))

    def every(self, parts: Sequence[Clause]) -> Clause:
        return sa.and_(*parts)

    def some(self, parts: Sequence[Clause]) -> Clause:
        return sa.or_(*parts)

    def missing(self, field: Field) -> Clause:
        return sa.not_(self._some_element(field)) if field.many else self.column(field).is_(None)

    def exists(self, field: Field) -> Clause:
        return self._some_element(field) if field.many else self.column(field).is_not(None)

    def column(self, field: Field) -> Column:
        """Return the column of a field."""
        return sa.column(identifier(self.target.name(field)), TYPES[field.type] if not field.many else sa.String())

    def order(self, keys: Sequence[SortKey]) -> Iterator[Column]:
        """Yield what to order by: NULLs last, in a form that every database understands."""
        for key in keys:
            column = self.column(key.field)
            if key.field.nullable:
                yield sa.case((column.is_(None), sa.literal_column("1")), else_=sa.literal_column("0"))
            yield column.desc() if key.direction == "desc" else column.asc()

    def _some_element(self, what: Test | Field) -> Clause:
        """Test that the list has an element, or one that passes a test."""
        test, field = (None, what) if isinstance(what, Field) else (what, what.field)
        # A JSON array holds dates as strings.
        type_: FieldType = "keyword" if field.type in TEMPORAL else field.type
        values = elements(self.column(field), TYPES[type_]).table_valued(sa.column("value", TYPES[type_]))
        rows = values.alias("element")
        query: sa.Select[Any] = sa.select(sa.literal_column("1")).select_from(rows)
        if test:
            element = replace(field, many=False, type=type_)
            query = query.where(self._test(replace(test, field=element), rows.c.value))
        return sa.exists(query)

    def _test(self, test: Test, column: Column) -> Clause:
        match test:
            case Eq(field, value, fold):
                return _folded(column, fold=fold) == _folded(bound(value, field), fold=fold)
            case In(field, values, fold):
                return _folded(column, fold=fold).in_([_folded(bound(value, field), fold=fold) for value in values])
            case Range():
                return _within(test, column)
            case Has(field, text, anchor):
                pattern = pattern_of(_escaped(text), anchor)
                return sa.func.lower(column).like(sa.func.lower(bound(pattern, field)), escape="/")


def identifier(name: str) -> quoted_name:
    """Return a name that is quoted where it has to be."""
    # SQLAlchemy decides whether to quote by a pattern that ends in "$", so it leaves a trailing newline bare.
    return quoted_name(name, None if _PLAIN.fullmatch(name) else True)


def bound(value: Value, field: Field) -> Column:
    """Return a parameter for a value of a field."""
    if isinstance(value, dt.datetime):
        value = value.astimezone(dt.UTC).replace(tzinfo=None)
    # The element of a list: a JSON array holds dates and times as strings.
    if isinstance(value, dt.date | dt.time) and field.type in STRINGS:
        value = value.isoformat()
    # Without a name, SQLAlchemy would derive one from the column's, quotes and spaces included.
    return sa.bindparam("p", value, type_=TYPES[field.type], unique=True)


def _within(test: Range, column: Column) -> Clause:
    low, high = (None if limit is None else bound(limit, test.field) for limit in (test.low, test.high))
    if low is not None and high is not None and not test.low_open and not test.high_open:
        return column.between(low, high)
    parts = []
    if low is not None:
        parts.append(column > low if test.low_open else column >= low)
    if high is not None:
        parts.append(column < high if test.high_open else column <= high)
    return sa.and_(*parts) if len(parts) > 1 else parts[0]


def _folded(column: Column, *, fold: bool) -> Column:
    return sa.func.lower(column) if fold else column


def _escaped(text: str) -> str:
    # The escape is a slash, because MySQL reads the backslash of ESCAPE '\' as the start of an escape.
    return text.replace("/", "//").replace("%", "/%").replace("_", "/_")


class elements(FunctionElement[Any]):  # noqa: N801
    """The values of a JSON array as rows with a column `value`."""

    inherit_cache = False

    def __init__(self, array: Column, type_: sa.types.TypeEngine[Any]) -> None:
        super().__init__(array)
        self.value_type = type_


@compiles(elements)
def _json_table(element: elements, compiler: SQLCompiler, **kw: Any) -> str:
    array, type_ = compiler.process(element.clauses, **kw), _sql_type(element, compiler)
    return f"JSON_TABLE({array}, '$[*]' COLUMNS (value {type_} PATH '$'))"


@compiles(elements, "sqlite")
def _json_each(element: elements, compiler: SQLCompiler, **kw: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **kw)})"


@compiles(elements, "postgresql")
def _jsonb_elements(element: elements, compiler: SQLCompiler, **kw: Any) -> str:
    array, type_ = compiler.process(element.clauses, **kw), _sql_type(element, compiler)
    rows = f"jsonb_array_elements_text(CAST({array} AS JSONB)) AS rows(value)"
    return f"(SELECT CAST(rows.value AS {type_}) AS value FROM {rows})"  # noqa: S608


def _sql_type(element: elements, compiler: SQLCompiler) -> str:
    is_string = isinstance(element.value_type, sa.String)
    return "VARCHAR(500)" if is_string else compiler.dialect.type_compiler_instance.process(element.value_type)
