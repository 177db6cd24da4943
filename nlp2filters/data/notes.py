"""`Notes`: everything unusual about a table, noticed while it was read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from nlp2filters.errors import SourceError

# So many of the lines with one fault are listed.
MAX_LINES_LISTED = 5
# With fewer faults than this, reading goes on even if most lines have one, and the reader decides at the end.
MIN_FAULTS_TO_GIVE_UP = 1_000
MAX_FAULTY_SHARE = 0.5
DELIMITER_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", " ": "blanks"}


class Fault(StrEnum):
    """A fault of a line or row, which is no reason to refuse the others."""

    TOO_MANY_CELLS = "too-many-cells"
    TOO_FEW_CELLS = "too-few-cells"
    BROKEN_QUOTES = "broken-quotes"
    TOO_LONG = "too-long"
    REPEATED_HEADER = "repeated-header"
    NO_OBJECT = "no-object"


@dataclass(frozen=True, slots=True)
class _Consequence:
    """The words for a fault in a sentence; `row_is_lost` where the row is left out and counts towards the limit."""

    one: str
    several: str
    row_is_lost: bool = True


_CONSEQUENCES: Mapping[Fault, _Consequence] = {
    Fault.TOO_MANY_CELLS: _Consequence("has too many cells and is left out", "have too many cells and are left out"),
    Fault.TOO_FEW_CELLS: _Consequence(
        "has too few cells; those missing count as unknown",
        "have too few cells; those missing count as unknown",
        row_is_lost=False,
    ),
    Fault.BROKEN_QUOTES: _Consequence(
        "has a quote that is never closed and is left out", "have a quote that is never closed and are left out"
    ),
    Fault.TOO_LONG: _Consequence("is too long and is left out", "are too long and are left out"),
    Fault.REPEATED_HEADER: _Consequence(
        "repeats the header and is left out", "repeat the header and are left out", row_is_lost=False
    ),
    Fault.NO_OBJECT: _Consequence("is no JSON object and is left out", "are no JSON objects and are left out"),
}


@dataclass(slots=True)
class FaultyLines:
    """The number of lines with one fault, and the numbers of the first ones."""

    count: int = 0
    first: list[int] = field(default_factory=list)

    def add(self, line: int) -> None:
        """Count one more line."""
        self.count += 1
        if len(self.first) < MAX_LINES_LISTED:
            self.first.append(line)


@dataclass(slots=True)
class Notes:
    """Everything unusual about a table, noticed while it was read.

    `header_line` is None where no line looked like a header. `title` is the text above the header. `rows` counts the
    lines below it so far, with those left out. `remarks` are sentences about the whole table, such as a renamed column.
    """

    format: str
    encoding: str | None = None
    delimiter: str | None = None
    header_line: int | None = None
    title: str | None = None
    rows: int = 0
    remarks: list[str] = field(default_factory=list)
    faults: dict[Fault, FaultyLines] = field(default_factory=dict)
    _first_detail: str = ""

    def add_fault(self, fault: Fault, line: int, detail: str) -> None:
        """Count a faulty line. `detail` is for the error if most lines prove faulty.

        Raises:
            SourceError: most of the first thousand lines are faulty.
        """
        self.faults.setdefault(fault, FaultyLines()).add(line)
        if _CONSEQUENCES[fault].row_is_lost:
            self._first_detail = self._first_detail or detail
            if self.lost >= MIN_FAULTS_TO_GIVE_UP:
                self.check()

    @property
    def lost(self) -> int:
        """The number of rows that were left out for a fault."""
        return sum(lines.count for fault, lines in self.faults.items() if _CONSEQUENCES[fault].row_is_lost)

    def check(self) -> None:
        """Refuse a table most of whose lines are faulty.

        Raises:
            SourceError: with the first fault.
        """
        if self.lost > MAX_FAULTY_SHARE * self.rows:
            more = f" So have {self.lost:,} of {self.rows:,} lines a fault." if self.lost > 1 else ""
            raise SourceError(f"{self._first_detail}{more}")

    def sentences(self) -> list[str]:
        """Return everything worth telling a person, most important first."""
        return [*map(self._sentence, self.faults), *self._about_the_text(), *self.remarks]

    def to_json(self) -> dict[str, Any]:
        """Return the notes for an HTTP answer."""
        return {
            "format": self.format,
            "encoding": self.encoding,
            "delimiter": self.delimiter,
            "header_line": self.header_line,
            "title": self.title,
            "rows": self.rows,
            "faults": [
                {
                    "fault": fault.value,
                    "count": lines.count,
                    "lines": list(lines.first),
                    "detail": self._sentence(fault),
                }
                for fault, lines in self.faults.items()
            ],
            "remarks": [*self._about_the_text(), *self.remarks],
        }

    def _sentence(self, fault: Fault) -> str:
        lines, words = self.faults[fault], _CONSEQUENCES[fault]
        consequence = words.one if lines.count == 1 else words.several
        unit = "lines" if self.encoding else "rows"
        return f"{lines.count:,} of {self.rows:,} {unit} {consequence}: {_enumeration(lines)}."

    def _about_the_text(self) -> list[str]:
        sentences = []
        if self.encoding and self.encoding != "utf-8":
            hint = (
                ": if letters look wrong, name another one with --encoding" if self.encoding == "windows-1252" else ""
            )
            sentences.append(f"The text's encoding is {self.encoding}{hint}.")
        if self.delimiter and self.delimiter != ",":
            sentences.append(f"Cells are separated by {DELIMITER_NAMES.get(self.delimiter, repr(self.delimiter))}.")
        if self.title:
            sentences.append(f"The text above the header is no row: {self.title!r}.")
        return sentences


def _enumeration(lines: FaultyLines) -> str:
    """Return "line 17" or "lines 17, 300 and 12 more"."""
    numbers = [f"{number:,}" for number in lines.first]
    more = lines.count - len(numbers)
    if more:
        return f"lines {', '.join(numbers)} and {more:,} more"
    if len(numbers) == 1:
        return f"line {numbers[0]}"
    return f"lines {', '.join(numbers[:-1])} and {numbers[-1]}"
