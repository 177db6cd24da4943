"""The only stage of the kind `inference`."""

from functools import partial
from typing import TYPE_CHECKING, Any

from nlp2filters.core import media_types
from nlp2filters.file_reading import process
from nlp2filters.file_reading.orders import Order, Report
from nlp2filters.table_inference import TableOptions, infer_table
from nlp2filters.worker.attempt import Attempt, StageResult
from nlp2filters.worker.loading import loaded

if TYPE_CHECKING:  # Workers of other queues use a part of this module only.
    from nlp2filters.worker.embedding_services import EmbeddingServices


async def infer(attempt: Attempt["EmbeddingServices"]) -> StageResult:
    """Infer the catalog of the uploaded table."""
    request, progress = attempt.request, attempt.progress
    options = TableOptions(request["name"], request["currency"], request["date_order"], request["table"])

    def on_report(report: Report) -> None:
        detail = f"{report.rows:,} rows read ({report.share:.0%})"
        progress.report("reading", detail, rows=report.rows, share=round(report.share, 3))

    name = f"table{media_types.suffix_of(request['media_type'])}"
    progress.report("loading", "Loading the table")
    async with loaded(attempt.worker.services.blobs, attempt.job.owner, request["blob"], name) as path:
        progress.report("reading", "Reading the table")
        read = partial(infer_table, media_type=request["media_type"], options=options)
        result: dict[str, Any] = await process.run(Order(path, read), on_report)
    return StageResult({"result": result})
