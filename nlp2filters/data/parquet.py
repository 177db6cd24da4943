"""Rows from Parquet, read by DuckDB."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from nlp2filters.data.extra import require
from nlp2filters.data.notes import Notes
from nlp2filters.data.rows import BATCH, CountedRows, Row, flatten
from nlp2filters.data.source import Source
from nlp2filters.errors import SourceError

# One thread: the rows are consumed more slowly than they are read. No extension is ever downloaded.
_SETTINGS: Mapping[str, object] = {
    "threads": 1,
    "memory_limit": "512MB",
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}


@contextmanager
def parquet(path: Path, name: str) -> Iterator[Source]:
    """Open a Parquet file."""
    duckdb: Any = require("duckdb")
    try:
        with closing(duckdb.connect(config=_SETTINGS)) as connection:
            # The name of a file is no pattern of names.
            pattern = "".join(f"[{sign}]" if sign in "*?[" else sign for sign in str(path))
            literal = "'" + pattern.replace("'", "''") + "'"
            (total,) = connection.execute(f"SELECT num_rows FROM parquet_file_metadata({literal})").fetchone()  # noqa: S608
            notes = Notes("parquet")
            result = connection.execute(f"SELECT * FROM read_parquet({literal})")  # noqa: S608
            columns = [column for column, *_ in result.description]
            rows = CountedRows(_rows(result, columns, notes))
            yield Source(name, map(flatten, rows), total, rows.position, notes)
    except duckdb.Error as exc:
        reason = str(exc).partition("\n")[0].removeprefix("Invalid Input Error: ")
        raise SourceError(f"{name} is no Parquet: {reason}.") from exc


def _rows(result: Any, columns: list[str], notes: Notes) -> Iterator[Row]:
    while batch := result.fetchmany(BATCH):
        notes.rows += len(batch)
        for cells in batch:
            yield dict(zip(columns, cells, strict=True))
