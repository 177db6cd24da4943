"""The only stage of the kind `inference`."""

import tempfile
from pathlib import Path
from typing import Any

import anyio

from nlp2filters.core import media_types
from nlp2filters.core.problems import problem
from nlp2filters.errors import BlobGone, TableRefused
from nlp2filters.table_inference import TableOptions
from nlp2filters.worker.attempt import Attempt, StageResult
from nlp2filters.worker.inference import process
from nlp2filters.worker.inference.process import Order, Report
from nlp2filters.worker.services import EmbeddingServices


async def infer(attempt: Attempt[EmbeddingServices]) -> StageResult:
    """Infer the catalog of the uploaded table."""
    request, progress = attempt.request, attempt.progress
    options = TableOptions(request["name"], request["currency"], request["date_order"], request["table"])

    def on_report(report: Report) -> None:
        detail = f"{report.rows:,} rows read ({report.share:.0%})"
        progress.report("reading", detail, rows=report.rows, share=round(report.share, 3))

    with tempfile.TemporaryDirectory(prefix="nlp2filters-") as folder:
        path = Path(folder) / f"table{media_types.suffix_of(request['media_type'])}"
        progress.report("loading", "Loading the table")
        await _load(attempt, path)
        progress.report("reading", "Reading the table")
        result: dict[str, Any] = await process.run(Order(path, request["media_type"], options), on_report)
    return StageResult({"result": result})


async def _load(attempt: Attempt[EmbeddingServices], path: Path) -> None:
    """Write the uploaded table to a file, chunk by chunk."""
    try:
        async with await anyio.open_file(path, "wb") as file:
            async for chunk in attempt.worker.services.blobs.read(attempt.job.owner, attempt.request["blob"]):
                await file.write(chunk)
    except BlobGone as exc:
        raise TableRefused(problem("result-expired", str(exc))) from exc
