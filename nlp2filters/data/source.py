"""`Source`: rows that are being read."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from nlp2filters.data.notes import Notes
from nlp2filters.data.rows import Row


@dataclass(frozen=True, slots=True)
class Source:
    """Rows that can be read once.

    `total` is the size of the source, `position()` the part read so far, in bytes or rows. `notes` is complete when the
    rows are read.
    """

    name: str
    rows: Iterator[Row]
    total: int
    position: Callable[[], int]
    notes: Notes
