"""Delivery endpoints: list the attempts to call the webhook of a job or batch, and request redelivery."""

from dataclasses import dataclass

from starlette.responses import Response

from nlp2filters.api import lookup
from nlp2filters.api.responses import JSON
from nlp2filters.api.routes import Call, Operation
from nlp2filters.core import deliveries, schemas
from nlp2filters.errors import AlreadyDelivering, BatchNotEnded, NotFinished, NoWebhook
from nlp2filters.storage.store import Store


@dataclass(frozen=True, slots=True)
class _WebhookTarget:
    """A job or batch whose `event` has occurred and is delivered to its webhook at `url`."""

    subject: str
    event: str
    url: str


async def list_for_job(call: Call, job_id: str) -> Response:
    """List the attempts to call the job's webhook."""
    target = await _job_target(call.services.store, call.caller.owner, job_id, must_have_ended=False)
    return await _deliveries(call.services.store, target)


async def list_for_batch(call: Call, batch_id: str) -> Response:
    """List the attempts to call the batch's webhook."""
    target = await _batch_target(call.services.store, call.caller.owner, batch_id, must_have_ended=False)
    return await _deliveries(call.services.store, target)


async def redeliver_job(call: Call, job_id: str) -> Response:
    """Call the job's webhook again, with the same `webhook-id`, starting over with the first attempt."""
    store, owner = call.services.store, call.caller.owner
    return await _redeliver(store, owner, job_id, await _job_target(store, owner, job_id, must_have_ended=True))


async def redeliver_batch(call: Call, batch_id: str) -> Response:
    """Call the batch's webhook again, with the same `webhook-id`, starting over with the first attempt."""
    store, owner = call.services.store, call.caller.owner
    return await _redeliver(store, owner, batch_id, await _batch_target(store, owner, batch_id, must_have_ended=True))


async def _job_target(store: Store, owner: str, job_id: str, *, must_have_ended: bool) -> _WebhookTarget | None:
    """Return the event for the job's webhook; None if there is none (yet).

    Raises:
        NotFinished: the job must have ended and has not.
    """
    job = await lookup.job(store, owner, job_id)
    if must_have_ended and not job.done:
        raise NotFinished(job.id, job.status)
    if job.status not in job.notify:
        return None
    url = job.webhook
    if not url:  # Jobs from before version 4 do not have it.
        _, fields = await store.jobs.load(job.id, "request")
        url = fields["request"]["webhook"]["url"]
    return _WebhookTarget(job.id, f"job.{job.status}", url)


async def _batch_target(store: Store, owner: str, batch_id: str, *, must_have_ended: bool) -> _WebhookTarget | None:
    """Return the event for the batch's webhook; None if there is none (yet).

    Raises:
        BatchNotEnded: the batch must have ended and has not.
    """
    batch, request = await lookup.batch(store, owner, batch_id)
    status = (await lookup.public_batch(store, batch))["status"]
    if must_have_ended and status != "ended":
        raise BatchNotEnded(batch.id, status)
    if batch.notify is None or status != "ended":
        return None
    return _WebhookTarget(batch.id, "batch.ended", request["webhook"]["url"])


async def _deliveries(store: Store, target: _WebhookTarget | None, status_code: int = 200) -> Response:
    if target is None:
        return JSON({"deliveries": []}, status_code=status_code)
    notes = await store.deliveries.log(target.subject)
    delivery = deliveries.to_public(target.subject, target.event, target.url, notes)
    return JSON({"deliveries": [delivery]}, status_code=status_code)


async def _redeliver(store: Store, owner: str, subject: str, target: _WebhookTarget | None) -> Response:
    if target is None:
        raise NoWebhook(subject)
    notes = await store.deliveries.log(subject)
    if not deliveries.is_final(notes):
        raise AlreadyDelivering(subject)
    await store.deliveries.redeliver(subject, owner, target.url, notes)
    return await _deliveries(store, target, 202)


_REDELIVERY_PROBLEMS = ("no-webhook", "already-delivering")

operations = [
    Operation(
        "GET",
        "/v1/jobs/{job_id}/deliveries",
        list_for_job,
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
        problems=("job-not-found", "job-not-finished", *_REDELIVERY_PROBLEMS),
    ),
    Operation(
        "GET",
        "/v1/batches/{batch_id}/deliveries",
        list_for_batch,
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
        problems=("batch-not-found", "batch-not-ended", *_REDELIVERY_PROBLEMS),
        tag="batches",
    ),
]
