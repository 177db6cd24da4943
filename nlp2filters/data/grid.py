"""Grids: rows of cells without names, from which the header is found and the rows are made."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from nlp2filters.data.header import Header, find_header
from nlp2filters.data.notes import Fault, Notes
from nlp2filters.data.rows import Row

# The header is found among so many records, or cells of a very wide table.
SAMPLE_RECORDS, SAMPLE_CELLS = 200, 50_000


@dataclass(frozen=True, slots=True)
class Record:
    """The cells of a record, and the number of the line or row that it begins on."""

    line: int
    cells: Sequence[object]


def grid_rows(records: Iterator[Record], notes: Notes) -> Iterator[Row]:
    """Yield the rows below the header. Blank records are no rows.

    Raises:
        SourceError: most records do not fit the header.
    """
    records = (record for record in records if any(map(_is_filled, record.cells)))
    sample = _sample(records)
    header = find_header([[_text(cell) for cell in record.cells] for record in sample])
    if header is None:
        return
    notes.title = header.title
    notes.remarks += header.remarks
    notes.header_line = sample[header.index].line if header.exists else None
    first_row = header.index + header.exists
    heading = [_text(cell) for cell in sample[header.index].cells] if header.exists else None
    yield from _rows(chain(sample[first_row:], records), header, heading, notes)
    notes.check()


def _sample(records: Iterator[Record]) -> list[Record]:
    sample: list[Record] = []
    cells = 0
    for record in islice(records, SAMPLE_RECORDS):
        sample.append(record)
        cells += len(record.cells)
        if cells >= SAMPLE_CELLS:
            break
    return sample


def _rows(records: Iterator[Record], header: Header, heading: list[str] | None, notes: Notes) -> Iterator[Row]:
    width = len(header.names)
    # Most tables name every column, so that their rows need no selection.
    complete = None not in header.names
    for record in records:
        cells = record.cells
        notes.rows += 1
        if len(cells) > width and any(map(_is_filled, cells[width:])):
            detail = f"Line {record.line} has {len(cells)} cells, the header {width}."
            notes.add_fault(Fault.TOO_MANY_CELLS, record.line, detail)
            continue
        if cells == heading:
            notes.add_fault(Fault.REPEATED_HEADER, record.line, "")
            continue
        if len(cells) < width and any(header.names[len(cells) :]):
            notes.add_fault(Fault.TOO_FEW_CELLS, record.line, "")
        row = zip(header.names, cells, strict=False)
        yield dict(row) if complete else {name: cell for name, cell in row if name is not None}  # type: ignore[arg-type]


def _is_filled(cell: object) -> bool:
    return cell is not None and cell != ""


def _text(cell: object) -> str:
    return "" if cell is None else str(cell)
