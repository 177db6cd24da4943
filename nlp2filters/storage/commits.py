"""Commits: each step of a job writes record, events and queue entry together, or nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NotRequired, TypedDict

import orjson
from redis.asyncio import Redis

from nlp2filters.core import deliveries, jobs
from nlp2filters.core.counts import of_step
from nlp2filters.core.jobs import Job
from nlp2filters.core.parts import Split
from nlp2filters.storage import arq_format, queue_entries, scripts
from nlp2filters.storage.parts_table import PartsTable, parts_table
from nlp2filters.storage.queue_entries import QueueEntry
from nlp2filters.storage.redis_keys import Keys


@dataclass(frozen=True, slots=True)
class EventDraft:
    """An event to publish with a commit: its `name`, and the data that it adds to the job.

    A `brief` one is about the running attempt, and leaves the job out. Of several about parts with one `key`, only the
    first is published.
    """

    name: str
    extra: Mapping[str, Any]
    brief: bool = False
    key: str | None = None


class PlanKeys(TypedDict):
    """The Redis keys that every plan writes."""

    record: str
    events: str
    tombstone: str
    pending: str
    stats: str
    open: str
    counts: str
    failed: str


class RemovedEntry(TypedDict):
    """A queue entry to remove."""

    queue: str
    id: str


class Message(TypedDict):
    """A webhook message to store; the script composes the `data` of a batch's message."""

    key: str
    data: NotRequired[str]
    ttl_ms: int


class BatchPlan(TypedDict):
    """The changes to the batch of a job that has ended: an event, and what follows if it was the batch's last job."""

    record: str
    open: str
    events: str
    data: str
    ended: str
    entry: QueueEntry
    message: Message


class SplitPlan(TypedDict):
    """The parts into which a job is split: JSON of the `order` of their digests, and those that remain to be done.

    `event_keys` are those of published events about the others.
    """

    parts: PartsTable
    order: str
    total: int
    todo: list[str]
    event_keys: list[str]


class Plan(TypedDict):
    """Everything that a commit writes, for `lua/write.lua`, which describes the members."""

    keys: PlanKeys
    id: str
    owner: str
    status: str
    done: bool
    fields: dict[str, str]
    events: list[tuple[str, str]]
    ttl_ms: int
    tombstone_ttl_ms: int
    remove_entry: NotRequired[RemovedEntry]
    entry: NotRequired[QueueEntry]
    message: NotRequired[Message]
    revoke_lease: NotRequired[str]
    batch: NotRequired[BatchPlan]
    split: NotRequired[SplitPlan]
    drop_parts: NotRequired[PartsTable]
    counts: dict[str, int]


