"""The report of an analysis: what its job's result holds."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nlp2filters.analysis import duplicates, imports, measures, ranking, summary
from nlp2filters.analysis.chunks import Chunk, split
from nlp2filters.analysis.findings import Finding, distinct
from nlp2filters.analysis.languages import is_document, is_test, language_of
from nlp2filters.analysis.outlines import Outline, outline
from nlp2filters.analysis.sources import SkippedFile, SourceFile
from nlp2filters.analysis.vectors import cluster

# The map names at most this many definitions; further ones are counted.
MAX_MAP = 500
# So many chunks of a file are read before those of the next ones.
ROUND = 16


@dataclass(frozen=True)
class Codebase:
    """The files of an analysis with their outlines and chunks, all computed without a model.

    `ranks` are those of the files; chunks are in the order of their importance, so that a budget leaves out the least.
    """

    files: Mapping[str, SourceFile]
    skipped: Sequence[SkippedFile]
    outlines: Mapping[str, Outline]
    ranks: Mapping[str, float]
    chunks: Sequence[Chunk]

    @classmethod
    def of(cls, entries: Iterable[SourceFile | SkippedFile]) -> "Codebase":
        """Outline, rank and divide the files."""
        files: dict[str, SourceFile] = {}
        skipped: list[SkippedFile] = []
        for entry in entries:
            if isinstance(entry, SkippedFile):
                skipped.append(entry)
                continue
            if entry.path in files:
                skipped.append(SkippedFile(entry.path, "A later file of the same path takes its place."))
            files[entry.path] = entry
        outlines = {path: outline(file, language_of(path)) for path, file in files.items()}
        ranks = ranking.rank_files(outlines)
        return cls(files, skipped, outlines, ranks, _by_importance(files, outlines, ranks))


def _by_importance(
    files: Mapping[str, SourceFile], outlines: Mapping[str, Outline], ranks: Mapping[str, float]
) -> list[Chunk]:
    """Return all chunks: those of code, of documents, of tests; each in rounds, files with the highest rank first.

    In every round, a file has `ROUND` chunks, so that the largest files do not use up a budget.
    """
    placed = [
        ((2 * is_test(path) or is_document(path), number // ROUND, -ranks[path], path, number), chunk)
        for path, file in files.items()
        for number, chunk in enumerate(split(file, outlines[path]))
    ]
    return [chunk for _, chunk in sorted(placed, key=lambda entry: entry[0])]


def build_report(
    codebase: Codebase,
    vectors: NDArray[np.int8],
    reviewed: Iterable[Finding] = (),
    *,
    tasks: Sequence[str] = ("map", "search", "duplicates", "summary", "review"),
    failed: int = 0,
) -> dict[str, Any]:
    """Return the report as JSON data.

    `vectors` are those of the first chunks, as many as the budget had room for; `reviewed` are findings of a model that
    are proven; `failed` is the number of chunks that could not be analysed.
    """
    pairs = duplicates.near_duplicates(codebase.files, codebase.outlines) if "duplicates" in tasks else []
    graph = imports.import_graph(codebase.outlines)
    findings = list(reviewed)
    if "review" in tasks:
        findings += measures.measure(codebase.files, codebase.outlines)
        findings += measures.of_cycles(imports.cycles(graph), codebase.files)
        findings += duplicates.of_duplicates(pairs, codebase.files)
    chunks = codebase.chunks[: len(vectors)]
    left_out = codebase.chunks[len(vectors) :] if "search" in tasks else []
    return {
        "files": _files(codebase, left_out),
        "map": _map(codebase, graph) if "map" in tasks else None,
        "clusters": [_cluster(group.members, chunks) for group in cluster(vectors)],
        "duplicates": [asdict(pair) for pair in pairs],
        "findings": [finding.to_json() for finding in distinct(findings)],
        "summary": summary.summarize(codebase.files, codebase.ranks) if "summary" in tasks else None,
        "coverage": {
            "chunks": len(codebase.chunks),
            "analyzed": len(vectors) - failed,
            "failed": failed,
            "over_budget": len(left_out),
        },
    }


def _files(codebase: Codebase, left_out: Sequence[Chunk]) -> list[dict[str, Any]]:
    over_budget = Counter(chunk.path for chunk in left_out)
    read = [
        {
            "path": path,
            "language": language_of(path),
            "lines": len(file.lines),
            "sha256": file.sha256,
            "skipped": None,
            "over_budget": over_budget[path],
        }
        for path, file in codebase.files.items()
    ]
    skipped = [file.to_json() for file in codebase.skipped]
    return sorted(read + skipped, key=lambda entry: str(entry["path"]))


def _map(codebase: Codebase, graph: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Return the definitions that matter most, and which file imports which."""
    ranks = ranking.rank_definitions(codebase.outlines, codebase.ranks)
    definitions: list[dict[str, Any]] = [
        {
            "path": path,
            "name": definition.qualified_name,
            "kind": definition.kind,
            "start_line": definition.start_line,
            "end_line": definition.end_line,
            "rank": round(ranks[path, definition.qualified_name], 6),
        }
        for path, outlined in codebase.outlines.items()
        for definition in outlined.definitions
    ]
    definitions.sort(key=lambda entry: (-float(entry["rank"]), entry["path"], entry["start_line"]))
    return {
        "definitions": definitions[:MAX_MAP],
        "further_definitions": max(0, len(definitions) - MAX_MAP),
        "files": {path: round(rank, 6) for path, rank in sorted(codebase.ranks.items(), key=lambda item: -item[1])},
        "imports": {path: list(targets) for path, targets in graph.items() if targets},
    }


def _cluster(members: Sequence[int], chunks: Sequence[Chunk]) -> dict[str, Any]:
    """Return a group of chunks with the one that stands for it."""
    center = chunks[members[0]]
    places = [
        {"path": chunks[number].path, "start_line": chunks[number].start_line, "end_line": chunks[number].end_line}
        for number in members
    ]
    return {"center": {"path": center.path, "scope": center.scope, "start_line": center.start_line}, "chunks": places}
