"""The demo rows as SQLite tables in memory, for running compiled filters."""

import datetime as dt
import sqlite3
from collections.abc import Callable, Mapping
from functools import cache
from threading import Lock
from typing import Any

from nlp2filters import demo
from nlp2filters.core import dialects
from nlp2filters.core.catalog import Catalog, FieldType
from nlp2filters.core.dialects import DEFAULTS, Options
from nlp2filters.core.interpretation import Interpretation

EVERYTHING = Interpretation()
_READ: Mapping[FieldType, Callable[[str], Any]] = {"date": dt.date.fromisoformat}
# All threads share the one connection that holds the data.
_lock = Lock()


def select(
    name: str, reading: Interpretation = EVERYTHING, options: Options = DEFAULTS, size: int | None = None
) -> tuple[int, list[dict[str, Any]]]:
    """Count the rows of the demo catalog `name` that a checked reading means, and return the first `size` in its order.

    The reading's own limit is not applied. The values are as in `demo.rows`. It blocks for some milliseconds.

    Raises:
        CatalogNotFound: there is no such demo catalog.
    """
    catalog = demo.catalog(name)
    query = dialects.compile("sqlite", reading, catalog, options)
    where = f" WHERE {query['where']}" if query["where"] else ""
    order = f" ORDER BY {query['order_by']}" if query["order_by"] else ""
    limit = "" if size is None else f" LIMIT {size:d}"
    with _lock:
        ((count,),) = _database().execute(f"SELECT count(*) FROM {name}{where}", query["params"])  # noqa: S608  # bound
        page = _database().execute(f"SELECT * FROM {name}{where}{order}{limit}", query["params"])  # noqa: S608
        return count, [_row(catalog, values) for values in page]


def _row(catalog: Catalog, values: tuple[Any, ...]) -> dict[str, Any]:
    return {
        field.name: value if value is None or field.type not in _READ else _READ[field.type](value)
        for field, value in zip(catalog.fields, values, strict=True)
    }


@cache
def _database() -> sqlite3.Connection:
    """Fill the tables. Their columns have no types, so that each value stays as it is."""
    database = sqlite3.connect(":memory:", check_same_thread=False)
    # SQLite's own knows A to Z only.
    database.create_function("lower", 1, lambda text: None if text is None else str(text).lower(), deterministic=True)
    for name in demo.NAMES:
        columns = [field.name for field in demo.catalog(name).fields]
        database.execute(f"CREATE TABLE {name} ({', '.join(columns)})")
        marks = ", ".join("?" for _ in columns)
        rows = [[_stored(row[column]) for column in columns] for row in demo.rows(name)]
        database.executemany(f"INSERT INTO {name} VALUES ({marks})", rows)  # noqa: S608
    return database


def _stored(value: Any) -> Any:
    return value.isoformat() if isinstance(value, dt.date) else value
