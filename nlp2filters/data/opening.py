"""`open_source`: a table of any format, recognized by its media type, its content or its name."""

import codecs
import re
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from sqlalchemy.exc import SQLAlchemyError

from nlp2filters.core import media_types
from nlp2filters.data.csv_rows import csv_rows
from nlp2filters.data.excel import excel
from nlp2filters.data.json_rows import json_rows
from nlp2filters.data.notes import Notes
from nlp2filters.data.parquet import parquet
from nlp2filters.data.source import Source
from nlp2filters.data.sql import sql
from nlp2filters.data.sqlite import sqlite
from nlp2filters.errors import SourceError

SUFFIXES = {
    "csv": (".csv", ".tsv", ".tab", ".txt", ".psv"),
    "json": (".json", ".jsonl", ".ndjson", ".geojson"),
    "parquet": (".parquet", ".pq"),
    "excel": (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"),
    "sqlite": (".sqlite", ".sqlite3", ".db"),
}
MEDIA_TYPES = {
    **dict.fromkeys((media_types.CSV, media_types.TSV), "csv"),
    **dict.fromkeys((media_types.JSON, media_types.JSON_LINES, media_types.GEO_JSON), "json"),
    **dict.fromkeys((media_types.XLS, media_types.XLSX, media_types.ODS), "excel"),
    media_types.PARQUET: "parquet",
    media_types.SQLITE: "sqlite",
}
_MAGIC = {b"PAR1": "parquet", b"SQLite format 3\0": "sqlite", b"PK\3\4": "excel", b"\xd0\xcf\x11\xe0": "excel"}
_CONTROL = re.compile(rb"[\0-\x08\x0e-\x1a\x1c-\x1f]")
_CHARSET = re.compile(r";\s*charset=\"?([\w-]+)", re.IGNORECASE)


@contextmanager
def open_source(
    source: str | Path | bytes, media_type: str | None = None, table: str | None = None, *, encoding: str | None = None
) -> Iterator[Source]:
    """Open the rows of a file, of its content, or of a table behind an SQLAlchemy URL.

    Args:
        media_type: of the content, where it is known; with its charset.
        table: one of a database's tables or of a workbook's sheets.
        encoding: of text, by Python's name, where it must not be guessed.

    Raises:
        SourceError: it cannot be opened, or its content proves invalid while its rows are read.
    """
    name = "The file" if isinstance(source, bytes) else str(source)
    with ExitStack() as stack:
        try:
            yield stack.enter_context(_open(source, media_type, table, encoding))
        except OSError as exc:
            raise SourceError(f"{name}: {exc.strerror or exc}.") from exc
        except (SQLAlchemyError, sqlite3.Error) as exc:
            # The original error lacks the statement and the link that SQLAlchemy adds.
            original = getattr(exc, "orig", None) or exc
            raise SourceError(f"The database cannot be read: {original}.") from exc
        except UnicodeError as exc:
            raise SourceError(f"{name} does not have the encoding that it seems to have: {exc}.") from exc


@contextmanager
def _open(
    source: str | Path | bytes, media_type: str | None, table: str | None, encoding: str | None
) -> Iterator[Source]:
    if isinstance(source, str) and "://" in source:
        with sql(source, table) as opened:
            yield opened
        return
    path = None if isinstance(source, bytes) else Path(source)
    with BytesIO(source) if isinstance(source, bytes) else Path(source).open("rb") as file:
        format_ = _recognize(file, path, media_type)
        name = path.stem if path else "table"
        if format_ in ("csv", "json") and table:
            raise SourceError(f"{path or 'The file'} has no tables to choose from.")
        match format_:
            case "csv" | "json":
                notes = Notes(format_)
                read = csv_rows if format_ == "csv" else json_rows
                total = file.seek(0, 2)
                file.seek(0)
                charset = encoding or _charset(media_type)
                yield Source(name, read(file, notes, charset), total, _position(file), notes)
            case "excel":
                with excel(file, name, table) as opened:
                    yield opened
            case "parquet":
                with _on_disk(source) as stored, parquet(stored, name) as opened:
                    yield opened
            case _:
                with _on_disk(source) as stored, sqlite(stored, table) as opened:
                    yield opened


def _recognize(file: BinaryIO, path: Path | None, media_type: str | None) -> str:
    """Return the format: by the media type, else by the content, else by the name.

    A name ends in .txt, .db or .xls for many reasons; a media type is what the sender says, and nothing else is parsed.
    """
    if format_ := MEDIA_TYPES.get((media_type or "").partition(";")[0].strip().lower()):
        return format_
    start = file.read(4_096)
    file.seek(0)
    for magic, format_ in _MAGIC.items():
        if start.startswith(magic):
            return format_
    if path is not None:
        suffix = path.suffix.lower()
        by_name = next((format_ for format_, suffixes in SUFFIXES.items() if suffix in suffixes), None)
        # Programs write tables of text under the names of Excel's formats.
        if by_name is not None and by_name != "excel":
            return by_name
    if _is_text(start):
        return "json" if start.removeprefix(codecs.BOM_UTF8).lstrip().startswith((b"[", b"{")) else "csv"
    suffixes_read = ", ".join(suffix for suffixes in SUFFIXES.values() for suffix in suffixes)
    raise SourceError(f"{path or 'The file'}: the format is not known. Known: {suffixes_read}.")


def _charset(media_type: str | None) -> str | None:
    match = _CHARSET.search(media_type or "")
    return match[1] if match else None


def _is_text(start: bytes) -> bool:
    """Return whether there are no control characters but blanks, or a mark of UTF-16."""
    return start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or not _CONTROL.search(start)


def _position(file: BinaryIO) -> Callable[[], int]:
    """Return a function that tells how far the file is read, also after it is closed."""
    last = 0

    def position() -> int:
        nonlocal last
        last = last if file.closed else file.tell()
        return last

    return position


@contextmanager
def _on_disk(source: str | Path | bytes) -> Iterator[Path]:
    """Give content a path, for libraries that read files only."""
    if not isinstance(source, bytes):
        yield Path(source)
        return
    with tempfile.NamedTemporaryFile(prefix="nlp2filters-") as file:
        file.write(source)
        file.flush()
        yield Path(file.name)
