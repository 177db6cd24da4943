"""The demo rows as SQLite tables in memory, for running compiled filters."""

from collections.abc import Mapping, Sequence
from functools import cache
from threading import Lock
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Date,
    Engine,
    Float,
    Integer,
    MetaData,
    Numeric,
    String,
    Table,
    create_engine,
    func,
    insert,
    true,
)
from sqlalchemy import select as select_
from sqlalchemy.pool import StaticPool
from sqlalchemy.types import TypeEngine

from nlp2filters import demo
from nlp2filters.core.catalog import FieldType

_TYPES: Mapping[FieldType, TypeEngine[Any]] = {
    "keyword": String(),
    "text": String(),
    "integer": Integer(),
    "number": Float(),
    "money": Numeric(asdecimal=False),
    "duration": Numeric(asdecimal=False),
    "date": Date(),
}
# All threads share the one connection that holds the data.
_lock = Lock()


def select(
    name: str,
    where: ColumnElement[bool] | None = None,
    order_by: Sequence[ColumnElement[Any]] = (),
    limit: int | None = None,
) -> tuple[int, list[dict[str, Any]]]:
    """Count the rows of the demo catalog `name` that satisfy `where`, and return the first `limit` of them in order.

    Columns have the names of the fields; the values are as in `demo.rows`. It blocks for some milliseconds.

    Raises:
        CatalogNotFound: there is no such demo catalog.
    """
    table, names = _table(name), [field.name for field in demo.catalog(name).fields]
    condition = true() if where is None else where
    count = select_(func.count()).select_from(table).where(condition)
    page = select_(table).where(condition).order_by(*order_by).limit(limit)
    with _lock, _engine().connect() as connection:
        return connection.scalar(count) or 0, [dict(zip(names, row, strict=True)) for row in connection.execute(page)]


@cache
def _table(name: str) -> Table:
    catalog = demo.catalog(name)
    return Table(name, MetaData(), *(Column(field.name, _TYPES[field.type]) for field in catalog.fields))


@cache
def _engine() -> Engine:
    engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    with engine.begin() as connection:
        for name in demo.NAMES:
            table = _table(name)
            table.create(connection)
            connection.execute(insert(table), [dict(row) for row in demo.rows(name)])
    return engine
