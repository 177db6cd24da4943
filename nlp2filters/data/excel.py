"""Rows from a sheet of an Excel workbook (.xlsx, .xlsm, .xlsb, .xls) or an OpenDocument spreadsheet."""

import datetime as dt
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

from nlp2filters.data.extra import require
from nlp2filters.data.grid import Record, grid_rows
from nlp2filters.data.notes import Notes
from nlp2filters.data.rows import CountedRows
from nlp2filters.data.source import Source
from nlp2filters.errors import SourceError

# A small file may unpack to a huge one.
MAX_UNPACKED = 2**30


@contextmanager
def excel(file: BinaryIO, name: str, sheet: str | None) -> Iterator[Source]:
    """Open a sheet: the one with that name, else the first that has cells."""
    calamine: Any = require("python_calamine")
    _check_size(file, name)
    notes = Notes("excel")
    try:
        with calamine.CalamineWorkbook.from_filelike(file) as workbook:
            worksheet = _choose_sheet(workbook, sheet, name, notes)
            records = (Record(number, list(map(_cell, cells))) for number, cells in enumerate(worksheet.iter_rows(), 1))
            rows = CountedRows(grid_rows(records, notes))
            yield Source(sheet or name, rows, worksheet.height, rows.position, notes)
    except calamine.CalamineError as exc:
        raise SourceError(f"{name} is no Excel workbook: {exc}.") from exc


def _check_size(file: BinaryIO, name: str) -> None:
    if not zipfile.is_zipfile(file):
        file.seek(0)
        return
    file.seek(0)
    with zipfile.ZipFile(file) as packed:
        unpacked = sum(member.file_size for member in packed.infolist())
    file.seek(0)
    if unpacked > MAX_UNPACKED:
        raise SourceError(f"{name} unpacks to {unpacked:,} bytes; {MAX_UNPACKED:,} are allowed. Save it as CSV.")


def _choose_sheet(workbook: Any, sheet: str | None, name: str, notes: Notes) -> Any:
    names: list[str] = workbook.sheet_names
    if sheet is not None:
        if sheet not in names:
            raise SourceError(f"There is no sheet {sheet!r}. There are: {', '.join(names[:50])}.")
        return workbook.get_sheet_by_name(sheet)
    filled = [candidate for candidate in map(workbook.get_sheet_by_name, names) if candidate.start is not None]
    if not filled:
        raise SourceError(f"{name} has no cells.")
    # A sheet of one column, before the data, tells about them.
    worksheet = next((candidate for candidate in filled if min(candidate.width, candidate.height) > 1), filled[0])
    if others := [other for other in names if other != worksheet.name]:
        notes.remarks.append(f"The sheet {worksheet.name!r} was read, not {', '.join(map(repr, others[:10]))}.")
    return worksheet


def _cell(value: Any) -> object:
    """Convert a cell: Excel has no integers, no empty cells but "", and shows a day as a time at midnight."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dt.timedelta):
        return value.total_seconds()
    return None if value == "" else value
