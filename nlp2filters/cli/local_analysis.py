"""Analysing code on this machine."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
from numpy.typing import NDArray
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from nlp2filters.analysis.archives import ArchiveLimits, read_archive
from nlp2filters.analysis.chunks import Chunk
from nlp2filters.analysis.folders import read_folder
from nlp2filters.analysis.passages import index_of
from nlp2filters.analysis.report import Codebase, build_report
from nlp2filters.analysis.selection import Selection
from nlp2filters.analysis.uploads import MAX_ANSWERS
from nlp2filters.analysis.vectors import quantize
from nlp2filters.cli import output
from nlp2filters.cli.vector_cache import VectorCache
from nlp2filters.core.analyses import TASKS
from nlp2filters.embedding.embedder import DIMENSIONS, Embedder
from nlp2filters.embedding.weights import MINILM_BY_WEIGHTS
from nlp2filters.errors import SourceError
from nlp2filters.settings import Settings

EMBEDDED_AT_ONCE = 64

Vectors = NDArray[np.int8]


def report(
    path: Path,
    selection: Selection,
    tasks: Sequence[str] | None,
    question: str | None,
    max_chunks: int,
    settings: Settings,
) -> tuple[dict[str, Any], bool]:
    """Analyse a folder or an archive. Returns the report, and True if reading by meaning lacks the model.

    Without `tasks`, it has everything; then code is read by meaning only for a question, as that takes long.

    Raises:
        SourceError, ArchiveRefused: it cannot be read.
    """
    codebase = _read(path, selection)
    chunks = codebase.chunks[:max_chunks]
    tasks = tasks or [task for task in TASKS if task != "search" or question]
    vectors, query = asyncio.run(_embed(chunks, question, settings) if "search" in tasks else _none())
    lacks_model = "search" in tasks and not len(vectors)
    if not len(vectors):
        tasks = [task for task in tasks if task != "search"]
    answers = index_of(codebase.chunks, vectors).search(question, query, MAX_ANSWERS) if question else []
    built = build_report(codebase, vectors, tasks=tasks)
    return {**built, "answers": [asdict(answer) for answer in answers]}, lacks_model


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
    folder = MINILM_BY_WEIGHTS[settings.embedding_weights].find(settings.model_path, settings.model_cache)
    if folder is None or not chunks:
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
    return np.stack([vectors[chunk.sha256] for chunk in chunks]), query


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = output.err()
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def _batches(chunks: Sequence[Chunk]) -> Iterable[Sequence[Chunk]]:
    return (chunks[start : start + EMBEDDED_AT_ONCE] for start in range(0, len(chunks), EMBEDDED_AT_ONCE))
