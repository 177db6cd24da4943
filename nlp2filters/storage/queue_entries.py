"""The queue entries of jobs and deliveries, as the Lua scripts take them."""

from typing import TypedDict

from nlp2filters.core import deliveries
from nlp2filters.core.jobs import Entry, Job
from nlp2filters.storage import arq_format
from nlp2filters.storage.redis_keys import Keys


class QueueEntry(TypedDict):
    """An entry for `enqueue` in `lua/queue.lua`. It expires after `ttl_ms`, and is due after `delay_ms`."""

    queue: str
    open: str
    subject: str
    id: str
    key: str
    data: str
    ttl_ms: int
    group: str
    delay_ms: int


def of_job(keys: Keys, job: Job, entry: Entry, now: int, ttl_ms: int) -> QueueEntry:
    """Return the job's entry in the queue of its stage, or in that of the deliveries."""
    if entry.queue == "delivery":
        return of_delivery(keys, job.id, entry.number, job.owner, job.webhook or "", now, ttl_ms)
    group, due = arq_format.group(job.owner, lane=job.lane), job.stages[job.stage].queued_at or now
    return _entry(keys, entry.queue, job.id, entry.number, group, now, ttl_ms, delay_ms=max(0, due - now))


def of_delivery(keys: Keys, subject: str, number: int | str, owner: str, url: str, now: int, ttl_ms: int) -> QueueEntry:
    """Return an entry for delivering the message about a job or batch to `url`."""
    group = arq_format.group(owner, receiver=deliveries.receiver_of(url))
    return _entry(keys, "delivery", subject, number, group, now, ttl_ms)


def _entry(
    keys: Keys, stage: str, subject: str, number: int | str, group: str, now: int, ttl_ms: int, *, delay_ms: int = 0
) -> QueueEntry:
    return {
        "queue": keys.queue(stage),
        "open": keys.open,
        "subject": subject,
        "id": arq_format.entry_id(stage, subject, number),
        "key": arq_format.entry_key(stage, subject, number),
        "data": arq_format.entry(stage, subject, now).decode(),
        "ttl_ms": ttl_ms,
        "group": group,
        "delay_ms": delay_ms,
    }