class Commits:
    """The commits of all jobs. A job is kept for `retention_ms` after it has ended."""

    def __init__(self, redis: Redis, keys: Keys, retention_ms: int) -> None:
        self._keys = keys
        self.retention_ms = retention_ms
        self._script = redis.register_script(scripts.COMMIT)

    async def apply(self, plan: Plan, before: Job) -> bool:
        """Carry out a plan that was made from the state `before`. False if the record has changed since."""
        seq = await self._script(keys=[plan["keys"]["record"]], args=[before.seq, orjson.dumps(plan)])
        return int(seq) == before.seq

    def ttl_ms(self, job: Job, now: int) -> int:
        """Return how long the job's record has to be kept: an unfinished job may take until its deadline."""
        return self.retention_ms + (0 if job.done else max(0, job.deadline_at - now) + self.retention_ms)

    def plan(
        self,
        job: Job,
        fields: Mapping[str, bytes],
        events: Sequence[EventDraft],
        now: int,
        *,
        before: Job | None = None,
        split: Split | None = None,
        counts: Mapping[str, int] = MappingProxyType({}),
    ) -> Plan:
        """Plan the commit that writes the job in its new state, from the state `before`; None for a new job.

        `split` are the parts into which the new state is split; `counts` are for the metrics, besides the step's own.
        """
        keys = self._keys
        ttl_ms = self.ttl_ms(job, now)
        public = orjson.Fragment(_public_data(job)) if any(not event.brief for event in events) else None
        plan: Plan = {
            "keys": {
                "record": keys.job(job.id),
                "events": keys.events(job.id),
                "tombstone": keys.tombstone(job.id),
                "pending": keys.pending(job.owner),
                "stats": keys.stats,
                "open": keys.open,
                "counts": keys.counts,
                "failed": keys.failed("jobs"),
            },
            "id": job.id,
            "owner": job.owner,
            "status": job.status,
            "done": job.done,
            "fields": {
                **{name: value.decode() for name, value in fields.items()},
                "seq": str(job.seq),
                "record": orjson.dumps(jobs.to_record(job)).decode(),
            },
            "events": [
                (
                    event.name,
                    attempt_event(before or job, event, now) if event.brief else _event_data(job, public, event, now),
                )
                for event in events
            ],
            "ttl_ms": ttl_ms,
            "tombstone_ttl_ms": ttl_ms + self.retention_ms,
            "counts": {**of_step(before, job, now), **counts},
        }
        self._plan_entries(plan, job, before, now)
        if before and job.status == "canceling" != before.status:
            plan["revoke_lease"] = arq_format.lease_key(job.stage, job.id, job.entry_number)
        if split:
            plan["split"] = {
                "parts": parts_table(keys, job, now, ttl_ms),
                "order": orjson.dumps(split.in_order).decode(),
                "total": len(set(split.in_order)),
                "todo": list(split.missing),
                "event_keys": [event.key for event in events if event.key],
            }
        if before and before.has_parts and (job.done or job.stage != before.stage):
            plan["drop_parts"] = parts_table(keys, before, now, ttl_ms)
        if job.batch_id and job.done:
            plan["batch"] = self._batch_plan(job, job.batch_id, now, ttl_ms)
        return plan

    def _plan_entries(self, plan: Plan, job: Job, before: Job | None, now: int) -> None:
        """Replace the job's queue entry if the job has a new one, which may be for delivering its webhook."""
        entry, replaced = job.entry, before.entry if before else None
        if replaced and replaced != entry:
            id_ = arq_format.entry_id(replaced.queue, job.id, replaced.number)
            plan["remove_entry"] = {"queue": self._keys.queue(replaced.queue), "id": id_}
        if entry and replaced != entry:
            plan["entry"] = queue_entries.of_job(self._keys, job, entry, now, plan["ttl_ms"])
        if entry and entry.queue == "delivery" and job.webhook:
            data = orjson.dumps(deliveries.message_about(job)).decode()
            plan["message"] = {"key": self._keys.message(job.id), "data": data, "ttl_ms": 2 * self.retention_ms}

    def _batch_plan(self, job: Job, batch_id: str, now: int, ttl_ms: int) -> BatchPlan:
        at = jobs.timestamp(now)
        data = {"type": f"job.{job.status}", "batch_id": batch_id, "custom_id": job.custom_id, "at": at}
        return {
            "record": self._keys.batch(batch_id),
            "open": self._keys.batch_open(batch_id),
            "events": self._keys.events(batch_id),
            "data": orjson.dumps({**data, "job": jobs.to_public(job)}).decode(),
            "ended": orjson.dumps({"type": "batch.ended", "batch_id": batch_id, "at": at}).decode(),
            "entry": queue_entries.of_delivery(self._keys, batch_id, 0, job.owner, "", now, ttl_ms),
            "message": {"key": self._keys.message(batch_id), "ttl_ms": 2 * self.retention_ms},
        }


def attempt_event(job: Job, event: EventDraft, now: int) -> str:
    """Encode an event about the attempt that `job` has begun as JSON."""
    stage, number = job.attempt
    about = {"job_id": job.id, "at": jobs.timestamp(now), "stage": stage, "attempt": number}
    return orjson.dumps({"type": f"job.{event.name}", **about, **event.extra}).decode()


def _public_data(job: Job) -> bytes:
    """Encode the job as JSON, without `metadata`, which never changes: who sends an event adds it from the job."""
    return orjson.dumps({**jobs.to_public(job), "metadata": {}})


def _event_data(job: Job, public: Any, event: EventDraft, now: int) -> str:
    """Encode the event as JSON, with the job's encoded `public` data."""
    data = {
        "type": f"job.{job.status}",
        "job_id": job.id,
        "seq": job.seq,
        "at": jobs.timestamp(now),
        "job": public,
        **event.extra,
    }
    return orjson.dumps(data).decode()
