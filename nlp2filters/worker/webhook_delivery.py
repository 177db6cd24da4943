"""Deliver the outcome of a job or batch to its webhook, on a separate queue, so that a slow receiver delays no job."""

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
from arq.worker import Retry

from nlp2filters import fault_injection, logs, tracing
from nlp2filters.clock import now_ms
from nlp2filters.core import batches, deliveries, jobs
from nlp2filters.core.batches import Batch
from nlp2filters.core.counts import duration, name_of
from nlp2filters.core.jobs import Job
from nlp2filters.errors import BatchNotFound, JobNotFound, UnsupportedRecordVersion, WebhookRefused
from nlp2filters.storage import arq_format
from nlp2filters.storage.store import Store
from nlp2filters.webhooks.client import RETRY_SCHEDULE, derive_secret
from nlp2filters.worker.attempt import NEWER_VERSION_WAIT_S, WorkerContext

if TYPE_CHECKING:  # Workers of other queues use a part of this module only.
    from nlp2filters.worker.delivery_services import DeliveryServices

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
        worker: WorkerContext[DeliveryServices] = ctx["worker"]
        try:
            message = await load_message(worker.store, subject)
        except (JobNotFound, BatchNotFound) as exc:
            _log.info("nothing to deliver: %s", exc)
            return
        except UnsupportedRecordVersion as exc:
            raise Retry(defer=NEWER_VERSION_WAIT_S) from exc
        notes = await worker.store.deliveries.log(subject)
        if message is None or deliveries.is_final(notes):
            return
        number = len(deliveries.attempts(notes)) + 1
        trace = await worker.store.deliveries.trace(subject) if tracing.is_on() else {}
        attributes = tracing.processing("delivery", subject, number)
        with tracing.span("process delivery", "CONSUMER", attributes, parent=trace) as span:
            note, wait_s = await _attempt(worker, message, number)
            span.set({tracing.OUTCOME: _outcome(note)})
            if not note["ok"]:
                span.fail(_outcome(note))
        if not await worker.store.deliveries.add(subject, note, read=len(notes)):
            _log.warning("another worker has taken over this delivery")
            return
        worker.store.counts.add(_counts(note))
        if wait_s is not None:
            raise Retry(defer=wait_s)
        await worker.store.deliveries.delete_if_unowned(subject)


def _counts(note: Mapping[str, Any]) -> Mapping[str, int]:
    """Count an attempt by its outcome, and the time until the receiver's answer."""
    counts = Counter({name_of("webhook_attempts", _outcome(note)): 1})
    return counts + duration("webhook_call", ms=note["duration_ms"]) if "duration_ms" in note else counts


def _outcome(note: Mapping[str, Any]) -> str:
    return "delivered" if note["ok"] else "given_up" if note["final"] else "retried"


async def _attempt(
    worker: WorkerContext["DeliveryServices"], message: Message, number: int
) -> tuple[dict[str, Any], float | None]:
    """Send the message. Returns a note of the outcome, and the seconds until the next attempt, if there is one."""
    services, sent_ms = worker.services, now_ms()
    note: dict[str, Any] = {"at": jobs.timestamp(sent_ms), "status": None, "ok": False}
    try:
        attempt = await services.client.send(
            message.url,
            message_id=message.id,
            body=message.body,
            secrets=[derive_secret(secret, message.owner) for secret in services.secrets],
            timestamp=sent_ms // 1000,
        )
    except WebhookRefused as exc:
        return {**note, "error": str(exc), "final": True}, None
    fault_injection.reach(worker.faults, "webhook-sent")
    _log.info("delivery attempted", extra={"status": attempt.status, "error": attempt.error, "attempt": number})
    wait_s = None if attempt.ok or attempt.gone else RETRY_SCHEDULE.wait_s(number - 1)
    note |= {"status": attempt.status, "error": attempt.error, "duration_ms": attempt.duration_ms, "ok": attempt.ok}
    if wait_s is None:
        return {**note, "final": True}, None
    return {**note, "final": False}, max(wait_s, attempt.retry_after_s or 0)


