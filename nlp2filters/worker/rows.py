"""The only stage of the kind `rows`: rows of an uploaded file, which is converted once to Parquet."""

import datetime as dt
import logging
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import orjson

from nlp2filters.core import catalog as catalogs
from nlp2filters.core import media_types
from nlp2filters.errors import BlobGone, TooManyBytes
from nlp2filters.file_reading import process
from nlp2filters.file_reading.orders import Order, Report
from nlp2filters.storage import request_parts
from nlp2filters.table_inference import TableOptions
from nlp2filters.table_rows import conversion_key, convert, select
from nlp2filters.worker.attempt import Attempt, StageResult
from nlp2filters.worker.loading import loaded

if TYPE_CHECKING:  # Workers of other queues use a part of this module only.
    from nlp2filters.worker.embedding_services import EmbeddingServices

PARQUET = "rows.parquet"
CHUNK_BYTES = 1 << 18

_log = logging.getLogger(__name__)


async def find(attempt: Attempt["EmbeddingServices"]) -> StageResult:
    """Select the rows, from the converted file if there is one."""
    store, owner = attempt.worker.store, attempt.job.owner
    request = await request_parts.attach(store.redis, store.keys, owner, attempt.request)
    key = conversion_key(request, catalogs.parse(request["catalog"]))
    (record,) = await attempt.worker.derived.load(owner, [key])
    if record is not None:
        conversion = orjson.loads(record)
        blobs = attempt.worker.services.blobs
        try:
            await blobs.renew(owner, conversion["blob"])
            async with loaded(blobs, owner, conversion["blob"], PARQUET) as path:
                return await _select(attempt, request, path, conversion["unread"])
        except BlobGone:
            _log.info("a converted table is no longer kept, and converted again")
    return await _convert(attempt, request, key)


async def _convert(attempt: Attempt["EmbeddingServices"], request: dict[str, Any], key: str) -> StageResult:
    def on_report(report: Report) -> None:
        detail = f"{report.rows:,} rows read ({report.share:.0%})"
        attempt.progress.report("converting", detail, rows=report.rows, share=round(report.share, 3))

    options = TableOptions("rows", request["currency"], request["date_order"], request["table"])
    name = f"table{media_types.suffix_of(request['media_type'])}"
    attempt.progress.report("loading", "Loading the table")
    async with loaded(attempt.worker.services.blobs, attempt.job.owner, request["blob"], name) as path:
        read = partial(convert, media_type=request["media_type"], options=options, catalog=request["catalog"])
        conversion = await process.run(Order(path, read), on_report)
        parquet = path.with_name(PARQUET)
        await _keep(attempt, key, parquet, conversion["unread"])
        return await _select(attempt, request, parquet, conversion["unread"])


async def _keep(attempt: Attempt["EmbeddingServices"], key: str, parquet: Path, unread: Any) -> None:
    """Keep a converted table for further questions, if the owner may add so much."""
    job, size = attempt.job, (await anyio.Path(parquet).stat()).st_size
    try:
        blob = await attempt.worker.services.blobs.store(job.owner, _chunks(parquet), size=size, job_id=job.id)
        record = orjson.dumps({"blob": blob.digest, "unread": unread})
        await attempt.worker.derived.save(job.owner, key, record, job_id=job.id)
    except TooManyBytes as exc:
        _log.warning("a converted table is not kept: %s", exc)


async def _select(
    attempt: Attempt["EmbeddingServices"], request: dict[str, Any], path: Path, unread: Any
) -> StageResult:
    attempt.progress.report("selecting", "Selecting the rows")
    now = dt.datetime.fromtimestamp(attempt.job.created_at / 1000, dt.UTC).isoformat()
    read = partial(select, query=request["query"], catalog=request["catalog"], now=now)
    result = await process.run(Order(path, read))
    result = {"export": None, "plot": None, **result, "unread": unread}
    if form := request["query"]["export"]:
        export = path.with_name("export")
        size = (await anyio.Path(export).stat()).st_size
        job, blobs = attempt.job, attempt.worker.services.blobs
        blob = await blobs.store(job.owner, _chunks(export), size=size, job_id=job.id)
        result["export"] = {"format": form, "sha256": blob.digest, "bytes": blob.size}
    return StageResult({"result": result})


async def _chunks(path: Path) -> AsyncIterator[bytes]:
    async with await anyio.open_file(path, "rb") as file:
        while chunk := await file.read(CHUNK_BYTES):
            yield chunk
