"""The parts of a job's present stage, as the Lua scripts take them."""

from typing import TypedDict

from nlp2filters.core.jobs import Job
from nlp2filters.storage import arq_format
from nlp2filters.storage.queue_entries import QueueEntry
from nlp2filters.storage.redis_keys import Keys

# At most this many parts of a job are in its queue, more than all workers together are likely to run at once.
AT_ONCE = 64


class PartsTable(TypedDict):
    """The keys of the parts, and the entry of each (see `lua/parts.lua`)."""

    states: str
    waiting: str
    queued: str
    payloads: str
    job: str
    split_jobs: str
    open: str
    entry: QueueEntry
    number: int
    at_once: int
    ttl_ms: int


def parts_table(keys: Keys, job: Job, now: int, ttl_ms: int) -> PartsTable:
    """Describe the parts of the job's present stage. Their first entries have the `seq` of the split as a number."""
    subject, number = arq_format.part_subject(job.id, "{digest}"), "{number}"
    entry: QueueEntry = {
        "queue": keys.queue(job.stage),
        "open": keys.open,
        "subject": subject,
        "id": arq_format.entry_id(job.stage, subject, number),
        "key": arq_format.entry_key(job.stage, subject, number),
        "data": arq_format.part_entry(subject, now).decode(),
        "ttl_ms": ttl_ms,
        "group": arq_format.group(job.owner, lane=arq_format.PARTS),
        "delay_ms": 0,
    }
    return {
        "states": keys.parts(job.id, "states"),
        "waiting": keys.parts(job.id, "waiting"),
        "queued": keys.parts(job.id, "queued"),
        "payloads": keys.parts(job.id, "payloads"),
        "job": job.id,
        "split_jobs": keys.split_jobs(job.stage),
        "open": keys.open,
        "entry": entry,
        "number": job.seq,
        "at_once": AT_ONCE,
        "ttl_ms": ttl_ms,
    }
