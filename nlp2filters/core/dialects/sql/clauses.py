"""SQL by way of SQLAlchemy: clauses for all of its databases.

Words that no condition took (`Interpretation.text`) are left to the caller's own full-text search.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import operators
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ColumnElement, Grouping
from sqlalchemy.sql.operators import OperatorType

from nlp2filters.core.catalog import Catalog
from nlp2filters.core.dialects.fitting import fit
from nlp2filters.core.dialects.lowering import Unknown, lower
from nlp2filters.core.dialects.sql import DIALECTS, SQL
from nlp2filters.core.dialects.sql.family import Renderer, SQLWriter
from nlp2filters.core.dialects.sql.parameters import Kind, Parameter, Parameters
from nlp2filters.core.dialects.writer import SortKey, Target
from nlp2filters.core.filters import Filter
from nlp2filters.core.interpretation import Sort
from nlp2filters.core.mapping import NO_MAPPING

TYPES: Mapping[Kind, sa.types.TypeEngine[Any]] = {
    "string": sa.String(),
    "integer": sa.BigInteger(),
    "float": sa.Float(),
    "boolean": sa.Boolean(),
    "date": sa.Date(),
    "datetime": sa.DateTime(),
    "instant": sa.DateTime(timezone=True),
    "time": sa.Time(),
}


def where_clause(
    filter: Filter,  # noqa: A002
    catalog: Catalog,
    zone: dt.tzinfo = dt.UTC,
    unknown: Unknown = "exclude",
) -> ColumnElement[bool]:
    """Return the filter as the argument of SQLAlchemy's `where()`, over columns named after the fields.

    It is compiled in the dialect of the database, as `catalog.mappings` say for `sql`.
    `zone` is the time zone in which days begin, for datetime fields, and `unknown` is as for `lower`.
    """
    target = _target(catalog)
    node, _ = fit(lower(filter, catalog, zone, unknown), SQL.capabilities, SQL.title, target.stored)
    assert node is not None, "SQL expresses every filter"
    return _Written(target, lambda writer: writer.write(node))


def order_by(sorts: Sequence[Sort], catalog: Catalog) -> list[ColumnElement[Any]]:
    """Return the arguments of SQLAlchemy's `order_by()`: NULLs last."""
    keys = [SortKey(catalog.by_name[sort.field], sort.direction) for sort in sorts]
    return [_Written(_target(catalog), lambda writer, key=key: writer.order([key])) for key in keys]  # type: ignore[misc]


def _target(catalog: Catalog) -> Target:
    return Target(catalog, catalog.mappings.get(SQL.name, NO_MAPPING))


class _Written(ColumnElement[Any]):
    """An element of SQLAlchemy whose text is ours, for the database that it is compiled for."""

    inherit_cache = False
    type = sa.Boolean()

    def __init__(self, target: Target, write: Callable[[SQLWriter], str]) -> None:
        self.target = target
        self.write = write

    def self_group(self, against: OperatorType | None = None) -> ColumnElement[Any]:
        """Keep together what something else than AND and OR applies to: an OR within is in parentheses."""
        return self if against in (None, operators.comma_op, operators.and_, operators.or_) else Grouping(self)


class _BoundParameters(Parameters):
    """Parameters that SQLAlchemy binds, in the notation and the types of the database's client."""

    def __init__(self, compiler: SQLCompiler, options: Mapping[str, Any]) -> None:
        self.compiler = compiler
        self.options = options

    def add(self, parameter: Parameter) -> str:
        many = isinstance(parameter.value, tuple)
        value = list(cast(tuple[Any, ...], parameter.value)) if many else parameter.value
        type_ = sa.types.NullType() if many else TYPES[parameter.kind]
        return self.compiler.process(sa.bindparam("p", value, type_=type_, unique=True), **self.options)

    def escaped(self, name: str) -> str:
        # A client that looks for "%s" reads "%%" as "%".
        return name.replace("%", "%%") if self.compiler.preparer._double_percents else name


@compiles(_Written)
def _compile(element: _Written, compiler: SQLCompiler, **options: Any) -> str:
    return element.write(_writer(compiler.dialect.name)(element.target, _BoundParameters(compiler, options)))


def _writer(database: str) -> type[SQLWriter]:
    """Return the writer for a database by SQLAlchemy's name for it."""
    name = {"mariadb": "mysql"}.get(database, database)
    module = next((dialect.module for dialect in DIALECTS if dialect.name == name), SQL.module)
    return cast(Renderer, import_module(f"nlp2filters.core.dialects.{module}").render).writer
