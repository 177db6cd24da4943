"""Rows from a table of an SQLite file, whose columns may hold values of any type."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from nlp2filters.data.notes import Notes
from nlp2filters.data.rows import CountedRows, flatten
from nlp2filters.data.source import Source
from nlp2filters.data.tables import pick_table


@contextmanager
def sqlite(path: Path, table: str | None) -> Iterator[Source]:
    """Open a table or view."""
    with closing(sqlite3.connect(f"file:{quote(str(path.resolve()))}?mode=ro", uri=True)) as connection:
        # Text that is no UTF-8 is as damaged as in a file, and no reason to stop.
        connection.text_factory = lambda content: content.decode("utf-8", "replace")
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view') ORDER BY name")
        name = pick_table(table, [name for (name,) in tables if not name.startswith("sqlite_")])
        identifier = '"' + name.replace('"', '""') + '"'
        (total,) = connection.execute(f"SELECT count(*) FROM {identifier}").fetchone()  # noqa: S608
        columns = connection.execute(f"PRAGMA table_info({identifier})").fetchall()
        yes_no = {column for _, column, declared, *_ in columns if declared.upper().startswith("BOOL")}
        cursor = connection.execute(f"SELECT * FROM {identifier}")  # noqa: S608
        header = [column for column, *_ in cursor.description]
        rows = CountedRows(_booleans(dict(zip(header, cells, strict=True)), yes_no) for cells in cursor)
        yield Source(name, map(flatten, rows), total, rows.position, Notes("sqlite"))


def _booleans(row: dict[str, object], columns: Iterable[str]) -> dict[str, object]:
    """Convert 0 and 1 in boolean columns to booleans: SQLite has no type for them."""
    for column in columns:
        if row[column] in (0, 1):
            row[column] = bool(row[column])
    return row
