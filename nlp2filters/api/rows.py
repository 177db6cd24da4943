"""Rows of an uploaded file: a job of the kind `rows` finds them, and writes the file of an export."""

import asyncio
import datetime as dt
from typing import Any

from starlette.responses import Response, StreamingResponse

from nlp2filters.api import admission, jobs, kinds, lookup, refinement
from nlp2filters.api.preparation import Preparation, check_webhook, new_job
from nlp2filters.api.routes import IDEMPOTENCY_KEY, PREFER, Call, Operation
from nlp2filters.clock import now_ms
from nlp2filters.core import catalog as catalogs
from nlp2filters.core import schemas
from nlp2filters.core.jobs import Job
from nlp2filters.core.kinds import ROWS_PATH
from nlp2filters.core.row_queries import MAX_PAGE_BYTES, compile_query
from nlp2filters.core.row_requests import RowQuery, RowsRequest
from nlp2filters.errors import InvalidFilter, InvalidRequest, NoReport, Violation
from nlp2filters.storage import request_parts
from nlp2filters.storage.request_parts import Part

MEDIA_TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl"}
_OF_FILE = ("media_type", "blob", "currency", "date_order", "table")
_QUERY = ("filter", "sort", "limit", "text")


async def find_rows(call: Call, body: RowsRequest) -> Response:
    """Find the rows of a file from which a catalog was inferred.

    `data` is the id of the job that inferred it. The filter is your own, or that of a `job`. The file is converted in
    the types of the catalog once; further questions are quicker. With `export`, all matching rows are also written to a
    file, to be fetched from `/v1/jobs/{job_id}/export`. `Prefer: wait=N` waits for the rows.
    """
    services, owner = call.services, call.caller.owner
    if job_id := await admission.replayed_id(services.store, owner, call.idempotency_key):
        return await jobs.replay(call, job_id)
    limits, headers = await admission.admit(services, call.caller)
    return await jobs.create(call, *await _prepare(call, body), limits, headers)


async def _prepare(call: Call, body: RowsRequest) -> tuple[Job, request_parts.Request]:
    """Check the request, and create the job and the request that it stores.

    Raises:
        JobNotFound, JobGone, ResultNotReady, BlobGone, PartGone: the file, or the filter's job, is not there.
        InvalidRequest, InvalidCatalog, InvalidFilter, CatalogNotFound: the request has faults.
    """
    services, owner = call.services, call.caller.owner
    data, fields = await lookup.succeeded_job(services.store, owner, body.data, "request", "result")
    if data.kind != "inference":
        raise InvalidRequest(
            [Violation("/data", "This job has no file. Name one that inferred a catalog from a file.")]
        )
    if body.webhook:
        await check_webhook(services.settings, call.headers, body.webhook.url)
    query = body.model_dump(mode="json", include=set(RowQuery.model_fields) - {"catalog"})
    source: Any = body.catalog if body.catalog is not None else fields["result"]["catalog"]
    if body.job:
        source = await _take_filter(call, body, query)
    catalog = await Preparation(services, call.caller, call.headers).catalog(source)
    now = dt.datetime.fromtimestamp(now_ms() / 1000, dt.UTC)
    try:
        await asyncio.to_thread(compile_query, RowQuery.model_validate(query), catalog, now)
    except InvalidFilter as exc:
        if not body.job:
            raise
        detail = f"Its filter does not fit the catalog any more: {exc.violations[0].detail} Ask again."
        raise InvalidRequest([Violation("/job", detail)]) from exc
    await services.blobs.renew(owner, fields["request"]["blob"])
    stored: dict[str, Any] = {name: fields["request"].get(name) for name in _OF_FILE}
    stored |= body.model_dump(mode="json", include={"kind", "data", "job", "webhook", "deadline_seconds"})
    if call.caller.key_id:
        stored["api_key"] = call.caller.key_id
    request = request_parts.compose({**stored, "query": query}, {"catalog": Part.of(catalogs.to_json(catalog))})
    about: dict[str, Any] = {"catalog": source} if isinstance(source, str) else {}
    derived = request.derived + 2 * MAX_PAGE_BYTES * bool(body.page_size or body.plot)
    return new_job(services.settings, owner, body, **about), request_parts.Request(
        request.body, request.parts, request.dependencies, derived
    )


async def _take_filter(call: Call, body: RowsRequest, query: dict[str, Any]) -> str | Part:
    """Put the filter of the named job into the query, and return its catalog."""
    assert body.job
    store, owner = call.services.store, call.caller.owner
    _, fields = await lookup.succeeded_job(store, owner, body.job, "result")
    try:
        earlier = await refinement.load(store, owner, body.job)
    except InvalidRequest as exc:
        raise InvalidRequest(
            [Violation("/job", "This job has no filter. Name one that turned a text into one.")]
        ) from exc
    result = fields["result"]
    members = {name: result.get(name) for name in _QUERY} | {"text": result.get("text") or ""}
    if body.sort:
        del members["sort"]
    query |= members
    query |= {"unknown": earlier.request.get("unknown", "exclude"), "timezone": earlier.request.get("timezone", "UTC")}
    return earlier.catalog


async def export(call: Call, job_id: str) -> Response:
    """Return the file that a job of the kind `rows` has written because of `export`: CSV, or JSON Lines."""
    owner = call.caller.owner
    _, result = await lookup.result(call.services.store, owner, job_id)
    if not (written := result.get("export")):
        raise NoReport(job_id)
    await call.services.blobs.renew(owner, written["sha256"])
    form = written["format"]
    headers = {
        "Content-Length": str(written["bytes"]),
        "Content-Disposition": f'attachment; filename="rows.{form}"',
        "X-Content-Type-Options": "nosniff",
    }
    return StreamingResponse(
        call.services.blobs.read(owner, written["sha256"]), headers=headers, media_type=MEDIA_TYPES[form]
    )


_GONE = ("job-not-found", "job-not-finished", "job-failed", "result-expired", "store-unavailable")
operations = [
    Operation(
        "POST",
        ROWS_PATH,
        find_rows,
        "jobs:write",
        {202: schemas.Job, 200: kinds.FINISHED},
        body=RowsRequest,
        params=(PREFER, IDEMPOTENCY_KEY),
        problems=(
            "catalog-not-found",
            "invalid-catalog",
            "invalid-filter",
            *_GONE,
            *jobs.KEY_PROBLEMS,
            *jobs.LIMIT_PROBLEMS,
        ),
        headers=jobs.CREATED_HEADERS,
    ),
    Operation(
        "GET", "/v1/jobs/{job_id}/export", export, "jobs:read", {200: "text/csv"}, problems=(*_GONE, "not-found")
    ),
]
