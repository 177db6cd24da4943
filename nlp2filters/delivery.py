"""Tell a job's webhook how it ended: on a queue of its own, so that a slow receiver delays no job."""

import logging
import random
from typing import Any

import orjson
from arq.worker import Retry

from nlp2filters import faults, logs, webhooks
from nlp2filters.core import jobs
from nlp2filters.core.jobs import Job
from nlp2filters.errors import JobNotFound, NewerRecord, WebhookRefused
from nlp2filters.stages import NEWER_VERSION_WAIT_S
from nlp2filters.store import now_ms

_log = logging.getLogger(__name__)


async def deliver(ctx: dict[str, Any], job_id: str) -> None:
    """Make the next attempt to deliver a job's webhook. ARQ calls it.

    A worker that dies between the receiver's answer and our note of it delivers once more, under the same
    `webhook-id`: that is how a receiver knows the message again.

    Raises:
        Retry: for ARQ, when there is to be another attempt.
    """
    with logs.about(job_id=job_id, stage="delivery"):
        store, sender, secret = ctx["resources"].store, ctx["resources"].sender, ctx["resources"].webhook_secret
        try:
            job, found = await store.load(job_id, "request")
        except JobNotFound as exc:
            _log.info("nothing to deliver: %s", exc)
            return
        except NewerRecord as exc:
            raise Retry(defer=NEWER_VERSION_WAIT_S) from exc
        made = await store.deliveries(job_id)
        if made and made[-1]["final"]:
            return
        sent_ms = now_ms()
        try:
            attempt = await sender.send(
                found["request"]["webhook"]["url"],
                message_id=message_id(job),
                body=message(job),
                secrets=[secret],
                timestamp=sent_ms // 1000,
            )
        except WebhookRefused as exc:
            note = {"at": jobs.timestamp(sent_ms), "status": None, "error": str(exc), "ok": False, "final": True}
            await store.add_delivery(job_id, note)
            return
        faults.reach(ctx["resources"].faults, "webhook-sent")
        wait_s = None if attempt.ok or attempt.gone else webhooks.delay_s(len(made) + 1, random.SystemRandom())
        await store.add_delivery(
            job_id,
            {
                "at": jobs.timestamp(sent_ms),
                "status": attempt.status,
                "error": attempt.error,
                "duration_ms": attempt.duration_ms,
                "ok": attempt.ok,
                "final": wait_s is None,
            },
        )
        _log.info("delivery attempted", extra={"status": attempt.status, "error": attempt.error, "attempt": len(made)})
        if wait_s is not None:
            raise Retry(defer=max(wait_s, attempt.retry_after_s or 0))


def message_id(job: Job) -> str:
    """The id of the message about a job's end: the same at every attempt."""
    return f"msg_{job.id}"


def message(job: Job) -> bytes:
    """What the receiver gets: how the job ended and where the result is, not the result itself."""
    data = {
        "job_id": job.id,
        "status": job.status,
        "metadata": job.metadata,
        "error": job.error,
        "result_url": f"/v1/jobs/{job.id}/result",
    }
    return orjson.dumps({"type": f"job.{job.status}", "timestamp": jobs.timestamp(job.finished_at), "data": data})
