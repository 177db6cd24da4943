"""Job endpoints: submit, show, fetch the result, cancel, retry, delete."""

import asyncio
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from nlp2filters import demo, fault_injection
from nlp2filters.api import admission, headers, lookup
from nlp2filters.api.auth import caller
from nlp2filters.api.body import read_json
from nlp2filters.api.headers import Preferences
from nlp2filters.api.preparing import Preparation
from nlp2filters.api.responses import JSON
from nlp2filters.api.routes import Operation, Param
from nlp2filters.api.state import State, state
from nlp2filters.api.submission import Submission, checked
from nlp2filters.clock import now_ms
from nlp2filters.core import jobs, schemas
from nlp2filters.core.dialects import sql
from nlp2filters.core.interpretation import from_json
from nlp2filters.core.jobs import RETRYABLE, Job
from nlp2filters.demo import table
from nlp2filters.errors import (
    Fault,
    InvalidRequest,
    JobNotFound,
    NoDemoData,
    NotFinished,
    NotRetryable,
    ReplayGone,
)
from nlp2filters.storage.commits import EventDraft
from nlp2filters.storage.errors import StorageError

RETRY_AFTER_S = 1
MAX_ROWS = 200


async def submit(request: Request) -> Response:
    """Accept a text: check the request, write the job, answer at once.

    With `Prefer: wait=N` the answer waits up to N seconds (at most 25) for the job to end, and is then 200 with the
    job and its `result`. An `Idempotency-Key` makes it safe to send the same request again: it yields the same job.
    """
    asked = checked(Submission, await read_json(request))
    once = headers.once(request, asked.model_dump(mode="json"))
    if made := await admission.replayed(request, once):
        return await _accepted(request, made)
    limits, rate = await admission.admit(request)
    job, body = await Preparation(request).prepare(asked)
    job_id = await state(request).store.jobs.create(job, body, limits=limits, once=once)
    fault_injection.reach(state(request).settings.faults, "job-created")
    return await _accepted(request, job_id, job, rate)


async def retry(request: Request) -> Response:
    """Submit the request of a failed, canceled or expired job again, as a new job, whose `retry_of` is the old one.

    `Prefer` and `Idempotency-Key` work as for a submission.
    """
    app, once = state(request), headers.once(request, None)
    if made := await admission.replayed(request, once):
        return await _accepted(request, made)
    limits, rate = await admission.admit(request)
    old = await lookup.job(request)
    if old.status not in RETRYABLE:
        raise NotRetryable(old.id, old.status)
    _, found = await app.store.jobs.load(old.id, "request")
    job, body = await admission.again(app, old, found["request"])
    job_id = await app.store.jobs.create(job, body, limits=limits, once=once)
    return await _accepted(request, job_id, job, rate)


async def _accepted(
    request: Request, job_id: str, new: Job | None = None, rate: Mapping[str, str] = MappingProxyType({})
) -> Response:
    """Answer a submission. `new` is None or has another id if the key stands for an earlier job.

    Raises:
        ReplayGone: the earlier job is no longer kept.
    """
    app, asked = state(request), headers.preferences(request)
    if replayed := new is None or new.id != job_id:
        try:
            new = await app.store.jobs.get(job_id)
        except JobNotFound as exc:
            raise ReplayGone(job_id) from exc
    assert new
    found: dict[str, Any] = {"job": new}
    if asked.wait_s:
        try:
            found = await _wait(app, job_id, asked)
        except StorageError:
            if replayed:
                raise
            # The job was written, but an error would tell the client that it was not.
    job = found["job"]
    answer = {
        "Location": f"/v1/jobs/{job_id}",
        **asked.applied,
        **rate,
        **({"Idempotency-Replayed": "true"} if replayed else {}),
    }
    finished = asked.wait_s > 0 and job.done
    if not job.done:
        answer["Retry-After"] = str(RETRY_AFTER_S)
    status = 200 if finished else 202
    if asked.minimal:
        return Response(status_code=status, headers=answer)
    public = jobs.to_public(job)
    return JSON({**public, "result": found.get("result")} if finished else public, status_code=status, headers=answer)


