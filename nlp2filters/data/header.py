"""Headers: the line of a table that names its columns, among titles above it and rows below it."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

# In a table without a header, a column of numbers has one in the first line too.
_MIN_TYPED = 0.9
_MIN_LIKE_DATA = 0.5
_VALUE = re.compile(r"[-+(]?\s?[^\w\s]?\s?\d[\d.,:/'\u00a0 TZ+-]*(?:[eE][-+]?\d+)?\s?[^\W\d]{0,3}[%€$£)]?")
_YEAR = re.compile(r"(?:1[89]|20|21)\d\d")
_MIN_YEARS = 2


@dataclass(frozen=True, slots=True)
class Header:
    """The columns of a table.

    `names` has None for a column that is left out. `index` is that of the header among the records, or of the first row
    if there is no header. `remarks` are sentences about renamed and omitted columns.
    """

    names: tuple[str | None, ...]
    index: int
    exists: bool = True
    title: str | None = None
    remarks: list[str] = field(default_factory=list)


def find_header(records: Sequence[Sequence[str]]) -> Header | None:
    """Return the header of the table that begins with these records, or None if it has no cells."""
    widths = Counter(width for record in records if (width := _filled_width(record)))
    if not widths:
        return None
    # Between equally frequent widths, the first one wins that is no title's.
    usual = max(widths, key=lambda width: (widths[width], width > 1))
    full = [index for index, record in enumerate(records) if _filled_width(record) >= usual]
    index = next((index for index in full if 2 * sum(map(bool, records[index])) >= usual), full[0])
    if index and _lacks_first_name(records[index - 1], usual):
        index -= 1
        records = [*records[:index], ["", *records[index]], *records[index + 1 :]]
    candidate, rows = records[index], [record for record in records[index + 1 :] if any(record)]
    if _is_row(candidate, rows):
        width = max(map(len, (candidate, *rows)))
        numbered = tuple(f"column{number}" for number in range(1, width + 1))
        to_last = f" to column{width}" if width > 1 else ""
        remark = f"No line looks like a header: the columns are called column1{to_last}."
        return Header(numbered, index, exists=False, remarks=[remark])
    title = " ".join(cell.strip() for record in records[:index] for cell in record if cell.strip())
    names, remarks = _name_columns(candidate, rows)
    return Header(names, index, title=title or None, remarks=remarks)


def _lacks_first_name(record: Sequence[str], width: int) -> bool:
    """Return whether this is a header as R writes it, without a name for the names of the rows."""
    is_one_short = len(record) == width - 1 == len({cell for cell in record if cell.strip()})
    return is_one_short and width > 2 and not any(map(_is_value, record))


def _filled_width(record: Sequence[str]) -> int:
    """Return the number of cells up to the last one that is not empty."""
    return next((width for width in range(len(record), 0, -1) if record[width - 1].strip()), 0)


def _is_row(candidate: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Return whether the first full line is a row like those below it, not a header."""
    if _names_years(candidate):
        return False
    if not rows:
        return all(map(_is_value, candidate))
    columns = [_cells(rows, place) for place in range(len(candidate))]
    typed = [
        place
        for place, cells in enumerate(columns)
        if cells and sum(map(_is_value, cells)) >= _MIN_TYPED * len(cells) and candidate[place].strip()
    ]
    if typed:
        return sum(_is_value(candidate[place]) for place in typed) > _MIN_LIKE_DATA * len(typed)
    recurring = sum(candidate[place].strip() in cells for place, cells in enumerate(columns))
    return recurring > _MIN_LIKE_DATA * len(candidate) and all(list(candidate) != list(row) for row in rows)


def _cells(rows: Sequence[Sequence[str]], place: int) -> list[str]:
    """Return the column's cells that are not empty."""
    return [cell for row in rows if place < len(row) and (cell := row[place].strip())]


def _is_value(cell: str) -> bool:
    """Return whether the cell has a number, date or time."""
    return bool(_VALUE.fullmatch(cell.strip()))


def _names_years(candidate: Sequence[str]) -> bool:
    """Return whether the columns are called by rising years: "country,2019,2020,2021"."""
    years = [int(cell) for cell in candidate if _YEAR.fullmatch(cell.strip())]
    return len(years) >= _MIN_YEARS and all(first < second for first, second in pairwise(years))


def _name_columns(candidate: Sequence[str], rows: Sequence[Sequence[str]]) -> tuple[tuple[str | None, ...], list[str]]:
    """Give every column a name of its own.

    A column without a name is left out if it is empty, as from a delimiter at the end of each line, or counts the rows.
    """
    names: list[str | None] = []
    remarks: list[str] = []
    stripped = [cell.strip() for cell in candidate]
    unavailable = set(stripped)
    for place, name in enumerate(stripped):
        cells = _cells(rows, place)
        if name and name not in names:
            names.append(name)
        elif name:
            names.append(_free_name(name, unavailable))
            remarks.append(f"Two columns are called {name!r}: the second is now {names[-1]!r}.")
        elif not cells:
            names.append(None)
        elif _counts(cells):
            names.append(None)
            remarks.append(f"Column {place + 1} has no name and counts the rows: it is left out.")
        else:
            names.append(_free_name("column", unavailable, place + 1, separator=""))
            remarks.append(f"Column {place + 1} has no name: it is now {names[-1]!r}.")
    return tuple(names), remarks


def _free_name(name: str, unavailable: set[str], number: int = 2, *, separator: str = "_") -> str:
    while (free := f"{name}{separator}{number}") in unavailable:
        number += 1
    unavailable.add(free)
    return free


def _counts(cells: Sequence[str]) -> bool:
    """Return whether the cells are 0, 1, 2, … or begin with another number."""
    if not cells[0].isdecimal():
        return False
    first = int(cells[0])
    return all(cell == str(number) for number, cell in enumerate(cells, first))
