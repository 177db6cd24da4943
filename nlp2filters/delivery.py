"""Tell a webhook how its job or batch ended: on a queue of its own, so that a slow receiver delays no job."""

import logging
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from arq.worker import Retry

from nlp2filters import faults, logs, queue, webhooks
from nlp2filters.core import batches, deliveries, jobs
from nlp2filters.core.batches import Batch
from nlp2filters.core.jobs import Job
from nlp2filters.errors import BatchNotFound, JobNotFound, NewerRecord, WebhookRefused
from nlp2filters.stages import NEWER_VERSION_WAIT_S
from nlp2filters.store import Store, now_ms

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Message:
    """What a receiver gets. `id` is the same at every attempt."""

    id: str
    owner: str
    url: str
    body: bytes


async def deliver(ctx: dict[str, Any], subject: str) -> None:
    """Make the next attempt to deliver the webhook of a job or batch. ARQ calls it.

    A worker that dies between the receiver's answer and our note of it delivers once more, under the same
    `webhook-id`: that is how a receiver knows the message again.

    Raises:
        Retry: for ARQ, when there is to be another attempt.
    """
    with logs.about(job_id=subject, stage="delivery"):
        store, sender, secrets = ctx["resources"].store, ctx["resources"].sender, ctx["resources"].webhook_secrets
        try:
            message = await _message(store, subject)
        except (JobNotFound, BatchNotFound) as exc:
            _log.info("nothing to deliver: %s", exc)
            return
        except NewerRecord as exc:
            raise Retry(defer=NEWER_VERSION_WAIT_S) from exc
        made = await store.deliveries(subject)
        if message is None or deliveries.is_over(made):
            return
        sent_ms = now_ms()
        try:
            attempt = await sender.send(
                message.url,
                message_id=message.id,
                body=message.body,
                secrets=[webhooks.secret_of(secret, message.owner) for secret in secrets],
                timestamp=sent_ms // 1000,
            )
        except WebhookRefused as exc:
            note = {"at": jobs.timestamp(sent_ms), "status": None, "error": str(exc), "ok": False, "final": True}
            await store.add_delivery(subject, note)
            return
        faults.reach(ctx["resources"].faults, "webhook-sent")
        number = len(deliveries.attempts(made)) + 1
        wait_s = None if attempt.ok or attempt.gone else webhooks.delay_s(number, random.SystemRandom())
        await store.add_delivery(
            subject,
            {
                "at": jobs.timestamp(sent_ms),
                "status": attempt.status,
                "error": attempt.error,
                "duration_ms": attempt.duration_ms,
                "ok": attempt.ok,
                "final": wait_s is None,
            },
        )
        _log.info("delivery attempted", extra={"status": attempt.status, "error": attempt.error, "attempt": number})
        if wait_s is not None:
            raise Retry(defer=max(wait_s, attempt.retry_after_s or 0))


async def abandon(ctx: dict[str, Any], entry_id: str) -> None:
    """Note that the queue gave a delivery up, so that it can be asked for anew. ARQ could not run it, or it crashed."""
    store, subject = ctx["resources"].store, queue.job_of(entry_id)
    if deliveries.is_over(await store.deliveries(subject)):
        return
    error = "an error on our side; it has been logged"
    note = {"at": jobs.timestamp(now_ms()), "status": None, "error": error, "ok": False, "final": True}
    await store.add_delivery(subject, note)


async def _message(store: Store, subject: str) -> Message | None:
    """What to tell of the job or batch; None when nobody is to be told."""
    if subject.startswith("batch_"):
        batch, asked = await store.batch(subject)
        if batch.notify is None:
            return None
        members = await store.load_many([job_id for _, job_id in batch.members], "result")
        body = _sent(batch, members) if batch.notify == "send" else _of_batch(batch, [job for job, _ in members])
        return Message(deliveries.message_id(batch.id), batch.owner, asked["webhook"]["url"], body)
    job, found = await store.load(subject, "request")
    return Message(deliveries.message_id(job.id), job.owner, found["request"]["webhook"]["url"], _of_job(job))


def _of_job(job: Job) -> bytes:
    """How the job ended and where the result is, not the result itself."""
    data = {
        "job_id": job.id,
        "status": job.status,
        "metadata": job.metadata,
        "error": job.error,
        "result_url": f"/v1/jobs/{job.id}/result",
    }
    return orjson.dumps({"type": f"job.{job.status}", "timestamp": jobs.timestamp(job.finished_at), "data": data})


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
    """What the older callback API tells: the results of the file's texts in their order, or why there are none."""
    failed = next((job.error for job, _ in members if job and job.error), None)
    if any(job is None or job.status != "succeeded" for job, _ in members):
        reason = failed["detail"] if failed else "Not every text could be worked on."
        return orjson.dumps({"success": False, "error": reason})
    return orjson.dumps({"success": True, "data": [found.get("result") for _, found in members]})
