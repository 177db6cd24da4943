"""The log of a webhook's attempts: notes of what happened, oldest first, and markers of requested redeliveries."""

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


def body_of(job: Job) -> bytes:
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
    """Return whether no further attempt will follow."""
    return bool(notes) and bool(notes[-1]["final"])


def to_public(subject: str, event: str, url: str, notes: Sequence[Note]) -> dict[str, Any]:
    """Return the delivery of `event` for the job or batch `subject`, as its owner sees it."""
    ok = any(note.get("ok") for note in attempts(notes))
    made = [
        {"at": note["at"], "status": note["status"], "error": note["error"], "duration_ms": note.get("duration_ms")}
        for note in notes
        if not note.get("asked_again")
    ]
    return {
        "webhook_id": message_id(subject),
        "event": event,
        "url_host": urlsplit(url).hostname,
        "state": "delivered" if ok else "dead" if is_final(notes) else "pending",
        "attempts": made,
    }
