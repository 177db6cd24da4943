"""The log of a webhook's attempts: notes of what happened, oldest first, and marks of somebody asking for it anew."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from nlp2filters.core.jobs import Job

Note = Mapping[str, Any]


def message_id(subject: str) -> str:
    """The id of the message about the end of a job or batch: the same at every attempt."""
    return f"msg_{subject}"


def attempts(notes: Sequence[Note]) -> list[Note]:
    """The attempts since somebody last asked for them anew."""
    marks = [index for index, note in enumerate(notes) if note.get("asked_again")]
    return list(notes[marks[-1] + 1 :] if marks else notes)


def is_over(notes: Sequence[Note]) -> bool:
    """Whether no further attempt is to come."""
    return bool(notes) and bool(notes[-1]["final"])


def to_public(job: Job, webhook: Mapping[str, Any] | None, notes: Sequence[Note]) -> list[dict[str, Any]]:
    """The deliveries of a job as its owner sees them: one, or none while there is nothing to tell of."""
    if webhook is None or job.status not in job.notify:
        return []
    ok = any(note.get("ok") for note in attempts(notes))
    made = [
        {"at": note["at"], "status": note["status"], "error": note["error"], "duration_ms": note.get("duration_ms")}
        for note in notes
        if not note.get("asked_again")
    ]
    return [
        {
            "webhook_id": message_id(job.id),
            "event": f"job.{job.status}",
            "url_host": urlsplit(webhook["url"]).hostname,
            "state": "delivered" if ok else "dead" if is_over(notes) else "pending",
            "attempts": made,
        }
    ]
