"""Batch endpoints: many texts at once, with one event stream."""

from collections.abc import AsyncIterator, Mapping, Sequence
from types import MappingProxyType

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from nlp2filters.api import admission, headers, lookup
from nlp2filters.api.auth import caller
from nlp2filters.api.body import read_json
from nlp2filters.api.jobs import cancel_job
from nlp2filters.api.preparing import Member, Preparation
from nlp2filters.api.responses import JSON
from nlp2filters.api.routes import Operation, Param
from nlp2filters.api.state import State, state
from nlp2filters.api.submission import BatchSubmission, checked
from nlp2filters.clock import now_ms
from nlp2filters.core import batches, schemas
from nlp2filters.core.batches import Batch
from nlp2filters.errors import (
    BatchNotFound,
    CatalogNotFound,
    Fault,
    IllegalTransition,
    InvalidInput,
    InvalidRequest,
    JobGone,
    JobNotFound,
    PartGone,
    ReplayGone,
    ResultNotReady,
)

JSON_LINES = "application/x-ndjson"
_AT_ONCE = 10


async def submit(request: Request) -> Response:
    """Accept up to 100 texts: all of them, or none if one has a fault. An `Idempotency-Key` makes resending safe."""
    asked = checked(BatchSubmission, await read_json(request))
    once = headers.once(request, asked.model_dump(mode="json"))
    if earlier := await admission.replayed(request, once):
        return await _accepted(request, earlier)
    limits, rate = await admission.admit(request, len(asked.requests))
    app, owner, batch_id = state(request), caller(request).owner, admission.new_id("batch")
    if asked.webhook:
        admission.check_webhook(request, asked.webhook.url)
    members = await prepare(request, batch_id, asked)
    batch = Batch(
        batch_id,
        owner,
        now_ms(),
        tuple((job.custom_id or "", job.id) for job, _ in members),
        notify="event" if asked.webhook else None,
        metadata=asked.metadata,
    )
    request_body = orjson.dumps({"webhook": asked.webhook.model_dump() if asked.webhook else None})
    made = await app.store.batches.create(batch, members, request_body, limits=limits, once=once)
    return await _accepted(request, made, batch, rate, members)


async def _accepted(
    request: Request,
    batch_id: str,
    new: Batch | None = None,
    rate: Mapping[str, str] = MappingProxyType({}),
    members: Sequence[Member] = (),
) -> Response:
    """Answer a submission. `new` is None or has another id if the key stands for an earlier batch.

    A new batch is not read again: if that failed, the answer would say that the batch was not written.

    Raises:
        ReplayGone: the earlier batch is no longer kept.
    """
    app = state(request)
    answer = {"Location": f"/v1/batches/{batch_id}", "Retry-After": "1", **rate}
    if new and new.id == batch_id:
        return JSON(batches.to_public(new, [job for job, _ in members]), status_code=202, headers=answer)
    answer["Idempotency-Replayed"] = "true"
    try:
        earlier, _ = await app.store.batches.get(batch_id)
    except BatchNotFound as exc:
        raise ReplayGone(batch_id) from exc
    return JSON(await lookup.batch_now(app, earlier), status_code=202, headers=answer)


async def prepare(request: Request, batch_id: str, asked: BatchSubmission) -> list[Member]:
    """Check and prepare the jobs of a batch; the faults of all requests are reported together.

    Raises:
        InvalidRequest: its pointers begin with the position of the request.
    """
    faults: list[Fault] = []
    members: list[Member] = []
    preparation = Preparation(request)
    for index, one in enumerate(asked.requests):
        try:
            members.append(await preparation.prepare(one, batch_id=batch_id, custom_id=one.custom_id))
        except InvalidInput as exc:
            faults += exc.under(f"/requests/{index}").faults
        except CatalogNotFound as exc:
            faults.append(Fault(f"/requests/{index}/catalog", str(exc)))
        except (JobNotFound, JobGone, ResultNotReady, PartGone) as exc:
            faults.append(Fault(f"/requests/{index}/refines", str(exc)))
    if faults:
        raise InvalidRequest(faults)
    return members


async def show(request: Request) -> Response:
    """Show the batch with its job counts by status."""
    batch, _ = await lookup.batch(request)
    return JSON(await lookup.batch_now(state(request), batch))


async def results(request: Request) -> Response:
    """Stream the outcome of each request as JSON Lines, in the order of submission; for unfinished jobs, the status."""
    batch, _ = await lookup.batch(request)
    return StreamingResponse(_results(state(request), batch), media_type=JSON_LINES)


async def _results(app: State, batch: Batch) -> AsyncIterator[bytes]:
    for start in range(0, len(batch.members), _AT_ONCE):
        members = batch.members[start : start + _AT_ONCE]
        loaded = await app.store.jobs.load_many([job_id for _, job_id in members], "result")
        for (custom_id, job_id), (job, found) in zip(members, loaded, strict=True):
            line = batches.outcome(custom_id, job_id, job, found.get("result"))
            yield orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)


async def cancel(request: Request) -> Response:
    """Cancel the jobs of the batch that have not ended."""
    batch, _ = await lookup.batch(request)
    app = state(request)
    for job, _ in await app.store.jobs.load_many([job_id for _, job_id in batch.members]):
        if job and not job.done and job.status != "canceling":
            try:
                await cancel_job(app, job)
            except IllegalTransition:
                continue  # The job has ended in the meantime.
    return JSON(await lookup.batch_now(app, batch), status_code=202)


_ONCE = Param(name="Idempotency-Key", place="header", description="The same key and body: the same batch, for 24 h.")
_LIMITS = ("too-many-requests", "too-many-pending", "too-many-bytes", "overloaded")

operations = [
    Operation(
        "POST",
        "/v1/batches",
        submit,
        "jobs:write",
        {202: schemas.Batch},
        body=BatchSubmission,
        params=(_ONCE,),
        problems=("idempotency-key-reused", "replay-gone", *_LIMITS),
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
