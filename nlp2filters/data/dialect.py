"""Dialects of CSV: the delimiter, the quote and its escape, recognized by how evenly they divide the lines.

Each candidate reads the sample with the reader that later reads the file. The best one divides most lines into the same
number of cells, and its cells look like single values: numbers, dates, words.
"""

import csv
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from itertools import islice

DELIMITERS = ",;\t|^~ "
# This one, which no text has, leaves lines whole.
ONE_COLUMN = "\x1f"
_SAMPLE_RECORDS = 300
_SEP_LINE = re.compile(r"sep=(.)\r?\n?", re.IGNORECASE)
_NUMBER_OR_DATE = re.compile(r"[-+(]?\s?[^\w\s,;|]?\s?\d[\d.,:/'\u00a0 TZ+-]*(?:[eE][-+]?\d+)?\s?[^\W\d]{0,3}[%€$£)]?")
# In a line of its own, a comma more often separates two numbers than it is within one.
_SURE_NUMBER = re.compile(r"-?\d+,\d\d|-?\d{1,3}(?:,\d{3})+")
_NO_DELIMITERS = re.compile(r"[^,;\t|\"]*")
# Columns of numbers may be aligned by blanks.
_SEVERAL_NUMBERS = re.compile(r"(?<!\S)(?:[-+]?\d[\d.eE+-]*\s+){2,}[-+]?\d[\d.eE+-]*$|^[-+]?\d+\.\d+\s+[-+]?\d+\.\d+$")
_BLANKS = re.compile(r"[ \t]+")
# Prose has a blank after its commas.
_PROSE = re.compile(r"(?:[^,;\t|\"]|[,;](?=\s))*")


@dataclass(frozen=True, slots=True)
class Dialect:
    """The delimiter of cells, and the quotes around them.

    `delimiter` may be `ONE_COLUMN`. `quote` is empty where quotes are parts of cells. `sep_line`: the first line names
    the delimiter, as Excel writes it, and is no row.
    """

    delimiter: str = ","
    quote: str = '"'
    escape: str | None = None
    sep_line: bool = False

    def reader(self, lines: Iterator[str], *, strict: bool = False) -> Iterator[list[str]]:
        """Return a reader of the lines. A blank after a delimiter is no part of a cell."""
        if self.delimiter == " ":
            lines = (_BLANKS.sub(" ", line.strip()) + "\n" for line in lines)
        return csv.reader(
            lines,
            delimiter=self.delimiter,
            quotechar=self.quote or None,
            quoting=csv.QUOTE_MINIMAL if self.quote else csv.QUOTE_NONE,
            escapechar=self.escape,
            doublequote=True,
            skipinitialspace=self.delimiter != " ",
            strict=strict,
        )


def sniff(sample: str) -> Dialect:
    """Return the dialect of the beginning of a file."""
    if match := _SEP_LINE.match(sample):
        rest = sample[match.end() :]
        best = max(_candidates(rest, match[1]), key=lambda dialect: _score(dialect, rest))
        return Dialect(best.delimiter, best.quote, best.escape, sep_line=True)
    return max(_candidates(sample, DELIMITERS), key=lambda dialect: _score(dialect, sample))


def _candidates(sample: str, delimiters: str) -> list[Dialect]:
    """Return the dialects to try, the most usual first: it wins where several fit equally."""
    quotes: list[tuple[str, str | None]] = [('"', None)]
    if '\\"' in sample:
        quotes.append(('"', "\\"))
    if "'" in sample:
        quotes.append(("'", None))
    if '"' in sample:
        quotes.append(("", None))
    return [
        Dialect(delimiter, quote, escape)
        for quote, escape in quotes
        for delimiter in (*delimiters, ONE_COLUMN)
        if delimiter in sample or delimiter == ONE_COLUMN
    ]


def _score(dialect: Dialect, sample: str) -> tuple[float, bool]:
    """Return how evenly the dialect divides the sample into how plain cells; between equals, more cells win."""
    records = list(_records(dialect, sample))
    if not records:
        return 0, False
    width, most = Counter(map(len, records)).most_common(1)[0]
    evenness = most / len(records)
    cells = [cell for record in records for cell in record]
    plainness = sum(_plainness(cell, dialect) for cell in cells) / len(cells)
    return round(evenness * plainness, 6), width > 1


def _records(dialect: Dialect, sample: str) -> Iterator[list[str]]:
    reader = dialect.reader(StringIO(sample, newline=""))
    try:
        yield from islice((record for record in reader if any(record)), _SAMPLE_RECORDS)
    except csv.Error:
        return


def _plainness(cell: str, dialect: Dialect) -> float:
    """Return 1 for a cell that looks like one value, 0 for one that looks like several."""
    # Quotes of the other kind around a cell should have been read as such.
    if len(cell) > 1 and cell[0] == cell[-1] == "'":
        return 0.25
    # Words have blanks between them, so only numbers show that blanks separate cells.
    if (dialect.delimiter == " " and not _NUMBER_OR_DATE.fullmatch(cell)) or _SEVERAL_NUMBERS.search(cell):
        return 0.5
    number = _SURE_NUMBER if dialect.delimiter == ONE_COLUMN else _NUMBER_OR_DATE
    if _NO_DELIMITERS.fullmatch(cell) or number.fullmatch(cell):
        return 1
    return 0.8 if _PROSE.fullmatch(cell) else 0