async def _wait(app: State, job_id: str, asked: Preferences) -> dict[str, Any]:
    """Wait for the job to end or for the time to be up. Returns the job, and its result if it has one."""
    try:
        async with asyncio.timeout(asked.wait_s):
            async for _ in app.events.follow(job_id):
                pass
    except TimeoutError:
        pass
    job, found = await app.store.jobs.load(job_id, "result")
    return {"job": job, **found}


async def listing(request: Request) -> Response:
    """List the caller's jobs, newest first. Follow `next_page_token` until it is null; a page may be short."""
    size = headers.whole_number(request, "page_size", default=headers.PAGE_SIZE, most=headers.MAX_PAGE_SIZE, least=1)
    status = request.query_params.get("status")
    if status is not None and status not in STATUSES:
        raise InvalidRequest([Fault("/query/status", f"Expected one of {', '.join(STATUSES)}.")])
    place = headers.page_place(request)
    found, following = await state(request).store.jobs.page(caller(request).owner, size, place, status)  # type: ignore[arg-type]
    return JSON({"jobs": [jobs.to_public(job) for job in found], "next_page_token": headers.page_token(following)})


async def show(request: Request) -> Response:
    """Show the job. With `If-None-Match`, the answer is 304 while the job has not changed."""
    job = await lookup.job(request)
    etag = f'"{job.seq}"'
    answer = {"ETag": etag} if job.done else {"ETag": etag, "Retry-After": str(RETRY_AFTER_S)}
    if headers.matches(request, etag):
        return Response(status_code=304, headers=answer)
    return JSON(jobs.to_public(job), headers=answer)


async def result(request: Request) -> Response:
    """Show the result of a job that succeeded."""
    job, found = await lookup.result(request)
    etag = f'"{job.seq}"'
    if headers.matches(request, etag):
        return Response(status_code=304, headers={"ETag": etag})
    return JSON(found, headers={"ETag": etag})


async def cancel(request: Request) -> Response:
    """Cancel the job at once, or when its worker stops (until then `canceling`). 200 if it was canceled before."""
    job = await lookup.job(request)
    if job.status in ("canceling", "canceled"):
        return JSON(jobs.to_public(job))
    job = await cancel_job(state(request), job)
    return JSON(jobs.to_public(job), status_code=202)


async def cancel_job(app: State, job: Job) -> Job:
    """Cancel the job, and publish that to its followers.

    Raises:
        IllegalTransition: the job has ended, or is already being canceled.
    """
    return await app.store.jobs.apply(job, lambda job: jobs.cancel(job, now_ms()), events=_cancel_events)


def _cancel_events(after: Job) -> list[EventDraft]:
    return [EventDraft("done", {"result": None}) if after.done else EventDraft("status", {})]


async def delete(request: Request) -> Response:
    """Delete a job that has ended, with its text, result, events and deliveries."""
    job = await lookup.job(request)
    if not job.done:
        raise NotFinished(job.id, job.status)
    await state(request).store.jobs.delete(job)
    return Response(status_code=204)


async def rows(request: Request) -> Response:
    """Search the demo data with the job's SQL. Returns the counts of matching and all rows, and the first rows."""
    job, found = await lookup.result(request)
    if job.catalog is None or job.catalog not in demo.NAMES:
        raise NoDemoData(job.catalog)
    size = headers.whole_number(request, "limit", default=50, most=MAX_ROWS)
    count, chosen = await asyncio.to_thread(_select, job.catalog, found, size)
    return JSON({"count": count, "total": len(demo.rows(job.catalog)), "rows": chosen})


def _select(name: str, found: dict[str, Any], size: int) -> tuple[int, Any]:
    reading, catalog = from_json(found), demo.catalog(name)
    where = sql.where_clause(reading.filter, catalog) if reading.filter else None
    limit = min(size, reading.limit) if reading.limit else size
    count, chosen = table.select(name, where, sql.order_by(reading.sort, catalog), limit)
    return min(count, reading.limit or count), chosen


