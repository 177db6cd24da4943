"""SQL, written by SQLAlchemy Core: every value is a bound parameter, every identifier comes from the catalog.

`where_clause` and `order_by` go into any SQLAlchemy statement and database. `render` writes them as text
in the SQL that most databases share. Text is compared by `lower()` and LIKE, which fold what the
database folds: SQLite only A to Z. Instants are bound in UTC without an offset, as a TIMESTAMP column holds them.
Words that no condition took (`Interpretation.text`) are left to the caller's own full-text search.

A field that holds a list is a column with a JSON array, of ISO 8601 strings if it holds dates (instants in UTC
without an offset). It passes a test if one of its values does; an empty array counts as NULL. The text uses
JSON_TABLE of the SQL standard (MySQL 8, MariaDB, Oracle, PostgreSQL 17); compiled for SQLite or PostgreSQL, the clause
uses their own functions.
"""

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ColumnElement, quoted_name
from sqlalchemy.sql.functions import FunctionElement

from nlp2filters.core.catalog import TEMPORAL, Catalog, Field, FieldType
from nlp2filters.core.dialects.lowering import fold, folds_case, lower
from nlp2filters.core.filters import (
    Between,
    Comparison,
    Contains,
    Filter,
    IsNull,
    Leaf,
    OneOf,
    Operator,
    Scalar,
)
from nlp2filters.core.interpretation import Interpretation, Sort

Column: TypeAlias = ColumnElement[Any]

_quote = DefaultDialect().identifier_preparer.quote
_PLAIN = re.compile(r"[A-Za-z0-9_$]+")

