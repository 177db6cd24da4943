"""The first stage of the kind `analysis`: an archive's chunks are embedded in parts, and joined to a report."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from nlp2filters.analysis.uploads import AnalysisOptions, chunk_texts, full_report
from nlp2filters.analysis.vectors import quantize
from nlp2filters.core.embedding_model import MODEL
from nlp2filters.core.jobs import Job
from nlp2filters.core.parts import Part, digest_of
from nlp2filters.embedding.embedder import DIMENSIONS
from nlp2filters.file_reading import process
from nlp2filters.file_reading.orders import Order
from nlp2filters.storage.blobs.store import Blobs
from nlp2filters.storage.commits import EventDraft
from nlp2filters.storage.searches import SEARCH_INDEX
from nlp2filters.worker.attempt import Attempt, StageResult
from nlp2filters.worker.loading import loaded
from nlp2filters.worker.parts import Outcomes, PartAttempt, PartWork
from nlp2filters.worker.record_fields import EXCERPTS

if TYPE_CHECKING:  # Workers of other queues use a part of this module only.
    from nlp2filters.worker.embedding_services import EmbeddingServices

TOO_COMPLEX = "archive-refused"
# The job's record has so many definitions and findings; the report, which is a blob, has all.
MAX_DEFINITIONS, MAX_FINDINGS = 20, 20


async def split(attempt: Attempt["EmbeddingServices"]) -> Sequence[Part]:
    """Divide the archive into groups of chunks. One that was embedded for the owner before is not embedded again."""
    attempt.progress.report("reading", "Reading the archive")
    async with _archive(attempt) as path:
        read = partial(chunk_texts, options=_options(attempt.request))
        groups: list[list[str]] = await process.run(Order(path, read, TOO_COMPLEX))
    return [Part.of(MODEL, *texts, payload=texts) for texts in groups]


async def embed(attempt: PartAttempt["EmbeddingServices"]) -> bytes:
    """Embed a group of chunks, but for those that were embedded for the owner before, in whatever file.

    Each is kept at once, so that a killed worker loses only the one that it was at.
    """
    embedder, derived, owner = attempt.worker.services.embedder, attempt.worker.derived, attempt.job.owner
    keys = [digest_of(MODEL, text) for text in attempt.part.payload]
    cached = zip(keys, await derived.load(owner, keys), strict=True)
    vectors = {key: vector for key, vector in cached if vector is not None}
    for key, text in zip(keys, attempt.part.payload, strict=True):
        if key not in vectors:
            vectors[key] = quantize(await embedder.embed([text], background=True)).tobytes()
            await derived.save(owner, key, vectors[key], job_id=attempt.job.id)
    return b"".join(vectors[key] for key in keys)


async def join(attempt: Attempt["EmbeddingServices"], outcomes: Outcomes) -> StageResult:
    """Make the report of the archive and of the vectors, and store it; the result tells what matters most in it."""
    vectors: dict[str, bytes] = {}
    async for outcome in outcomes:
        if outcome.content is not None:
            vectors |= zip(outcome.part.payload, _rows(outcome.content), strict=True)
    options, services = _options(attempt.request), attempt.worker.services
    by_meaning = options.question if "search" in options.tasks else None
    query = (await services.embedder.embed([by_meaning]))[0] if by_meaning else None
    attempt.progress.report("reporting", "Comparing and ranking")
    asks = attempt.job.next_stage is not None
    async with _archive(attempt) as path:
        read = partial(full_report, options=options, vectors=vectors, query=query, excerpts=asks)
        report, index = await process.run(Order(path, read, TOO_COMPLEX))
    job, excerpts = attempt.job, report.pop("excerpts", None)
    fields = {
        "result": {**essence(report), "report": await store_json(services.blobs, job, report)},
        SEARCH_INDEX: (await _store(services.blobs, job, index))["sha256"],
    }
    if excerpts:
        fields[EXCERPTS] = await store_json(services.blobs, job, excerpts)
    return StageResult(fields, events=[finding_event(one, brief=True) for one in fields["result"]["findings"]])


def _rows(vectors: bytes) -> Iterator[bytes]:
    """Yield the vectors that are one after the other."""
    return (vectors[start : start + DIMENSIONS] for start in range(0, len(vectors), DIMENSIONS))


async def store_json(blobs: Blobs, job: Job, data: Any) -> dict[str, Any]:
    """Store JSON data of any size for a job. Returns its `sha256` and its `size`."""
    return await _store(blobs, job, await asyncio.to_thread(orjson.dumps, data))


async def _store(blobs: Blobs, job: Job, content: bytes) -> dict[str, Any]:
    blob = await blobs.store(job.owner, _once(content), size=len(content), job_id=job.id)
    return {"sha256": blob.digest, "size": blob.size}


def finding_event(finding: Mapping[str, Any], *, brief: bool = False) -> EventDraft:
    """Return the event that tells a finding, in the form of reports; see `EventDraft` for `brief`."""
    return EventDraft("finding", {"finding": finding}, brief, finding["fingerprint"])


def _archive(attempt: Attempt["EmbeddingServices"]) -> AbstractAsyncContextManager[Path]:
    return loaded(attempt.worker.services.blobs, attempt.job.owner, attempt.request["blob"], "archive")


def _options(request: Any) -> AnalysisOptions:
    names = ("include", "exclude", "gitignore", "tasks", "question")
    return AnalysisOptions(**{name: request[name] for name in names}, max_chunks=request["budget"]["chunks"])


def essence(report: dict[str, Any]) -> dict[str, Any]:
    """Return what the job's record has of a report."""
    definitions = report["map"]["definitions"] if report["map"] else []
    return {
        "summary": report["summary"],
        "files": sum(file["skipped"] is None for file in report["files"]),
        "skipped": sum(file["skipped"] is not None for file in report["files"]),
        "definitions": definitions[:MAX_DEFINITIONS],
        "findings": report["findings"][:MAX_FINDINGS],
        "finding_count": len(report["findings"]),
        "answers": report["answers"],
        "coverage": report["coverage"],
    }


async def _once(content: bytes) -> Any:
    yield content


WORK = PartWork(split, embed, join, partial=True)