async def abandon(ctx: dict[str, Any], entry_id: str) -> None:
    """Log that a delivery was given up, since ARQ could not run it or it crashed. It can then be requested again."""
    store, subject = ctx["worker"].store, arq_format.job_of(entry_id)
    notes = await store.deliveries.log(subject)
    if deliveries.is_final(notes):
        return
    error = "an internal error, which has been logged"
    note = {"at": jobs.timestamp(now_ms()), "status": None, "error": error, "ok": False, "final": True}
    if await store.deliveries.add(subject, note, read=len(notes)):
        store.counts.add(_counts(note))


async def load_message(store: Store, subject: str) -> Message | None:
    """Load the message about the end of a job or batch; None if there is no receiver.

    Raises:
        JobNotFound, BatchNotFound: what the message is about is no longer kept.
    """
    record: Mapping[str, Any] | None = await store.deliveries.message(subject)
    if record is None or "subject_type" not in record:
        record = await _record_of_earlier_version(store, subject, record)
    if record is None:
        return None
    body = record["body"].encode() if record["subject_type"] == "job" else await _batch_body(store, subject)
    return Message(deliveries.message_id(subject), record["owner"], record["url"], body)


async def _record_of_earlier_version(
    store: Store, subject: str, record: Mapping[str, Any] | None
) -> Mapping[str, Any] | None:
    """Return the message's record in today's form.

    During a rolling upgrade, jobs and batches are still ended by versions that wrote the record without the type of its
    subject, or wrote none at all. This is the only place that knows of them.
    """
    if record:
        return {"subject_type": "job" if "body" in record else "batch", **record}
    try:
        batch, request = await store.batches.get(subject)
    except BatchNotFound:
        job, fields = await store.jobs.load(subject, "request")
        return {**deliveries.message_about(job), "url": fields["request"]["webhook"]["url"]}
    if batch.notify is None:
        return None
    return {"subject_type": "batch", "owner": batch.owner, "url": request["webhook"]["url"]}


async def _batch_body(store: Store, batch_id: str) -> bytes:
    """Build the body when it is sent, as it needs all jobs of the batch."""
    batch, request = await store.batches.get(batch_id)
    assert batch.notify
    members = await store.jobs.load_many([job_id for _, job_id in batch.members], "result")
    return orjson.dumps(_BATCH_BODIES[batch.notify](batch, request, members))


Members = Sequence[tuple[Job | None, Mapping[str, Any]]]


def _batch_event(batch: Batch, _: Mapping[str, Any], members: Members) -> dict[str, Any]:
    public = batches.to_public(batch, [job for job, _ in members])
    data = {
        "batch_id": batch.id,
        "request_counts": public["request_counts"],
        "metadata": batch.metadata,
        "results_url": public["urls"]["results"],
    }
    return {"type": "batch.ended", "timestamp": public["ended_at"], "data": data}


def _callback_results(batch: Batch, request: Mapping[str, Any], members: Members) -> dict[str, Any]:
    """Build the body of the older callback API: the results in the order of the texts, or the reason for none.

    A recording's is its transcript, a string; with `format` "text", so are those of texts together.
    """
    if not any(job and job.status == "succeeded" for job, _ in members):
        failed = next((job for job, _ in members if job and job.error), None)
        return {"success": False, "error": _error(failed)}
    outcomes = [fields.get("result") or {"error": _error(job)} for job, fields in members]
    if request.get("format") == "text" or any(job and job.kind == "transcription" for job, _ in members):
        return {"success": True, "data": "\n".join(_plain(outcome) for outcome in outcomes)}
    return {"success": True, "data": outcomes}


def _plain(outcome: Mapping[str, Any]) -> str:
    """Return a transcription's text, a filter's explanation, or the reason why there is none."""
    if "error" in outcome:
        return f"Error: {outcome['error']}"
    return str(outcome["explanation"] if "explanation" in outcome else outcome["text"])


def _error(job: Job | None) -> str:
    return str(job.error["detail"]) if job and job.error else "The text could not be processed."


_BATCH_BODIES: Mapping[str, Callable[[Batch, Mapping[str, Any], Members], dict[str, Any]]] = {
    "event": _batch_event,
    "send": _callback_results,
}
