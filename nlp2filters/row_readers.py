"""Rows from a user's own data: CSV, JSON Lines, Parquet, SQLite, or a table behind an SQLAlchemy URL.

Rows are streamed, so that memory does not grow with their number. Nested objects become columns such as "address.city";
binary values and lists of objects are left out.
"""

import csv
import datetime as dt
import importlib
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from io import TextIOWrapper
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias
from urllib.parse import quote

import orjson
import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from nlp2filters.errors import SourceError

BATCH = 1_000
# A JSON line may have this many bytes.
MAX_LINE = 16 * 2**20
SUFFIXES = {
    "csv": (".csv", ".tsv", ".txt"),
    "jsonl": (".jsonl", ".ndjson"),
    "parquet": (".parquet", ".pq"),
    "sqlite": (".sqlite", ".sqlite3", ".db"),
}
_MAGIC = {b"PAR1": "parquet", b"SQLite format 3\0": "sqlite"}
_DELIMITERS = ",;\t|"

Row: TypeAlias = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Source:
    """Rows that can be read once. `total` is the size of the source, `position()` the part read, in bytes or rows."""

    name: str
    rows: Iterator[Row]
    total: int
    position: Callable[[], int]


@contextmanager
def open_source(address: str, table: str | None = None) -> Iterator[Source]:
    """Open the rows at `address`: a file's path, or an SQLAlchemy URL. `table` selects one of a database's tables.

    Raises:
        SourceError: it cannot be opened, or its content proves invalid while its rows are read.
    """
    with ExitStack() as stack:
        try:
            yield stack.enter_context(_open_file_or_database(address, table))
        except OSError as exc:
            raise SourceError(f"{address}: {exc.strerror or exc}.") from exc
        except (SQLAlchemyError, sqlite3.Error) as exc:
            # The original error lacks the statement and the link that SQLAlchemy adds.
            original = getattr(exc, "orig", None) or exc
            raise SourceError(f"The database cannot be read: {original}.") from exc
        except UnicodeDecodeError as exc:
            raise SourceError(f"{address} is not UTF-8: {exc.reason} at byte {exc.start} of a block.") from exc


@contextmanager
def _open_file_or_database(address: str, table: str | None) -> Iterator[Source]:
    if "://" in address:
        with _sql(address, table) as source:
            yield source
        return
    path = Path(address)
    with path.open("rb") as file:
        kind = _kind(path, file)
        if kind != "sqlite" and table:
            raise SourceError(f"{path} has no tables to choose from.")
        match kind:
            case "csv":
                yield Source(path.stem, csv_rows(file), path.stat().st_size, file.tell)
            case "jsonl":
                yield Source(path.stem, json_lines(file), path.stat().st_size, file.tell)
            case "parquet":
                with _parquet(path) as source:
                    yield source
            case _:
                with _sqlite(path, table) as source:
                    yield source


def _kind(path: Path, file: BinaryIO) -> str:
    start = file.read(16)
    file.seek(0)
    for magic, kind in _MAGIC.items():
        if start.startswith(magic):
            return kind
    for kind, suffixes in SUFFIXES.items():
        if path.suffix.lower() in suffixes:
            return kind
    suffixes_read = ", ".join(suffix for suffixes in SUFFIXES.values() for suffix in suffixes)
    raise SourceError(f"{path}: the format is not known by its name. Known: {suffixes_read}.")


def csv_rows(file: BinaryIO) -> Iterator[Row]:
    """Read rows of a CSV with a header, whose most frequent delimiter is used.

    A column without a name is left out: it results from a delimiter at the end of each line.
    """
    with TextIOWrapper(file, encoding="utf-8-sig", newline="") as text:
        first = text.readline(MAX_LINE)
        text.seek(0)
        lines = csv.reader(text, delimiter=max(_DELIMITERS, key=first.count))
        try:
            header = next(lines, [])
            _reject_duplicate_columns(header)
            for cells in lines:
                if any(cells[len(header) :]):
                    raise SourceError(f"Line {lines.line_num} has {len(cells)} cells, the header {len(header)}.")
                if cells:
                    yield {name: cell for name, cell in zip(header, cells, strict=False) if name}
        except csv.Error as exc:
            raise SourceError(f"Line {lines.line_num} is no CSV: {exc}.") from exc


def _reject_duplicate_columns(header: Sequence[str]) -> None:
    duplicates = sorted(name for name, count in Counter(header).items() if count > 1 and name)
    if duplicates:
        raise SourceError(f"Two columns are called {duplicates[0]!r}. Give each a name of its own.")


def json_lines(file: BinaryIO) -> Iterator[Row]:
    """Read rows from JSON objects, one per line."""
    number = 0
    while line := file.readline(MAX_LINE):
        number += 1
        if not line.strip():
            continue
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError as exc:
            raise SourceError(f"Line {number} is no JSON: {exc}.") from exc
        if not isinstance(row, dict):
            raise SourceError(f"Line {number} is no JSON object.")
        yield flatten(row)


