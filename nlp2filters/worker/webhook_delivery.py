"""Deliver the outcome of a job or batch to its webhook, on a separate queue, so that a slow receiver delays no job."""

import logging
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from arq.worker import Retry

from nlp2filters import fault_injection, logs
from nlp2filters.core import batches, deliveries, jobs
from nlp2filters.core.batches import Batch
from nlp2filters.core.jobs import Job
from nlp2filters.errors import BatchNotFound, JobNotFound, NewerRecord, WebhookRefused
from nlp2filters.storage import arq_format
from nlp2filters.storage.store import Store, now_ms
from nlp2filters.webhooks.client import delay_s, secret_of
from nlp2filters.worker.stages import NEWER_VERSION_WAIT_S, Resources

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Message:
    """The message to a receiver. All attempts have the same `id`."""

    id: str
    owner: str
    url: str
    body: bytes


async def deliver(ctx: dict[str, Any], subject: str) -> None:
    """Make the next attempt to deliver the webhook of a job or batch. ARQ calls it.

    A worker that dies between the receiver's answer and our log of it delivers again, with the same `webhook-id`:
    receivers deduplicate by it.

    Raises:
        Retry: tells ARQ that another attempt is due.
    """
    with logs.about(job_id=subject, stage="delivery"):
        resources: Resources = ctx["resources"]
        try:
            message = await _message(resources.store, subject)
        except (JobNotFound, BatchNotFound) as exc:
            _log.info("nothing to deliver: %s", exc)
            return
        except NewerRecord as exc:
            raise Retry(defer=NEWER_VERSION_WAIT_S) from exc
        notes = await resources.store.deliveries.log(subject)
        if message is None or deliveries.is_over(notes):
            return
        note, wait_s = await _attempt(resources, message, len(deliveries.attempts(notes)) + 1)
        if not await resources.store.deliveries.add(subject, note, read=len(notes)):
            _log.warning("another worker has gone on with this delivery")
        elif wait_s is None:
            await resources.store.deliveries.delete_if_unowned(subject)
        else:
            raise Retry(defer=wait_s)


async def _attempt(resources: Resources, message: Message, number: int) -> tuple[dict[str, Any], float | None]:
    """Send the message. Returns a note of the outcome, and the seconds until the next attempt, if there is one."""
    sender, sent_ms = resources.sender, now_ms()
    assert sender
    note: dict[str, Any] = {"at": jobs.timestamp(sent_ms), "status": None, "ok": False}
    try:
        attempt = await sender.send(
            message.url,
            message_id=message.id,
            body=message.body,
            secrets=[secret_of(secret, message.owner) for secret in resources.webhook_secrets],
            timestamp=sent_ms // 1000,
        )
    except WebhookRefused as exc:
        return {**note, "error": str(exc), "final": True}, None
    fault_injection.reach(resources.faults, "webhook-sent")
    _log.info("delivery attempted", extra={"status": attempt.status, "error": attempt.error, "attempt": number})
    wait_s = None if attempt.ok or attempt.gone else delay_s(number, random.SystemRandom())
    note |= {"status": attempt.status, "error": attempt.error, "duration_ms": attempt.duration_ms, "ok": attempt.ok}
    if wait_s is None:
        return {**note, "final": True}, None
    return {**note, "final": False}, max(wait_s, attempt.retry_after_s or 0)


async def abandon(ctx: dict[str, Any], entry_id: str) -> None:
    """Log that a delivery was given up, since ARQ could not run it or it crashed. It can then be requested again."""
    store, subject = ctx["resources"].store, arq_format.job_of(entry_id)
    notes = await store.deliveries.log(subject)
    if deliveries.is_over(notes):
        return
    error = "an error on our side; it has been logged"
    note = {"at": jobs.timestamp(now_ms()), "status": None, "error": error, "ok": False, "final": True}
    await store.deliveries.add(subject, note, read=len(notes))


async def _message(store: Store, subject: str) -> Message | None:
    """Read the message for the end of a job or batch; None if there is no receiver."""
    told = await store.deliveries.message(subject) or await _older(store, subject)
    if told is None:
        return None
    body = told["body"].encode() if "body" in told else await _batch_body(store, subject)
    return Message(deliveries.message_id(subject), told["owner"], told["url"], body)


async def _older(store: Store, subject: str) -> dict[str, Any] | None:
    """Build the message for a job or batch that an older version of the service ended without writing one."""
    try:
        batch, asked = await store.batch(subject)
    except BatchNotFound:
        job, found = await store.load(subject, "request")
        url = found["request"]["webhook"]["url"]
        return {"owner": job.owner, "url": url, "body": deliveries.body_of(job).decode()}
    return {"owner": batch.owner, "url": asked["webhook"]["url"]} if batch.notify else None


async def _batch_body(store: Store, batch_id: str) -> bytes:
    batch, _ = await store.batch(batch_id)
    members = await store.load_many([job_id for _, job_id in batch.members], "result")
    return _sent(batch, members) if batch.notify == "send" else _of_batch(batch, [job for job, _ in members])


def _of_batch(batch: Batch, members: list[Job | None]) -> bytes:
    public = batches.to_public(batch, members)
    data = {
        "batch_id": batch.id,
        "request_counts": public["request_counts"],
        "metadata": batch.metadata,
        "results_url": public["urls"]["results"],
    }
    return orjson.dumps({"type": "batch.ended", "timestamp": public["ended_at"], "data": data})


def _sent(batch: Batch, members: Sequence[tuple[Job | None, Mapping[str, Any]]]) -> bytes:
    """Build the body of the older callback API: the results of the file's texts in order, or the reason for none."""
    failed = next((job.error for job, _ in members if job and job.error), None)
    if any(job is None or job.status != "succeeded" for job, _ in members):
        reason = failed["detail"] if failed else "Not every text could be worked on."
        return orjson.dumps({"success": False, "error": reason})
    return orjson.dumps({"success": True, "data": [found.get("result") for _, found in members]})