STATUSES = ("queued", "running", "canceling", "succeeded", "failed", "canceled", "expired")
_LIMITS = ("too-many-requests", "too-many-pending", "too-many-bytes", "overloaded")
_REUSED = ("idempotency-key-reused", "replay-gone")
_ONCE = Param(name="Idempotency-Key", place="header", description="The same key and body: the same job, for 24 h.")
_PREFER = Param(name="Prefer", place="header", description="`wait=N` seconds for the end; `return=minimal`: no body.")
_ETAG = Param(name="If-None-Match", place="header", description="The ETag that the client has.")
_SIZE = Param(
    name="page_size",
    place="query",
    description="Most jobs of a page, up to 200.",
    schema={"type": "integer", "minimum": 1},
)
_TOKEN = Param(name="page_token", place="query", description="The `next_page_token` of the page before.")
_STATUS = Param(
    name="status",
    place="query",
    description="Only jobs of this status.",
    schema={"type": "string", "enum": list(STATUSES)},
)
_LIMIT = Param(
    name="limit", place="query", description="Most rows, up to 200.", schema={"type": "integer", "minimum": 0}
)
_MADE = ("Location", "Preference-Applied", "Idempotency-Replayed", "RateLimit", "RateLimit-Policy")
_MADE_HEADERS = {202: (*_MADE, "Retry-After"), 200: _MADE}
_FINISHED = ("job-not-found", "job-not-finished", "job-failed", "result-expired")

operations = [
    Operation(
        "POST",
        "/v1/jobs",
        submit,
        "jobs:write",
        {202: schemas.Job, 200: schemas.FinishedJob},
        body=Submission,
        params=(_PREFER, _ONCE),
        problems=(
            "catalog-not-found",
            "invalid-catalog",
            "invalid-filter",
            *_FINISHED,
            *_REUSED,
            *_LIMITS,
        ),
        headers=_MADE_HEADERS,
    ),
    Operation("GET", "/v1/jobs", listing, "jobs:read", {200: schemas.Jobs}, params=(_STATUS, _SIZE, _TOKEN)),
    Operation(
        "GET",
        "/v1/jobs/{job_id}",
        show,
        "jobs:read",
        {200: schemas.Job, 304: None},
        params=(_ETAG,),
        problems=("job-not-found",),
        headers={200: ("ETag", "Retry-After"), 304: ("ETag", "Retry-After")},
    ),
    Operation(
        "DELETE",
        "/v1/jobs/{job_id}",
        delete,
        "jobs:write",
        {204: None},
        problems=("job-not-found", "job-not-finished"),
    ),
    Operation(
        "GET",
        "/v1/jobs/{job_id}/result",
        result,
        "jobs:read",
        {200: schemas.Result, 304: None},
        params=(_ETAG,),
        problems=_FINISHED,
        headers={200: ("ETag",), 304: ("ETag",)},
    ),
    Operation(
        "GET",
        "/v1/jobs/{job_id}/rows",
        rows,
        "jobs:read",
        {200: schemas.Rows},
        params=(_LIMIT,),
        problems=(*_FINISHED, "not-found"),
    ),
    Operation(
        "POST",
        "/v1/jobs/{job_id}/cancel",
        cancel,
        "jobs:write",
        {202: schemas.Job, 200: schemas.Job},
        problems=("job-not-found", "job-already-finished"),
    ),
    Operation(
        "POST",
        "/v1/jobs/{job_id}/retry",
        retry,
        "jobs:write",
        {202: schemas.Job, 200: schemas.FinishedJob},
        params=(_PREFER, _ONCE),
        problems=("job-not-found", "job-not-retryable", "result-expired", *_REUSED, *_LIMITS),
        headers=_MADE_HEADERS,
    ),
]
