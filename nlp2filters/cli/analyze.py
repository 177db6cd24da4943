"""`nlp2filters analyze`: a map of a codebase, findings in it, and answers to questions about it, on this machine."""

import argparse
import asyncio
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import platformdirs
from numpy.typing import NDArray
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from nlp2filters import __version__
from nlp2filters.cli import files, output
from nlp2filters.cli.vector_cache import VectorCache
from nlp2filters.embedding.embedder import DIMENSIONS, Embedder
from nlp2filters.embedding.weights import MINILM
from nlp2filters.errors import SourceError
from nlp2filters.settings import Settings

try:
    from nlp2filters.analysis.archives import ArchiveLimits, read_archive
    from nlp2filters.analysis.chunks import Chunk
    from nlp2filters.analysis.findings import Finding
    from nlp2filters.analysis.folders import read_folder
    from nlp2filters.analysis.report import Codebase, build_report
    from nlp2filters.analysis.sarif import to_sarif
    from nlp2filters.analysis.passages import index_of
    from nlp2filters.analysis.search import SearchResult
    from nlp2filters.analysis.selection import Selection, is_pattern
    from nlp2filters.analysis.vectors import quantize
except ModuleNotFoundError as exc:
    raise SourceError("To analyse code: pip install 'nlp2filters[analysis]'.") from exc

MAX_CHUNKS = 2_000
EMBEDDED_AT_ONCE = 64
# A summary for people names so many definitions and findings; `--json` has all.
SHOWN_DEFINITIONS, SHOWN_FINDINGS, SHOWN_RESULTS = 15, 20, 5

Vectors = NDArray[np.int8]