@contextmanager
def _parquet(path: Path) -> Iterator[Source]:
    try:
        arrow: Any = importlib.import_module("pyarrow")
        parquet: Any = importlib.import_module("pyarrow.parquet")
    except ImportError as exc:
        raise SourceError("Parquet needs pyarrow: pip install 'nlp2filters[parquet]'.") from exc
    try:
        with parquet.ParquetFile(path) as file:
            rows = _CountedRows(row for batch in file.iter_batches(BATCH) for row in batch.to_pylist())
            yield Source(path.stem, map(flatten, rows), file.metadata.num_rows, rows.position)
    except arrow.ArrowException as exc:
        raise SourceError(f"{path} is no Parquet: {exc}") from exc


@contextmanager
def _sqlite(path: Path, table: str | None) -> Iterator[Source]:
    """Open a table of an SQLite file. SQLite columns may hold values of any type."""
    with closing(sqlite3.connect(f"file:{quote(str(path.resolve()))}?mode=ro", uri=True)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view') ORDER BY name")
        name = _pick_table(table, [name for (name,) in tables if not name.startswith("sqlite_")])
        identifier = '"' + name.replace('"', '""') + '"'
        (total,) = connection.execute(f"SELECT count(*) FROM {identifier}").fetchone()  # noqa: S608
        columns = connection.execute(f"PRAGMA table_info({identifier})").fetchall()
        yes_no = {column for _, column, declared, *_ in columns if declared.upper().startswith("BOOL")}
        cursor = connection.execute(f"SELECT * FROM {identifier}")  # noqa: S608
        header = [column for column, *_ in cursor.description]
        rows = _CountedRows(_booleans(dict(zip(header, cells, strict=True)), yes_no) for cells in cursor)
        yield Source(name, map(flatten, rows), total, rows.position)


def _booleans(row: dict[str, object], columns: Iterable[str]) -> dict[str, object]:
    """Convert 0 and 1 in boolean columns to booleans: SQLite has no type for them."""
    for column in columns:
        if row[column] in (0, 1):
            row[column] = bool(row[column])
    return row


@contextmanager
def _sql(url: str, table: str | None) -> Iterator[Source]:
    try:
        engine = sa.create_engine(url)
    except ImportError as exc:
        raise SourceError(f"The URL needs a driver that is not installed: {exc}.") from exc
    try:
        with engine.connect() as connection:
            inspected = sa.inspect(connection)
            name = _pick_table(table, sorted([*inspected.get_table_names(), *inspected.get_view_names()]))
            reflected = sa.Table(name, sa.MetaData(), autoload_with=connection)
            total = connection.scalar(sa.select(sa.func.count()).select_from(reflected)) or 0
            streamed = connection.execution_options(yield_per=BATCH).execute(sa.select(reflected))
            rows = _CountedRows(dict(row) for row in streamed.mappings())
            yield Source(name, map(flatten, rows), total, rows.position)
    finally:
        engine.dispose()


def _pick_table(table: str | None, tables: Sequence[str]) -> str:
    """Return the table to read: the named one, or the only one."""
    if table is not None and table in tables:
        return table
    if table is None and len(tables) == 1:
        return tables[0]
    hint = f"There are: {', '.join(tables[:50])}." if tables else "There is none."
    raise SourceError(f"There is no table {table!r}. {hint}" if table else f"Name a table. {hint}")


class _CountedRows:
    """An iterator that counts the rows it returns."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = iter(rows)
        self._rows_read = 0

    def __iter__(self) -> Iterator[Row]:
        return self

    def __next__(self) -> Row:
        row = next(self._rows)
        self._rows_read += 1
        return row

    def position(self) -> int:
        """Return the number of rows so far."""
        return self._rows_read


_CELLS = (str, int, float, bool, Decimal, dt.date, dt.time)
_NO_CELLS = (dict, list, tuple, bytes, memoryview)


def flatten(row: Row) -> Row:
    """Convert the row's values to the types that catalog inference accepts. Most rows need no change."""
    if all(value is None or isinstance(value, _CELLS) for value in row.values()):
        return row
    return dict(_flattened(row, ""))


def _flattened(row: Mapping[Any, object], prefix: str) -> Iterator[tuple[str, object]]:
    for key, value in row.items():
        match value:
            case dict():
                yield from _flattened(value, f"{prefix}{key}.")
            case bytes() | memoryview():
                continue
            case list() | tuple():
                if not any(isinstance(item, _NO_CELLS) for item in value):
                    yield f"{prefix}{key}", [_cell(item) for item in value]
            case _:
                yield f"{prefix}{key}", _cell(value)


def _cell(value: object) -> object:
    """Convert a value of another type, such as a UUID, to text."""
    return value if value is None or isinstance(value, _CELLS) else str(value)
