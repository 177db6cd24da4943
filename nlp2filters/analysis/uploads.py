"""Analysing an uploaded archive: the functions that a worker's child process calls with its file.

They load what parses code themselves, so that a worker without the extra `analysis` still does everything else.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nlp2filters.analysis.excerpts import grouped
from nlp2filters.analysis.vectors import stacked
from nlp2filters.errors import ArchiveRefused

if TYPE_CHECKING:
    from nlp2filters.analysis.chunks import Chunk
    from nlp2filters.analysis.report import Codebase

# A part of a job has the vectors of so many chunks of one file, so that a change in a file costs no other one's.
CHUNKS_PER_PART = 32
# So many places answer a question.
MAX_ANSWERS = 10


@dataclass(frozen=True, slots=True)
class AnalysisOptions:
    """The choice of files, the tasks, the number of chunks to embed, and the question to answer, if any."""

    include: Sequence[str] = ()
    exclude: Sequence[str] = ()
    gitignore: bool = True
    tasks: Sequence[str] = ("map", "search", "duplicates", "summary", "review")
    max_chunks: int = 2_000
    question: str | None = None


def chunk_texts(
    path: Path, options: AnalysisOptions, report: Callable[[int, float], None] = lambda done, share: None
) -> list[list[str]]:
    """Return what the embedding model reads of the chunks within the budget, in groups of one file each.

    Raises:
        ArchiveRefused: the archive is broken or too large.
    """
    if "search" not in options.tasks:  # Then it need not be read twice.
        return []
    groups = []
    for _, members in groupby(_within_budget(_codebase(path, options), options), key=lambda chunk: chunk.path):
        texts = [chunk.model_text for chunk in members]
        groups += [texts[start : start + CHUNKS_PER_PART] for start in range(0, len(texts), CHUNKS_PER_PART)]
    return groups


def full_report(
    path: Path,
    options: AnalysisOptions,
    vectors: Mapping[str, bytes],
    query: NDArray[np.float32] | None,
    excerpts: bool = False,
    report: Callable[[int, float], None] = lambda done, share: None,
) -> tuple[dict[str, Any], bytes]:
    """Return the report of an archive, with the answers to the question, whose vector is `query`; and the search index.

    Without a vector, they are found by words only. `vectors` are those of the texts of `chunk_texts`, one byte a
    dimension: by text, since another version may have cut the files elsewhere. A chunk that has none counts as failed.
    With `excerpts`, the report has a member of this name: the code in groups, for an LLM.

    Raises:
        ArchiveRefused: the archive is broken or too large.
    """
    codebase = _codebase(path, options)
    from nlp2filters.analysis.passages import index_of
    from nlp2filters.analysis.report import build_report

    rows = [vectors.get(chunk.model_text) for chunk in _within_budget(codebase, options)]
    matrix = stacked(rows)
    index = index_of(codebase.chunks, matrix)
    results = index.search(options.question, query, MAX_ANSWERS) if options.question else []
    built = build_report(codebase, matrix, tasks=options.tasks, failed=rows.count(None))
    full = {**built, "answers": [asdict(result) for result in results]}
    if excerpts:
        groups = grouped(codebase, options.max_chunks)
        full["excerpts"] = [[excerpt.to_json() for excerpt in group] for group in groups]
    return full, index.to_bytes()


def _within_budget(codebase: "Codebase", options: AnalysisOptions) -> "Sequence[Chunk]":
    """Return the chunks to read by meaning."""
    return codebase.chunks[: options.max_chunks] if "search" in options.tasks else ()


def _codebase(path: Path, options: AnalysisOptions) -> "Codebase":
    try:
        from nlp2filters.analysis.archives import ArchiveLimits, read_archive
        from nlp2filters.analysis.report import Codebase
        from nlp2filters.analysis.selection import Selection, is_pattern
    except ModuleNotFoundError as exc:
        raise ArchiveRefused("This service cannot read code. Its operator can: install nlp2filters[analysis].") from exc
    for pattern in (*options.include, *options.exclude):
        if not is_pattern(pattern):
            raise ArchiveRefused(f"{pattern!r} is no pattern. Expected one such as src/**/*.py, as in .gitignore.")
    with path.open("rb") as stream:
        selection = Selection(options.include, options.exclude, gitignore=options.gitignore)
        return Codebase.of(selection.choose(read_archive(stream, ArchiveLimits())))
