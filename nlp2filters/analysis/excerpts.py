"""Excerpts: neighbouring chunks of a file, and several of them together for one question to an LLM."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from nlp2filters.analysis.chunks import Chunk
    from nlp2filters.analysis.report import Codebase

# So much code goes into one question: a small part of any model's window, as they overlook much in long ones.
MAX_CHARACTERS = 18_000
# A group ends before one file of so many, by its path, so that a changed file changes only the questions near it.
FILES_PER_BOUNDARY = 4

Group = Sequence["Excerpt"]


@dataclass(frozen=True)
class Excerpt:
    """Neighbouring chunks of a file as one text, which begins at `start_line`.

    `definitions` are those that it has a part of: qualified name, first and last line. It consists of so many `chunks`.
    """

    path: str
    start_line: int
    text: str
    definitions: Sequence[tuple[str, int, int]]
    chunks: int

    @cached_property
    def lines(self) -> Sequence[str]:
        """The lines without their ends."""
        return self.text.split("\n")

    def scope_of(self, line: int) -> str | None:
        """Return the qualified name of the innermost definition around a line."""
        around = [one for one in self.definitions if one[1] <= line <= one[2]]
        return min(around, key=lambda one: one[2] - one[1])[0] if around else None

    def to_json(self) -> dict[str, Any]:
        """Return the excerpt as JSON data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read back what `to_json` wrote."""
        return cls(**{**data, "definitions": [(name, first, last) for name, first, last in data["definitions"]]})


def count_chunks(group: Group) -> int:
    """Return of how many chunks the excerpts of a group consist."""
    return sum(excerpt.chunks for excerpt in group)


def grouped(codebase: "Codebase", max_chunks: int) -> list[Group]:
    """Divide the first chunks of a codebase into groups for one question each, the files by rank."""
    groups: list[list[Excerpt]] = []
    size = 0
    for path, chunks in groupby(codebase.chunks[:max_chunks], key=lambda chunk: chunk.path):
        begins = _is_boundary(path)
        for members in _runs(list(chunks)):
            excerpt = _excerpt(codebase, members)
            if not groups or begins or size + len(excerpt.text) > MAX_CHARACTERS:
                groups.append([])
                size, begins = 0, False
            groups[-1].append(excerpt)
            size += len(excerpt.text)
    return list(groups)


def _is_boundary(path: str) -> bool:
    return hashlib.sha256(path.encode()).digest()[0] % FILES_PER_BOUNDARY == 0


def _runs(chunks: "Sequence[Chunk]") -> "Iterator[Sequence[Chunk]]":
    """Cut the chunks of a file into runs that fit into a question."""
    run: list[Chunk] = []
    size = 0
    for chunk in chunks:
        if run and size + len(chunk.text) > MAX_CHARACTERS:
            yield run
            run, size = [], 0
        run.append(chunk)
        size += len(chunk.text)
    yield run


def _excerpt(codebase: "Codebase", members: "Sequence[Chunk]") -> Excerpt:
    path, first, last = members[0].path, members[0].start_line, members[-1].end_line
    definitions = [
        (one.qualified_name, one.start_line, one.end_line)
        for one in codebase.outlines[path].definitions
        if one.start_line <= last and one.end_line >= first
    ]
    return Excerpt(path, first, codebase.files[path].quote(first, last), definitions, len(members))
