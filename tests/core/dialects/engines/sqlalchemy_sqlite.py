"""The dialect `sql` as its documentation says: by way of SQLAlchemy, here in SQLite."""

import datetime as dt
import json
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from nlp2filters.core.dialects.sql import clauses
from nlp2filters.core.dialects.sql.parameters import KINDS
from nlp2filters.core.filters import Filter
from tests.core.dialects.engines.rows import SHOP, Row

TABLE = sa.Table(
    "shop",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True),
    *(sa.Column(field.name, sa.String if field.many else clauses.TYPES[KINDS[field.type]]) for field in SHOP.fields),
)


class SQLAlchemy:
    """A database in memory with the records."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.engine = sa.create_engine("sqlite://")
        TABLE.metadata.create_all(self.engine)
        with self.engine.begin() as connection:
            connection.execute(
                sa.insert(TABLE), [{name: _stored(value) for name, value in row.items()} for row in rows]
            )

    def select(self, node: Filter) -> list[int]:
        query = sa.select(TABLE.c.id).where(clauses.where_clause(node, SHOP))
        with self.engine.connect() as connection:
            return list(connection.execute(query).scalars())


def _stored(value: Any) -> Any:
    match value:
        case list():
            return json.dumps([_stored(item) if not isinstance(item, dt.date) else _text(item) for item in value])
        case dt.datetime():
            return value.replace(tzinfo=None)
        case _:
            return value


def _text(value: dt.date) -> str:
    return value.replace(tzinfo=None).isoformat() if isinstance(value, dt.datetime) else value.isoformat()