_TYPES: dict[FieldType, sa.types.TypeEngine[Any]] = {
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


def render(interpretation: Interpretation, catalog: Catalog, zone: dt.tzinfo = dt.UTC) -> dict[str, Any]:
    """Return `{"where", "params", "order_by", "limit", "statement"}`; absent clauses are None.

    Parameters are named (`:p_1`); dates among them are ISO 8601 strings, so that the whole is JSON.
    """
    it = interpretation
    where = _text(where_clause(it.filter, catalog, zone)) if it.filter else None
    order = ", ".join(str(_text(column)) for column in order_by(it.sort, catalog)) or None
    statement = ["SELECT * FROM", _quote(_identifier(catalog.name))]
    params: dict[str, Any] = {}
    if where is not None:
        statement += ["WHERE", str(where)]
        params = {name: _to_json(value) for name, value in where.params.items()}
    if order:
        statement += ["ORDER BY", order]
    if it.limit is not None:
        statement += ["LIMIT", ":limit"]
        params["limit"] = it.limit
    return {
        "where": str(where) if where is not None else None,
        "params": params,
        "order_by": order,
        "limit": it.limit,
        "statement": " ".join(statement),
    }


def where_clause(filter: Filter, catalog: Catalog, zone: dt.tzinfo = dt.UTC) -> ColumnElement[bool]:  # noqa: A002
    """Return the filter as the argument of SQLAlchemy's `where()`, over columns named after the fields.

    `=` and `in` ignore case on text and on keywords with unlisted values; on a closed keyword they are exact.
    Only `isNull` selects a NULL. `zone` is the time zone in which days begin, for datetime fields.
    """
    return _clause(lower(filter, catalog, zone), catalog)


def order_by(sorts: Sequence[Sort], catalog: Catalog) -> list[Column]:
    """Return the arguments of SQLAlchemy's `order_by()`: NULLs last, in a form that every database understands."""
    return list(_order(sorts, catalog))


def _order(sorts: Sequence[Sort], catalog: Catalog) -> Iterator[Column]:
    for sort in sorts:
        field = catalog.by_name[sort.field]
        column = _column(field)
        if field.nullable:
            yield sa.case((column.is_(None), sa.literal_column("1")), else_=sa.literal_column("0"))
        yield column.desc() if sort.direction == "desc" else column.asc()


def _clause(node: Filter, catalog: Catalog) -> ColumnElement[bool]:
    def test(leaf: Leaf) -> ColumnElement[bool]:
        field = catalog.by_name[leaf.field]
        return _some_element(leaf, field) if field.many else _test(leaf, field, _column(field))

    def negated(leaf: Leaf) -> ColumnElement[bool]:
        field = catalog.by_name[leaf.field]
        return _no_element(leaf, field) if field.many else sa.not_(_test(leaf, field, _column(field)))

    return fold(
        node, leaf=test, negated=negated, every=lambda parts: sa.and_(*parts), some=lambda parts: sa.or_(*parts)
    )


def _some_element(leaf: Leaf, field: Field) -> ColumnElement[bool]:
    """Test that a value of the list passes."""
    match leaf:
        case IsNull():
            return sa.not_(_has(field, None))
        case Comparison("<>", name, value):
            return _no_element(Comparison("=", name, value), field)
        case _:
            return _has(field, leaf)


def _no_element(leaf: Leaf, field: Field) -> ColumnElement[bool]:
    """Test that there are values and that none of them passes."""
    if isinstance(leaf, IsNull):
        return _has(field, None)
    return sa.and_(_has(field, None), sa.not_(_has(field, leaf)))


def _has(field: Field, leaf: Leaf | None) -> ColumnElement[bool]:
    """Test that the list has a value, or with a `leaf`, one that passes it."""
    element = replace(field, name="value", many=False, type=field.type if field.type not in TEMPORAL else "keyword")
    if field.type in TEMPORAL:
        # The values are strings, but they are compared exactly.
        element = replace(element, closed=True)
    values = elements(_column(field), _TYPES[element.type]).table_valued(_column(element)).alias("element")
    query: sa.Select[Any] = sa.select(sa.literal_column("1")).select_from(values)
    return sa.exists(query.where(_test(leaf, element, values.c.value)) if leaf else query)


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


def _test(leaf: Leaf, field: Field, column: Column) -> ColumnElement[bool]:
    match leaf:
        case Comparison(op, _, value):
            return _compare(op, _folded(column, field), _folded(_bound(value, field), field))
        case Between(_, low, high):
            return column.between(_bound(low, field), _bound(high, field))
        case OneOf(_, values):
            return _folded(column, field).in_([_folded(_bound(value, field), field) for value in values])
        case Contains(_, text):
            pattern = f"%{_escaped(text)}%"
            return sa.func.lower(column).like(sa.func.lower(_bound(pattern, field)), escape="/")
        case IsNull():
            return column.is_(None)


def _compare(op: Operator, column: Column, value: Column) -> ColumnElement[bool]:
    match op:
        case "=":
            return column == value
        case "<>":
            return column != value
        case "<":
            return column < value
        case "<=":
            return column <= value
        case ">":
            return column > value
        case ">=":
            return column >= value


def _column(field: Field) -> Column:
    return sa.column(_identifier(field.name), _TYPES[field.type] if not field.many else sa.String())


def _identifier(name: str) -> quoted_name:
    # SQLAlchemy decides whether to quote by a pattern that ends in "$", so it leaves a trailing newline bare.
    return quoted_name(name, None if _PLAIN.fullmatch(name) else True)


def _bound(value: Scalar, field: Field) -> Column:
    # Without a name, SQLAlchemy would derive one from the column's, quotes and spaces included.
    if isinstance(value, dt.datetime):
        value = value.astimezone(dt.UTC).replace(tzinfo=None)
    # A JSON array holds dates and times as strings.
    if isinstance(value, dt.date | dt.time) and field.type == "keyword":
        value = value.isoformat()
    return sa.bindparam("p", value, type_=_TYPES[field.type], unique=True)


def _folded(column: Column, field: Field) -> Column:
    return sa.func.lower(column) if folds_case(field) else column


def _escaped(text: str) -> str:
    # The escape is a slash, because MySQL reads the backslash of ESCAPE '\' as the start of an escape.
    return text.replace("/", "//").replace("%", "/%").replace("_", "/_")


def _text(part: sa.ClauseElement) -> sa.Compiled:
    return part.compile()


def _to_json(value: Any) -> Any:
    return value.isoformat() if isinstance(value, dt.date | dt.time) else value
