"""Batch endpoints: many texts at once, with one event stream."""

from collections.abc import AsyncIterator, Mapping, Sequence
from types import MappingProxyType

import orjson
from starlette.responses import Response, StreamingResponse

from nlp2filters.api import admission, lookup
from nlp2filters.api.jobs import cancel_job
from nlp2filters.api.preparation import Member, Preparation, check_webhook, new_id
from nlp2filters.api.responses import JSON
from nlp2filters.api.routes import IDEMPOTENCY_KEY, Call, Operation
from nlp2filters.clock import now_ms
from nlp2filters.core import batches, schemas
from nlp2filters.core.batches import Batch
from nlp2filters.core.requests import BatchRequest, BatchSubmission
from nlp2filters.errors import (
    BatchNotFound,
    CatalogNotFound,
    IllegalTransition,
    InvalidInput,
    InvalidRequest,
    JobGone,
    JobNotFound,
    PartGone,
    ReplayGone,
    ResultNotReady,
    Violation,
)
from nlp2filters.storage.store import Store

JSON_LINES = "application/x-ndjson"
_RESULTS_PER_READ = 10


async def submit(call: Call, body: BatchSubmission) -> Response:
    """Submit up to 100 texts.

    All of them are accepted, or none if one has a fault. With an `Idempotency-Key`, it is safe to send the same request
    again: the response is the same batch.
    """
    services, owner = call.services, call.caller.owner
    if earlier_id := await admission.replayed_id(services.store, owner, call.idempotency_key):
        return await _replay(services.store, earlier_id)
    limits, rate_headers = await admission.admit(services, call.caller, len(body.requests))
    if body.webhook:
        await check_webhook(services.settings, call.headers, body.webhook.url)
    batch_id = new_id("batch")
    members = await prepare_members(Preparation(services, call.caller, call.headers), batch_id, body.requests)
    await admission.check_cost(services, call.caller, [job for job, _ in members])
    batch = Batch(
        batch_id,
        owner,
        now_ms(),
        tuple((job.custom_id or "", job.id) for job, _ in members),
        notify="event" if body.webhook else None,
        metadata=body.metadata,
    )
    request = orjson.dumps({"webhook": body.webhook.model_dump() if body.webhook else None})
    created_id = await services.store.batches.create(batch, members, request, limits=limits, once=call.idempotency_key)
    if created_id != batch_id:
        return await _replay(services.store, created_id, rate_headers)
    # The batch is not read again: an error would tell the client that it was not written.
    public = batches.to_public(batch, [job for job, _ in members])
    return JSON(public, status_code=202, headers={**_headers(batch_id), **rate_headers})


async def _replay(store: Store, batch_id: str, rate_headers: Mapping[str, str] = MappingProxyType({})) -> Response:
    """Answer a repeated request with the batch that it created.

    Raises:
        ReplayGone: the batch is no longer kept.
    """
    try:
        batch, _ = await store.batches.get(batch_id)
    except BatchNotFound as exc:
        raise ReplayGone("batch", batch_id) from exc
    headers = {**_headers(batch_id), **rate_headers, "Idempotency-Replayed": "true"}
    return JSON(await lookup.public_batch(store, batch), status_code=202, headers=headers)


def _headers(batch_id: str) -> dict[str, str]:
    return {"Location": f"/v1/batches/{batch_id}", "Retry-After": "1"}


async def prepare_members(preparation: Preparation, batch_id: str, requests: Sequence[BatchRequest]) -> list[Member]:
    """Check and prepare the jobs of a batch; the faults of all requests are reported together.

    Raises:
        InvalidRequest: its pointers begin with the position of the request.
    """
    violations: list[Violation] = []
    members: list[Member] = []
    for index, request in enumerate(requests):
        try:
            members.append(await preparation.prepare(request, batch_id=batch_id, custom_id=request.custom_id))
        except InvalidInput as exc:
            violations += exc.prefixed(f"/requests/{index}").violations
        except CatalogNotFound as exc:
            violations.append(Violation(f"/requests/{index}/catalog", str(exc)))
        except (JobNotFound, JobGone, ResultNotReady, PartGone) as exc:
            violations.append(Violation(f"/requests/{index}/refines", str(exc)))
    if violations:
        raise InvalidRequest(violations)
    return members


async def show(call: Call, batch_id: str) -> Response:
    """Return the batch, with job counts by status."""
    store = call.services.store
    batch, _ = await lookup.batch(store, call.caller.owner, batch_id)
    return JSON(await lookup.public_batch(store, batch))


async def results(call: Call, batch_id: str) -> Response:
    """Return the outcome of each request as JSON Lines, in the order of submission; unfinished jobs have no result."""
    store = call.services.store
    batch, _ = await lookup.batch(store, call.caller.owner, batch_id)
    return StreamingResponse(_result_lines(store, batch), media_type=JSON_LINES)


async def _result_lines(store: Store, batch: Batch) -> AsyncIterator[bytes]:
    for start in range(0, len(batch.members), _RESULTS_PER_READ):
        members = batch.members[start : start + _RESULTS_PER_READ]
        loaded = await store.jobs.load_many([job_id for _, job_id in members], "result")
        for (custom_id, job_id), (job, fields) in zip(members, loaded, strict=True):
            line = batches.outcome(custom_id, job_id, job, fields.get("result"))
            yield orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)


async def cancel(call: Call, batch_id: str) -> Response:
    """Cancel the jobs of the batch that have not ended."""
    store = call.services.store
    batch, _ = await lookup.batch(store, call.caller.owner, batch_id)
    for job, _ in await store.jobs.load_many([job_id for _, job_id in batch.members]):
        if job and not job.done and job.status != "canceling":
            try:
                await cancel_job(store, job)
            except IllegalTransition:
                continue  # The job has ended in the meantime.
    return JSON(await lookup.public_batch(store, batch), status_code=202)


_LIMIT_PROBLEMS = ("too-many-requests", "too-many-pending", "too-many-bytes", "overloaded")

operations = [
    Operation(
        "POST",
        "/v1/batches",
        submit,
        "jobs:write",
        {202: schemas.Batch},
        body=BatchSubmission,
        params=(IDEMPOTENCY_KEY,),
        problems=("idempotency-key-reused", "replay-gone", *_LIMIT_PROBLEMS),
        headers={202: ("Location", "Retry-After", "Idempotency-Replayed", "RateLimit", "RateLimit-Policy")},
        tag="batches",
    ),
    Operation(
        "GET",
        "/v1/batches/{batch_id}",
        show,
        "jobs:read",
        {200: schemas.Batch},
        problems=("batch-not-found",),
        tag="batches",
    ),
    Operation(
        "GET",
        "/v1/batches/{batch_id}/results",
        results,
        "jobs:read",
        {200: JSON_LINES},
        problems=("batch-not-found",),
        tag="batches",
    ),
    Operation(
        "POST",
        "/v1/batches/{batch_id}/cancel",
        cancel,
        "jobs:write",
        {202: schemas.Batch},
        problems=("batch-not-found",),
        tag="batches",
    ),
]
