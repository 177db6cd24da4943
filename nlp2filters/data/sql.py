"""Rows from a table behind an SQLAlchemy URL."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from nlp2filters.data.notes import Notes
from nlp2filters.data.rows import BATCH, CountedRows, flatten
from nlp2filters.data.source import Source
from nlp2filters.data.tables import pick_table
from nlp2filters.errors import SourceError


@contextmanager
def sql(url: str, table: str | None) -> Iterator[Source]:
    """Open a table or view."""
    try:
        engine = sa.create_engine(url)
    except ImportError as exc:
        raise SourceError(f"The URL needs a driver that is not installed: {exc}.") from exc
    try:
        with engine.connect() as connection:
            inspected = sa.inspect(connection)
            name = pick_table(table, sorted([*inspected.get_table_names(), *inspected.get_view_names()]))
            reflected = sa.Table(name, sa.MetaData(), autoload_with=connection)
            total = connection.scalar(sa.select(sa.func.count()).select_from(reflected)) or 0
            streamed = connection.execution_options(yield_per=BATCH).execute(sa.select(reflected))
            rows = CountedRows(dict(row) for row in streamed.mappings())
            yield Source(name, map(flatten, rows), total, rows.position, Notes("sql"))
    finally:
        engine.dispose()
