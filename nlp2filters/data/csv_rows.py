"""Rows from CSV as people have it: any delimiter and encoding, titles above the header, and lines that do not fit."""

import csv
from collections import deque
from collections.abc import Iterable, Iterator
from io import TextIOWrapper
from itertools import islice
from typing import BinaryIO

from nlp2filters.data import encoding as encodings
from nlp2filters.data.dialect import ONE_COLUMN, Dialect, sniff
from nlp2filters.data.grid import Record, grid_rows
from nlp2filters.data.notes import Fault, Notes
from nlp2filters.data.rows import Row

# The dialect and the header are found in so many characters.
SAMPLE = 2**16
# A longer line is left out.
MAX_LINE = 2**24


def csv_rows(file: BinaryIO, notes: Notes, encoding: str | None = None) -> Iterator[Row]:
    """Read the rows of a CSV, and note what is unusual.

    Raises:
        SourceError: most lines do not fit the header.
    """
    detected = encodings.detect(file, encoding)
    notes.encoding = detected.label
    if detected.broken:
        notes.remarks.append(f"{detected.broken:,} characters are damaged: they do not fit the encoding.")
    with TextIOWrapper(file, encoding=detected.codec, errors="replace", newline="") as text:
        dialect = sniff(text.read(SAMPLE).replace("\0", ""))
        text.seek(0)
        notes.delimiter = None if dialect.delimiter == ONE_COLUMN else dialect.delimiter
        yield from grid_rows(_records(_lines(text, notes), dialect, notes), notes)


def _lines(text: TextIOWrapper, notes: Notes) -> Iterator[str]:
    """Yield the lines without NULs, which some exports pad cells with; lines that are too long are blank."""
    number = 0
    while line := text.readline(MAX_LINE):
        number += 1
        if len(line) == MAX_LINE and not line.endswith(("\n", "\r")):
            while (rest := text.readline(MAX_LINE)) and not rest.endswith(("\n", "\r")):
                pass
            notes.rows += 1
            notes.add_fault(Fault.TOO_LONG, number, f"Line {number} has more than {MAX_LINE:,} characters.")
            line = "\n"
        yield line.replace("\0", "") if "\0" in line else line


def _records(lines: Iterator[str], dialect: Dialect, notes: Notes) -> Iterator[Record]:
    """Yield the records. A quote that is never closed costs only its own line."""
    number = 1
    if dialect.sep_line:
        next(lines, None)
        number = 2
    returned: deque[str] = deque()
    current: list[str] = []

    def feed() -> Iterator[str]:
        while (line := returned.popleft() if returned else next(lines, None)) is not None:
            current.append(line)
            yield line

    reader = dialect.reader(feed())
    while True:
        error: csv.Error | None = None
        try:
            cells = next(reader, None)
        except csv.Error as exc:
            cells, error = [], exc
        if cells is None:
            return
        if error or (len(current) > 1 and not _is_sound(current, dialect)):
            notes.rows += 1
            detail = error or "a quote is never closed"
            notes.add_fault(
                Fault.TOO_LONG if error and len(current) == 1 else Fault.BROKEN_QUOTES,
                number,
                f"Line {number} is no CSV: {detail}.",
            )
            returned.extendleft(reversed(current[1:]))
            del current[1:]
            reader = dialect.reader(feed())
        else:
            yield Record(number, cells)
        number += len(current)
        current.clear()


def _is_sound(lines: Iterable[str], dialect: Dialect) -> bool:
    """Return whether the quotes in a record of several lines are closed, each before a delimiter."""
    try:
        return len(list(islice(dialect.reader(iter(lines), strict=True), 2))) == 1
    except csv.Error:
        return False
