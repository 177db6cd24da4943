"""Job endpoints: submit, show, fetch the result, cancel, retry, delete."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from starlette.responses import Response

from nlp2filters import demo, fault_injection
from nlp2filters.api import admission, demo_rows, kinds, lookup
from nlp2filters.api.headers import Preferences, etag_matches
from nlp2filters.api.preparation import clone_request
from nlp2filters.api.query import MAX_PAGE_SIZE, PAGE_SIZE, decode_page_token, encode_page_token, int_param
from nlp2filters.api.responses import JSON
from nlp2filters.api.routes import IDEMPOTENCY_KEY, PREFER, Call, Operation, Param
from nlp2filters.api.services import Services
from nlp2filters.clock import now_ms
from nlp2filters.core import checks, jobs, schemas
from nlp2filters.core.dialects.lowering import Unknown
from nlp2filters.core.filters import READ_LIMITS
from nlp2filters.core.interpretation import from_json
from nlp2filters.core.jobs import Job
from nlp2filters.core.requests import RequestBody
from nlp2filters.core.statuses import RETRYABLE, STATUSES
from nlp2filters.errors import (
    InvalidRequest,
    JobNotFound,
    NoDemoData,
    NotFinished,
    NotRetryable,
    ReplayGone,
    Violation,
)
from nlp2filters.storage.commits import EventDraft
from nlp2filters.storage.errors import StorageError
from nlp2filters.storage.request_parts import Request
from nlp2filters.storage.store import Store
from nlp2filters.storage.submissions import AdmissionLimits

RETRY_AFTER_S = 1


async def submit(call: Call, body: RequestBody) -> Response:
    """Submit a text. The job is returned at once, before it is processed.

    With `Prefer: wait=N`, the response is delayed up to N seconds (at most 25) until the job has ended; it is then 200
    with the job and its `result`. With an `Idempotency-Key`, it is safe to send the same request again: the response
    is the same job.
    """
    services, owner = call.services, call.caller.owner
    if job_id := await admission.replayed_id(services.store, owner, call.idempotency_key):
        return await replay(call, job_id)
    limits, headers = await admission.admit(services, call.caller)
    job, request = await kinds.prepare(call, body)
    return await create(call, job, request, limits, headers)


async def retry(call: Call, job_id: str) -> Response:
    """Submit the request of a failed, canceled or expired job again, as a new job whose `retry_of` is the old one.

    `Prefer` and `Idempotency-Key` work as for a submission.
    """
    services, owner = call.services, call.caller.owner
    if new_id := await admission.replayed_id(services.store, owner, call.idempotency_key):
        return await replay(call, new_id)
    limits, headers = await admission.admit(services, call.caller)
    old, fields = await lookup.job_with(services.store, owner, job_id, "request")
    if old.status not in RETRYABLE:
        raise NotRetryable(old.id, old.status)
    job, request = await clone_request(services, old, {**fields["request"], "api_key": call.caller.key_id})
    return await create(call, job, request, limits, headers)


async def create(
    call: Call, job: Job, request: Request, limits: AdmissionLimits, headers: Mapping[str, str]
) -> Response:
    """Write the job, and answer with it; or with the job of a concurrent request with the same idempotency key."""
    services = call.services
    await admission.check_cost(services, call.caller, [job])
    job_id = await services.store.jobs.create(job, request, limits=limits, once=call.idempotency_key)
    fault_injection.reach(services.settings.faults, "job-created")
    call.request.state.job_id = job_id  # The request's log line and span name it.
    if job_id != job.id:
        return await replay(call, job_id, headers)
    prefer, result = call.preferences, None
    if prefer.wait_s:
        with suppress(StorageError):  # An error would tell the client that the job was not written.
            job, result = await _wait(services, job, prefer.wait_s)
    return _job_response(job, result, prefer, headers)


async def replay(call: Call, job_id: str, headers: Mapping[str, str] = MappingProxyType({})) -> Response:
    """Answer a repeated request with the job that it created.

    Raises:
        ReplayGone: the job is no longer kept.
    """
    try:
        job = await call.services.store.jobs.get(job_id)
    except JobNotFound as exc:
        raise ReplayGone("job", job_id) from exc
    prefer, result = call.preferences, None
    if prefer.wait_s:
        job, result = await _wait(call.services, job, prefer.wait_s)
    return _job_response(job, result, prefer, {**headers, "Idempotency-Replayed": "true"})


async def _wait(services: Services, job: Job, wait_s: int) -> tuple[Job, dict[str, Any] | None]:
    """Wait until the job has ended or the time is up. Returns the job, and its result if it has one."""
    with suppress(TimeoutError):
        async with asyncio.timeout(wait_s):
            async for _ in services.events.follow(job.id):
                pass
    job, fields = await services.store.jobs.load(job.id, "result")
    return job, fields.get("result")


def _job_response(
    job: Job, result: dict[str, Any] | None, prefer: Preferences, extra_headers: Mapping[str, str]
) -> Response:
    headers = {"Location": f"/v1/jobs/{job.id}", **prefer.applied, **extra_headers}
    if not job.done:
        headers["Retry-After"] = str(RETRY_AFTER_S)
    with_result = prefer.wait_s > 0 and job.done
    status_code = 200 if with_result else 202
    if prefer.minimal:
        return Response(status_code=status_code, headers=headers)
    public = jobs.to_public(job)
    return JSON({**public, "result": result} if with_result else public, status_code=status_code, headers=headers)


async def list_jobs(call: Call) -> Response:
    """List the caller's jobs, newest first.

    Pass `next_page_token` on as `page_token` until it is null. A page may have fewer jobs than `page_size`.
    """
    query = call.query
    size = int_param(query, "page_size", default=PAGE_SIZE, maximum=MAX_PAGE_SIZE, minimum=1)
    status = query.get("status")
    if status is not None and status not in STATUSES:
        raise InvalidRequest([Violation("/query/status", f"Expected one of {', '.join(STATUSES)}.")])
    after = decode_page_token(query)
    page, last = await call.services.store.jobs.page(call.caller.owner, size, after, status)
    return JSON({"jobs": [jobs.to_public(job) for job in page], "next_page_token": encode_page_token(last)})


async def show(call: Call, job_id: str) -> Response:
    """Return the job. With `If-None-Match`, the response is 304 while the job has not changed."""
    job = await lookup.job(call.services.store, call.caller.owner, job_id)
    etag = f'"{job.seq}"'
    headers = {"ETag": etag} if job.done else {"ETag": etag, "Retry-After": str(RETRY_AFTER_S)}
    if etag_matches(call.headers, etag):
        return Response(status_code=304, headers=headers)
    return JSON(jobs.to_public(job), headers=headers)


async def show_result(call: Call, job_id: str) -> Response:
    """Return the result of a job that succeeded."""
    job, result = await lookup.result(call.services.store, call.caller.owner, job_id)
    etag = f'"{job.seq}"'
    if etag_matches(call.headers, etag):
        return Response(status_code=304, headers={"ETag": etag})
    return JSON(result, headers={"ETag": etag})


async def cancel(call: Call, job_id: str) -> Response:
    """Cancel the job.

    A running job is `canceling` until its worker stops. The response is 200 if the job was already canceled.
    """
    store = call.services.store
    job = await lookup.job(store, call.caller.owner, job_id)
    if job.status in ("canceling", "canceled"):
        return JSON(jobs.to_public(job))
    job = await cancel_job(store, job)
    return JSON(jobs.to_public(job), status_code=202)


async def cancel_job(store: Store, job: Job) -> Job:
    """Cancel the job, and publish that to its followers.

    Raises:
        IllegalTransition: the job has ended, or is already being canceled.
    """
    return await store.jobs.apply(job, lambda job: jobs.cancel(job, now_ms()), events=_cancel_events)


def _cancel_events(after: Job) -> list[EventDraft]:
    return [EventDraft("done", {"result": None}) if after.done else EventDraft("status", {})]


async def delete(call: Call, job_id: str) -> Response:
    """Delete a job that has ended, with its text, result, events and deliveries."""
    store = call.services.store
    job = await lookup.job(store, call.caller.owner, job_id)
    if not job.done:
        raise NotFinished(job.id, job.status)
    await store.jobs.delete(job)
    return Response(status_code=204)


async def search_rows(call: Call, job_id: str) -> Response:
    """Search the demo data with the job's SQL.

    Returns the first matching rows, and the numbers of matching rows and of all rows.
    """
    job, fields = await lookup.succeeded_job(call.services.store, call.caller.owner, job_id, "request", "result")
    if job.catalog is None or job.catalog not in demo.NAMES:
        raise NoDemoData(job.catalog)
    size = int_param(call.query, "limit", default=50, maximum=demo_rows.MAX_ROWS)
    # Requests of earlier versions lack the member.
    unknown = fields["request"].get("unknown", "exclude")
    return JSON(await asyncio.to_thread(_select, job.catalog, fields["result"], unknown, size))


def _select(name: str, result: dict[str, Any], unknown: Unknown, size: int) -> dict[str, Any]:
    cql2 = result["filter"]
    node = checks.read(cql2, demo.catalog(name), READ_LIMITS) if cql2 else None
    reading = replace(from_json({**result, "filter": None}), filter=node)
    return demo_rows.select(name, reading, unknown, size)


LIMIT_PROBLEMS = ("too-many-requests", "too-many-pending", "too-many-bytes", "daily-cost-reached", "overloaded")
KEY_PROBLEMS = ("idempotency-key-reused", "replay-gone")
_ETAG = Param(name="If-None-Match", location="header", description="The `ETag` of the version that you have.")
_SIZE = Param(
    name="page_size",
    location="query",
    description="The maximum number of jobs on a page, at most 200.",
    schema={"type": "integer", "minimum": 1},
)
_TOKEN = Param(name="page_token", location="query", description="The `next_page_token` of the previous page.")
_STATUS = Param(
    name="status",
    location="query",
    description="Return only jobs with this status.",
    schema={"type": "string", "enum": list(STATUSES)},
)
_CREATED = ("Location", "Preference-Applied", "Idempotency-Replayed", "RateLimit", "RateLimit-Policy")
CREATED_HEADERS = {202: (*_CREATED, "Retry-After"), 200: _CREATED}
RESULT_PROBLEMS = ("job-not-found", "job-not-finished", "job-failed", "result-expired")

operations = [
    Operation(
        "POST",
        "/v1/jobs",
        submit,
        "jobs:write",
        {202: schemas.Job, 200: kinds.FINISHED},
        body=kinds.REQUEST,
        params=(PREFER, IDEMPOTENCY_KEY),
        problems=(
            "catalog-not-found",
            "invalid-catalog",
            "invalid-filter",
            *RESULT_PROBLEMS,
            *KEY_PROBLEMS,
            *LIMIT_PROBLEMS,
        ),
        headers=CREATED_HEADERS,
    ),
    Operation("GET", "/v1/jobs", list_jobs, "jobs:read", {200: schemas.Jobs}, params=(_STATUS, _SIZE, _TOKEN)),
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
        show_result,
        "jobs:read",
        {200: kinds.RESULT, 304: None},
        params=(_ETAG,),
        problems=RESULT_PROBLEMS,
        headers={200: ("ETag",), 304: ("ETag",)},
    ),
    Operation(
        "GET",
        "/v1/jobs/{job_id}/rows",
        search_rows,
        "jobs:read",
        {200: schemas.Rows},
        params=(demo_rows.LIMIT,),
        problems=(*RESULT_PROBLEMS, "not-found"),
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
        {202: schemas.Job, 200: kinds.FINISHED},
        params=(PREFER, IDEMPOTENCY_KEY),
        problems=("job-not-found", "job-not-retryable", "result-expired", *KEY_PROBLEMS, *LIMIT_PROBLEMS),
        headers=CREATED_HEADERS,
    ),
]
