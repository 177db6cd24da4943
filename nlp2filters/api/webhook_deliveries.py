"""Delivery endpoints: list the attempts to call the webhook of a job or batch, and request redelivery."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from nlp2filters.api import lookup
from nlp2filters.api.auth import caller
from nlp2filters.api.responses import JSON
from nlp2filters.api.routes import Operation
from nlp2filters.api.state import state
from nlp2filters.core import deliveries as log
from nlp2filters.core import schemas
from nlp2filters.errors import AlreadyDelivering, BatchNotEnded, NotFinished, NoWebhook


@dataclass(frozen=True, slots=True)
class _Told:
    """A job or batch whose `event` has occurred and is delivered to its webhook at `url`."""

    subject: str
    event: str
    url: str


async def of_job(request: Request) -> Response:
    """List the attempts to call the job's webhook."""
    return await _shown(request, await _job(request, ended=False))


async def of_batch(request: Request) -> Response:
    """List the attempts to call the batch's webhook."""
    return await _shown(request, await _batch(request, ended=False))


async def redeliver_job(request: Request) -> Response:
    """Call the job's webhook again, with the same `webhook-id`, starting over with the first attempt."""
    return await _redelivered(request, request.path_params["job_id"], await _job(request, ended=True))


async def redeliver_batch(request: Request) -> Response:
    """Call the batch's webhook again, with the same `webhook-id`, starting over with the first attempt."""
    return await _redelivered(request, request.path_params["batch_id"], await _batch(request, ended=True))


async def _job(request: Request, *, ended: bool) -> _Told | None:
    """Return the event for the job's webhook; None if there is none (yet). If `ended`, the job must have ended.

    Raises:
        NotFinished: the job has not ended.
    """
    job = await lookup.job(request)
    if ended and not job.done:
        raise NotFinished(job.id, job.status)
    if job.status not in job.notify:
        return None
    if not (url := job.webhook):  # Jobs from before version 4 do not have it.
        _, found = await state(request).store.load(job.id, "request")
        url = found["request"]["webhook"]["url"]
    return _Told(job.id, f"job.{job.status}", url)


async def _batch(request: Request, *, ended: bool) -> _Told | None:
    """Return the event for the batch's webhook; None if there is none (yet). If `ended`, the batch must have ended.

    Raises:
        BatchNotEnded: the batch has not ended.
    """
    batch, asked = await lookup.batch(request)
    status = (await lookup.batch_now(state(request), batch))["status"]
    if ended and status != "ended":
        raise BatchNotEnded(batch.id, status)
    if batch.notify is None or status != "ended":
        return None
    return _Told(batch.id, "batch.ended", asked["webhook"]["url"])


async def _shown(request: Request, told: _Told | None, status_code: int = 200) -> Response:
    if told is None:
        return JSON({"deliveries": []}, status_code=status_code)
    notes = await state(request).store.deliveries.log(told.subject)
    return JSON({"deliveries": [log.to_public(told.subject, told.event, told.url, notes)]}, status_code=status_code)


async def _redelivered(request: Request, subject: str, told: _Told | None) -> Response:
    if told is None:
        raise NoWebhook(subject)
    store = state(request).store
    notes = await store.deliveries.log(subject)
    if not log.is_over(notes):
        raise AlreadyDelivering(subject)
    await store.deliveries.redeliver(subject, caller(request).owner, told.url, notes)
    return await _shown(request, told, 202)


_AGAIN = ("no-webhook", "already-delivering")

operations = [
    Operation(
        "GET",
        "/v1/jobs/{job_id}/deliveries",
        of_job,
        "jobs:read",
        {200: schemas.Deliveries},
        problems=("job-not-found",),
    ),
    Operation(
        "POST",
        "/v1/jobs/{job_id}/redeliver",
        redeliver_job,
        "jobs:write",
        {202: schemas.Deliveries},
        problems=("job-not-found", "job-not-finished", *_AGAIN),
    ),
    Operation(
        "GET",
        "/v1/batches/{batch_id}/deliveries",
        of_batch,
        "jobs:read",
        {200: schemas.Deliveries},
        problems=("batch-not-found",),
        tag="batches",
    ),
    Operation(
        "POST",
        "/v1/batches/{batch_id}/redeliver",
        redeliver_batch,
        "jobs:write",
        {202: schemas.Deliveries},
        problems=("batch-not-found", "batch-not-ended", *_AGAIN),
        tag="batches",
    ),
]
