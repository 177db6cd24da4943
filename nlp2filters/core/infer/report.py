"""Reports: what inference saw in each column, what it decided, and what it refused."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal, get_args

from nlp2filters.core.catalog import Catalog, FieldType

if TYPE_CHECKING:
    from nlp2filters.core.infer.cells import Cells

# A cell is shown up to this length.
_MAX_SHOWN = 40
_MAX_EXAMPLES = 5

NoteKind = Literal[
    "question",  # what the cells do not tell, so that a person should
    "refused",  # what kept the column from being of a stricter type
    "unknown",  # cells that stand for an unknown value
    "decided",  # how the cells are read
]
# The most important one first.
NOTE_KINDS: tuple[NoteKind, ...] = get_args(NoteKind)


@dataclass(frozen=True, slots=True)
class Note:
    """A sentence about a column for people. `cells` is the number of cells that it is about, with some `examples`."""

    kind: NoteKind
    text: str
    cells: int | None = None
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ColumnReport:
    """The fate of a column. `cells` have a value, `unknown` have none; `distinct` is None if there are too many.

    `notes` begin with what a person should see.
    """

    name: str
    type: FieldType
    many: bool
    cells: int
    unknown: int
    distinct: int | None
    notes: tuple[Note, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON data."""
        return {
            "name": self.name,
            "type": self.type,
            "many": self.many,
            "cells": self.cells,
            "unknown": self.unknown,
            "distinct": self.distinct,
            "notes": [
                {"kind": note.kind, "text": note.text, "cells": note.cells, "examples": list(note.examples)}
                for note in self.notes
            ],
        }


@dataclass(frozen=True, slots=True)
class Inference:
    """A catalog inferred from rows, and the reasons for each of its fields, in their order.

    `cells` read the same rows in the types of their fields.
    """

    catalog: Catalog
    columns: tuple[ColumnReport, ...]
    cells: "Cells" = field(compare=False, repr=False)


def examples(texts: Iterable[str]) -> tuple[str, ...]:
    """Return a few texts, shortened."""
    first = islice(texts, _MAX_EXAMPLES)
    return tuple(text if len(text) <= _MAX_SHOWN else f"{text[: _MAX_SHOWN - 1]}…" for text in first)


def quoted(texts: Iterable[str]) -> str:
    """Return texts in a row for a sentence: "'N/A', '-'"."""
    return ", ".join(f"'{text}'" for text in examples(texts))