def add_to(command: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    command.add_argument("path", type=Path, metavar="FOLDER_OR_ARCHIVE", help="a folder, or a tar, zip or wheel file")
    command.add_argument("--question", metavar="TEXT", help="what to look for, in plain language")
    command.add_argument(
        "--include", action="append", default=[], type=_pattern, metavar="GLOB", help="only these; may be repeated"
    )
    command.add_argument(
        "--exclude", action="append", default=[], type=_pattern, metavar="GLOB", help="not these; may be repeated"
    )
    command.add_argument(
        "--max-chunks", type=_count, default=MAX_CHUNKS, metavar="N", help=f"read so many by meaning; else {MAX_CHUNKS}"
    )
    command.add_argument("--clusters", action="store_true", help="read by meaning without a question too, for clusters")
    command.add_argument("--sarif", type=Path, metavar="FILE", help="write the findings to a file, as SARIF 2.1.0")
    command.add_argument("--json", action="store_true", help="everything, for programs")
    command.set_defaults(run=_analyze)


def _analyze(args: argparse.Namespace) -> int:
    codebase = _read(args.path, Selection(args.include, args.exclude))
    chunks = codebase.chunks[: args.max_chunks]
    wants_vectors = bool(args.question or args.clusters)
    vectors, query = asyncio.run(_embed(chunks, args.question, Settings.read(os.environ)) if wants_vectors else _none())
    report = build_report(codebase, vectors)
    if args.sarif:
        findings = [_finding(entry) for entry in report["findings"]]
        files.write(args.sarif, orjson.dumps(to_sarif(findings, __version__), option=orjson.OPT_INDENT_2))
    results = _answer(args.question, query, codebase.chunks, vectors) if args.question else []
    if args.json:
        output.print_json({**report, "results": [asdict(result) for result in results]})
    else:
        _print(report, args.question, results, has_model=bool(len(vectors)))
    return 0


def _read(path: Path, selection: Selection) -> Codebase:
    """Read the files of a folder or an archive."""
    limits = ArchiveLimits()
    if path.is_dir():
        return Codebase.of(selection.choose(read_folder(path, limits)))
    try:
        with path.open("rb") as stream:
            return Codebase.of(selection.choose(read_archive(stream, limits)))
    except OSError as exc:
        raise SourceError(f"{path}: {exc.strerror}.") from exc


async def _none() -> tuple[Vectors, NDArray[np.float32] | None]:
    return np.zeros((0, DIMENSIONS), np.int8), None


async def _embed(
    chunks: Sequence[Chunk], question: str | None, settings: Settings
) -> tuple[Vectors, NDArray[np.float32] | None]:
    """Return the vectors of the chunks and of the question; none if the model is not on this machine."""
    folder = MINILM.find(settings.model_path, settings.model_cache)
    if folder is None:
        return await _none()
    cache = VectorCache(platformdirs.user_cache_path("nlp2filters") / "vectors.sqlite", folder.name)
    vectors = cache.load([chunk.sha256 for chunk in chunks])
    missing = {chunk.sha256: chunk for chunk in chunks if chunk.sha256 not in vectors}
    async with await Embedder.load(folder) as embedder:
        with _progress() as progress:
            for batch in progress.track(list(_batches(list(missing.values()))), description="reading by meaning"):
                embedded = quantize(await embedder.embed([chunk.model_text for chunk in batch]))
                fresh = {chunk.sha256: vector for chunk, vector in zip(batch, embedded, strict=True)}
                cache.save(fresh)
                vectors |= fresh
        query = (await embedder.embed([question]))[0] if question else None
    rows = [vectors[chunk.sha256] for chunk in chunks]
    return (np.stack(rows) if rows else np.zeros((0, DIMENSIONS), np.int8)), query


def _answer(
    question: str, query: NDArray[np.float32] | None, chunks: Sequence[Chunk], vectors: Vectors
) -> list[SearchResult]:
    """Search by meaning and by words; what has no vector is found by its words only."""
    return index_of(chunks, vectors).search(question, query, SHOWN_RESULTS)


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = output.err()
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def _batches(chunks: Sequence[Chunk]) -> Iterable[Sequence[Chunk]]:
    return (chunks[start : start + EMBEDDED_AT_ONCE] for start in range(0, len(chunks), EMBEDDED_AT_ONCE))


def _finding(entry: dict[str, Any]) -> Finding:
    return Finding(**{name: value for name, value in entry.items() if name != "fingerprint"})


def _print(report: dict[str, Any], question: str | None, results: Sequence[SearchResult], *, has_model: bool) -> None:
    console = output.out()
    console.print(report["summary"], soft_wrap=True)
    if question:
        console.print(f"\n{question}", style="bold", soft_wrap=True)
        if not has_model:
            console.print("By words only: the embedding model is not on this machine. `nlp2filters up` fetches it.")
        for result in results:
            output.print_passage(result.path, result.start_line, result.end_line, result.quote)
    console.print("\nMost used", style="bold")
    output.print_table(
        ("definition", "kind", "place"),
        [
            (entry["name"], entry["kind"], f"{entry['path']}:{entry['start_line']}")
            for entry in report["map"]["definitions"][:SHOWN_DEFINITIONS]
        ],
    )
    findings = report["findings"]
    console.print(f"\n{len(findings):,} findings", style="bold")
    for entry in findings[:SHOWN_FINDINGS]:
        console.print(f"{entry['severity']}  {entry['path']}:{entry['start_line']}  {entry['message']}", soft_wrap=True)
    _print_omissions(report, has_model=has_model)


def _print_omissions(report: dict[str, Any], *, has_model: bool) -> None:
    """Print what was left out, as nobody should take silence for health."""
    console, coverage = output.out(), report["coverage"]
    if (further := len(report["findings"]) - SHOWN_FINDINGS) > 0:
        console.print(f"… and {further:,} more: --json or --sarif FILE has all.")
    if skipped := sum(entry["skipped"] is not None for entry in report["files"]):
        console.print(f"\n{skipped:,} files were skipped; --json tells why.")
    if has_model and coverage["over_budget"]:
        console.print(
            f"Read by meaning: {coverage['analyzed']:,} of {coverage['chunks']:,} chunks, those of the most used files "
            "first; --max-chunks reads more."
        )


def _pattern(text: str) -> str:
    if not is_pattern(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no pattern: expected one such as src/**/*.py, as in .gitignore")
    return text


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no positive number")
    return int(text)
