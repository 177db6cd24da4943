"""The message about the end of a job or batch, and the log of the attempts to deliver it to the webhook.

The log is a list of notes, oldest first: one for each attempt, and one for each requested redelivery.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import orjson

from nlp2filters.core.jobs import Job, timestamp

Note = Mapping[str, Any]


def message_id(subject: str) -> str:
    """Return the id of the message about the end of a job or batch, which is the same for every attempt."""
    return f"msg_{subject}"


def receiver_of(url: str) -> str:
    """Return the host and port of a webhook's address, by which deliveries to one receiver are counted."""
    match = re.match(r"[a-z]+://([^/?#]*)", url, re.IGNORECASE)
    return match[1].lower() if match else ""


def message_about(job: Job) -> dict[str, Any]:
    """Return the message about the end of the job, as JSON data for the store. `write.lua` composes that of a batch.

    It has all that is needed for the delivery, so that the job may be deleted before.
    """
    return {"subject_type": "job", "owner": job.owner, "url": job.webhook, "body": job_body(job).decode()}


def job_body(job: Job) -> bytes:
    """Return the webhook's body: how the job ended and where its result is, not the result itself."""
    data = {
        "job_id": job.id,
        "status": job.status,
        "metadata": job.metadata,
        "error": job.error,
        "result_url": f"/v1/jobs/{job.id}/result",
    }
    return orjson.dumps({"type": f"job.{job.status}", "timestamp": timestamp(job.finished_at), "data": data})


def attempts(notes: Sequence[Note]) -> list[Note]:
    """Return the attempts since the last requested redelivery."""
    marks = [index for index, note in enumerate(notes) if note.get("asked_again")]
    return list(notes[marks[-1] + 1 :] if marks else notes)


def is_final(notes: Sequence[Note]) -> bool:
    """Return True if no further attempt will follow."""
    return bool(notes) and bool(notes[-1]["final"])


def to_public(subject: str, event: str, url: str, notes: Sequence[Note]) -> dict[str, Any]:
    """Return the delivery of `event` for the job or batch `subject`, as its owner sees it."""
    delivered = any(note.get("ok") for note in attempts(notes))
    public_attempts = [
        {"at": note["at"], "status": note["status"], "error": note["error"], "duration_ms": note.get("duration_ms")}
        for note in notes
        if not note.get("asked_again")
    ]
    return {
        "webhook_id": message_id(subject),
        "event": event,
        "url_host": urlsplit(url).hostname,
        "state": "delivered" if delivered else "dead" if is_final(notes) else "pending",
        "attempts": public_attempts,
    }
