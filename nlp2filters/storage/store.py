"""Store jobs in Redis. Each step of a job is one commit: record, events and queue entry together or not at all."""

import hashlib
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import orjson
from redis.asyncio import Redis
from redis.exceptions import RedisError

from nlp2filters.core import batches, deliveries, jobs
from nlp2filters.core.batches import Batch
from nlp2filters.core.jobs import Entry, Job, Status
from nlp2filters.errors import (
    BatchNotFound,
    IdempotencyKeyReused,
    JobNotFound,
    Overloaded,
    TooManyBytes,
    TooManyPending,
)
from nlp2filters.storage import arq_format, scripts
from nlp2filters.storage.connection import OutcomeUnknown
from nlp2filters.storage.rate_limits import quota
from nlp2filters.storage.redis_keys import Keys
from nlp2filters.storage.request_parts import Request

_LISTED_AT_ONCE = 200
# One page of a listing reads at most this many of the owner's jobs.
_LOOKED_AT = 2_000

# An idempotency key is remembered for a day.
ONCE_MS = 86_400_000

Step = Callable[[Job], Job]


def now_ms() -> int:
    """Return the time in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class Event:
    """An SSE event written with a commit: its `name`, and the data added to the job."""

    name: str
    extra: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Once:
    """An idempotency key with the SHA-256 of its request, which is thereby carried out only once."""

    key: str
    fingerprint: str

    @property
    def digest(self) -> str:
        """The key in the form that names of Redis keys contain."""
        return hashlib.sha256(self.key.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Limits:
    """Admission limits: `backlog` entries in the queue, `pending` jobs and added `bytes` of the owner. 0: no limit."""

    backlog: int = 0
    pending: int = 0
    bytes: int = 0


class Store:
    """The jobs and batches in Redis. A finished job is kept for `retention_s`."""

    def __init__(self, redis: Redis, keys: Keys, *, retention_s: int) -> None:
        self.redis = redis
        self.keys = keys
        self.retention_ms = 1000 * retention_s
        self._commit_script = redis.register_script(scripts.COMMIT)
        self._create_script = redis.register_script(scripts.CREATE)
        self._tell_script = redis.register_script(scripts.PUBLISH)
        self._enqueue_script = redis.register_script(scripts.REQUEUE_DELIVERY)
        self._note_script = redis.register_script(scripts.LOG_DELIVERY)
        self._sweep_script = redis.register_script(scripts.FIND_ORPHANS)
        self._strike_script = redis.register_script(scripts.REMOVE_UNFINISHED)

    async def create(
        self, job: Job, request: Request | bytes, *, limits: Limits = Limits(), once: Once | None = None
    ) -> str:
        """Write a new job and queue its first stage. Returns its id, or the id of the job that `once` created earlier.

        Raises:
            Overloaded, TooManyPending, TooManyBytes: there is no room for more; nothing was written.
            IdempotencyKeyReused: the key stands for another request.
        """
        return await self._create([(job, request)], job.id, limits, once, None)

    async def create_batch(
        self,
        batch: Batch,
        members: Sequence[tuple[Job, Request | bytes]],
        request: bytes,
        *,
        limits: Limits = Limits(),
        once: Once | None = None,
    ) -> str:
        """Write a batch and all its jobs (pairs of job and request), or nothing.

        Returns the batch's id, or the id of the batch that `once` created earlier; raises as `create` does.
        """
        ttl_ms = self._ttl_ms(members[0][0], now_ms())
        record = {**batches.to_record(batch), "request": orjson.loads(request)}
        started = {"type": "batch.in_progress", "batch_id": batch.id, "at": jobs.timestamp(batch.created_at)}
        plan = {
            "record": self.keys.batch(batch.id),
            "open": self.keys.batch_open(batch.id),
            "events": self.keys.events(batch.id),
            "fields": orjson.dumps(record).decode(),
            "started": orjson.dumps(started).decode(),
            "ttl_ms": ttl_ms,
        }
        return await self._create(members, batch.id, limits, once, plan)

    async def made_before(self, owner: str, once: Once) -> str | None:
        """Return the id of the job or batch that the owner's idempotency key created, even if it is gone.

        Returns None for a new key.

        Raises:
            IdempotencyKeyReused: the key stands for another request.
        """
        value = await self.redis.get(self.keys.once(owner, once.digest))
        return _made_before(value.decode(), once) if value else None

    async def get(self, job_id: str) -> Job:
        """Read a job.

        Raises:
            JobNotFound: there is no job with this id, or it has expired.
        """
        job, _ = await self.load(job_id)
        return job

    async def load(self, job_id: str, *names: str) -> tuple[Job, dict[str, Any]]:
        """Read a job, and those of the named fields of its record that exist, decoded from JSON.

        Raises:
            JobNotFound: there is no job with this id, or it has expired.
        """
        reply = cast(Awaitable[list[bytes | None]], self.redis.hmget(self.keys.job(job_id), ["record", *names]))
        record, *values = await reply
        if record is None:
            raise JobNotFound(job_id)
        found = {name: orjson.loads(value) for name, value in zip(names, values, strict=True) if value is not None}
        return jobs.from_record(orjson.loads(record)), found

    async def load_many(self, job_ids: Sequence[str], *names: str) -> list[tuple[Job | None, dict[str, Any]]]:
        """Load many jobs at once, as `load` does; a job is None if it is no longer kept."""
        async with self.redis.pipeline(transaction=False) as pipe:
            for job_id in job_ids:
                pipe.hmget(self.keys.job(job_id), ["record", *names])
            replies: list[list[bytes | None]] = await pipe.execute()
        return [
            (
                jobs.from_record(orjson.loads(record)) if record else None,
                {name: orjson.loads(value) for name, value in zip(names, values, strict=True) if value is not None},
            )
            for record, *values in replies
        ]

    async def owner_of_gone(self, job_id: str) -> str | None:
        """Return the owner of a job that is no longer kept; None if the job is unknown."""
        known = await self.redis.get(self.keys.known(job_id))
        return known.decode() if known else None

    async def page(
        self, owner: str, size: int, after: tuple[int, str] | None, status: Status | None = None
    ) -> tuple[list[Job], tuple[int, str] | None]:
        """List up to `size` of the owner's jobs, newest first. Returns them with the start of the next page.

        `after` is the creation time and id of the last job of the previous page. A page may be short if few of many
        jobs have the requested `status`: it reads at most 2,000.
        """
        found: list[Job] = []
        for _ in range(_LOOKED_AT // _LISTED_AT_ONCE):
            ids = await self._listed(owner, after)
            for (job, _), (score, job_id) in zip(await self.load_many([id_ for _, id_ in ids]), ids, strict=True):
                after = (score, job_id)
                if job and (status is None or job.status == status):
                    found.append(job)
                    if len(found) == size:
                        return found, after
            if len(ids) < _LISTED_AT_ONCE:
                return found, None
        return found, after

    async def _listed(self, owner: str, after: tuple[int, str] | None) -> list[tuple[int, str]]:
        """Return creation time and id of the owner's next jobs; jobs of the same millisecond are sorted by id."""
        top: int | str = after[0] if after else "+inf"
        found: list[tuple[int, str]] = []
        offset = 0
        while len(found) < _LISTED_AT_ONCE:
            rows = await self.redis.zrevrangebyscore(
                self.keys.index(owner), top, "-inf", start=offset, num=_LISTED_AT_ONCE, withscores=True
            )
            pairs = [(int(score), raw.decode()) for raw, score in rows]
            found += [pair for pair in pairs if after is None or pair < after]
            if len(pairs) < _LISTED_AT_ONCE:
                break
            offset += len(pairs)
        return found[:_LISTED_AT_ONCE]

    async def step(
        self,
        job: Job,
        step: Step,
        *,
        fields: Mapping[str, bytes] | None = None,
        events: Sequence[Event] | Callable[[Job], Sequence[Event]] = (),
    ) -> Job:
        """Take one step from `core.jobs` and commit it. If another process was faster, repeat it from the current job.

        `events` may be a function of the resulting job. A step that cancels also removes the queue entry, or the
        worker's lease.

        Raises:
            IllegalTransition, StaleAttempt: the job's current state does not allow the step.
            JobNotFound: the job was purged meanwhile.
        """
        while True:
            after = step(job)
            told = events(after) if callable(events) else events
            plan = orjson.dumps(self._plan(after, fields or {}, told, before=job))
            seq = int(await self._commit_script(keys=[self.keys.job(job.id)], args=[job.seq, plan]))
            if seq == job.seq:
                return after
            try:
                job = await self.get(job.id)
            except RedisError as exc:  # The first try of the commit may have been carried out.
                raise OutcomeUnknown(f"Redis may have carried it out: {exc}") from exc
            if job == after:  # Our own commit was replayed: the connection broke before its reply arrived.
                return after

    async def tell(self, job: Job, events: Sequence[Event], at: int) -> bool:
        """Publish events that do not change the job, if the attempt that `job` has begun is still running.

        Returns True if it is; otherwise nothing was written.
        """
        stage, number = job.attempt
        about = {"job_id": job.id, "at": jobs.timestamp(at), "stage": stage, "attempt": number}
        args: list[str | int | bytes] = [stage, number]
        for event in events:
            args += [event.name, orjson.dumps({"type": f"job.{event.name}", **about, **event.extra})]
        return bool(await self._tell_script(keys=[self.keys.job(job.id), self.keys.events(job.id)], args=args))

    async def delete(self, job: Job) -> None:
        """Delete a job that has ended. A webhook that is still due is delivered all the same."""
        names = [self.keys.job, self.keys.events, self.keys.known]
        if not await cast(Awaitable[bool], self.redis.hexists(self.keys.open, job.id)):
            names += [self.keys.deliveries, self.keys.message]
        async with self.redis.pipeline(transaction=True) as pipe:
            pipe.delete(*(name(job.id) for name in names))
            pipe.zrem(self.keys.index(job.owner), job.id)
            await pipe.execute()

    async def batch(self, batch_id: str) -> tuple[Batch, dict[str, Any]]:
        """Read a batch and its request.

        Raises:
            BatchNotFound: there is no batch with this id, or it has expired.
        """
        record = await cast(Awaitable[bytes | None], self.redis.hget(self.keys.batch(batch_id), "record"))
        if record is None:
            raise BatchNotFound(batch_id)
        data = orjson.loads(record)
        request = data.pop("request")
        return batches.from_record(data), request

    async def message(self, subject: str) -> dict[str, Any] | None:
        """Read the webhook message for the end of a job or batch: `owner`, `url`, and for a job `body`."""
        content = await self.redis.get(self.keys.message(subject))
        return orjson.loads(content) if content else None

    async def add_delivery(self, subject: str, attempt: Mapping[str, Any], *, read: int) -> bool:
        """Log an attempt to deliver the webhook of a job or batch. The final attempt ends the delivery.

        `read` is the length of the log that the attempt was based on. Returns False, and logs nothing, if the log has
        grown since: this worker was frozen, and another one has taken over.
        """
        keys = [self.keys.deliveries(subject), self.keys.open]
        args: list[str | bytes | int] = [
            subject,
            orjson.dumps(attempt),
            read,
            2 * self.retention_ms,
            int(attempt["final"]),
        ]
        return bool(await self._note_script(keys=keys, args=args))

    async def forget_delivery(self, subject: str) -> None:
        """Delete a delivery that has ended, if its job has been deleted in the meantime."""
        if not await self.redis.exists(self.keys.job(subject), self.keys.batch(subject)):
            await self.redis.delete(self.keys.deliveries(subject), self.keys.message(subject))

    async def deliveries(self, subject: str) -> list[dict[str, Any]]:
        """List the attempts to deliver the webhook of a job or batch, oldest first."""
        reply = cast(Awaitable[list[bytes]], self.redis.lrange(self.keys.deliveries(subject), 0, -1))
        return [orjson.loads(attempt) for attempt in await reply]

    async def deliver_again(self, subject: str, owner: str, url: str, notes: Sequence[Mapping[str, Any]]) -> None:
        """Log the request for redelivery, and queue the delivery again.

        `notes` is the log that the caller has read. Concurrent requests have read the same log, and so queue the same
        entry.
        """
        note = {"at": jobs.timestamp(now_ms()), "asked_again": True, "final": False}
        await self._enqueue_delivery(subject, owner, url, f"again{len(notes)}", note)

    async def rescue_delivery(self, subject: str, owner: str, url: str) -> None:
        """Queue a delivery that has lost its queue entry."""
        await self._enqueue_delivery(subject, owner, url, f"rescued{now_ms()}", None)

    async def _enqueue_delivery(
        self, subject: str, owner: str, url: str, number: str, note: Mapping[str, Any] | None
    ) -> None:
        kept_ms = 2 * self.retention_ms
        group = arq_format.group(owner, receiver=deliveries.receiver_of(url))
        entry = self._entry("delivery", subject, number, group, now_ms(), kept_ms)
        args: list[bytes | int] = [orjson.dumps(note) if note else b"", kept_ms, orjson.dumps(entry)]
        await self._enqueue_script(keys=[self.keys.deliveries(subject)], args=args)

    async def orphans(self, cursor: str, count: int) -> tuple[str, list[tuple[str, str, str]]]:
        """Scan about `count` of the unfinished jobs and deliveries for orphans, starting at `cursor`; "0" is the first.

        Returns the next cursor ("0" at the end). For each job or delivery with neither an entry nor a lease, also
        returns its id, and the names of the queue and the entry that it should have.
        """
        reply = await self._sweep_script(keys=[self.keys.open], args=[cursor, count])
        following, *parts = [part.decode() for part in reply]
        return following, list(zip(parts[::3], parts[1::3], parts[2::3], strict=True))

    async def unfinished(self) -> int:
        """Count the jobs and deliveries that have not ended."""
        return await cast(Awaitable[int], self.redis.hlen(self.keys.open))

    async def strike(self, subject: str, queue_name: str, entry: str) -> None:
        """Remove an id from the index of unfinished work, if its value there is unchanged."""
        await self._strike_script(keys=[self.keys.open], args=[subject, queue_name, entry])

    async def count(self, what: str) -> None:
        """Increment the counter `what` of the statistics."""
        await cast(Awaitable[int], self.redis.hincrby(self.keys.stats, what, 1))

    async def _create(
        self,
        members: Sequence[tuple[Job, Request | bytes]],
        made: str,
        limits: Limits,
        once: Once | None,
        batch: Mapping[str, Any] | None,
    ) -> str:
        first = members[0][0]
        requests = [Request(request) if isinstance(request, bytes) else request for _, request in members]
        contents = {digest: content for request in requests for digest, content in request.parts.items()}
        ttl_ms = self._ttl_ms(first, now_ms())
        value = f"{once.fingerprint}:{made}" if once else ""
        ask = {
            "backlog": limits.backlog,
            "pending": limits.pending,
            "created_at": first.created_at,
            "oldest": first.created_at - ttl_ms,
            "ttl_ms": ttl_ms,
            "quota": quota(limits.bytes, self.retention_ms),
            "derived": sum(request.derived for request in requests),
            "parts": [self.keys.part(first.owner, digest) for digest in contents],
            "kept": list({key for request in requests for key in request.kept}),
            **({"idempotency": {"value": value, "ttl_ms": ONCE_MS}} if once else {}),
            **({"batch": batch} if batch else {}),
        }
        plans = [
            orjson.dumps(self._plan(job, {"request": request.body}, [Event("status", {})]))
            for (job, _), request in zip(members, requests, strict=True)
        ]
        names = [
            self.keys.queue(first.stage),
            self.keys.pending(first.owner),
            self.keys.index(first.owner),
            self.keys.once(first.owner, once.digest) if once else self.keys.web,
            self.keys.added(first.owner),
        ]
        answer = (await self._create_script(keys=names, args=[orjson.dumps(ask), *contents.values(), *plans])).decode()
        match answer:
            case "created":
                return made
            case "backlog":
                raise Overloaded(retry_after_s=30)
            case "pending":
                raise TooManyPending(limits.pending)
        if answer.startswith("bytes:"):
            raise TooManyBytes(limits.bytes, int(answer.removeprefix("bytes:")))
        assert once
        return _made_before(answer, once)

    def _ttl_ms(self, job: Job, now: int) -> int:
        return self.retention_ms + (0 if job.done else max(0, job.deadline_at - now) + self.retention_ms)

    def _plan(
        self, job: Job, fields: Mapping[str, bytes], events: Sequence[Event], *, before: Job | None = None
    ) -> dict[str, Any]:
        """Build the plan by which `write.lua` writes the job in its new state."""
        now = now_ms()
        ttl_ms = self._ttl_ms(job, now)
        plan: dict[str, Any] = {
            "keys": {
                "record": self.keys.job(job.id),
                "events": self.keys.events(job.id),
                "tombstone": self.keys.known(job.id),
                "pending": self.keys.pending(job.owner),
                "stats": self.keys.stats,
                "open": self.keys.open,
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
            "events": [[event.name, _data(job, event, now)] for event in events],
            "ttl_ms": ttl_ms,
            "tombstone_ttl_ms": ttl_ms + self.retention_ms,
        }
        entry = job.entry
        if before and before.entry and before.entry != entry:
            id_ = arq_format.entry_id(before.entry.queue, job.id, before.entry.number)
            plan["remove_entry"] = {"queue": self.keys.queue(before.entry.queue), "id": id_}
        if entry and (before is None or before.entry != entry):
            plan["entry"] = self._entry_of(job, entry, now, ttl_ms)
        if entry and entry.queue == "delivery" and job.webhook:
            message = {"owner": job.owner, "url": job.webhook, "body": deliveries.body_of(job).decode()}
            data = orjson.dumps(message).decode()
            plan["message"] = {"key": self.keys.message(job.id), "data": data, "ttl_ms": 2 * self.retention_ms}
        if before and job.status == "canceling" != before.status:
            plan["revoke_lease"] = arq_format.lease_key(job.stage, job.id, job.entry_number)
        if job.batch_id and job.done:
            plan["batch"] = self._end_in_batch(job, now, ttl_ms)
        return plan

    def _entry_of(self, job: Job, entry: Entry, now: int, ttl_ms: int) -> dict[str, Any]:
        if entry.queue == "delivery":
            group = arq_format.group(job.owner, receiver=deliveries.receiver_of(job.webhook or ""))
            return self._entry(entry.queue, job.id, entry.number, group, now, ttl_ms)
        group, due = arq_format.group(job.owner, lane=job.lane), job.stages[job.stage].queued_at or now
        return self._entry(entry.queue, job.id, entry.number, group, now, ttl_ms, delay_ms=max(0, due - now))

    def _end_in_batch(self, job: Job, now: int, ttl_ms: int) -> dict[str, Any]:
        assert job.batch_id
        at = jobs.timestamp(now)
        data = {"type": f"job.{job.status}", "batch_id": job.batch_id, "custom_id": job.custom_id, "at": at}
        return {
            "record": self.keys.batch(job.batch_id),
            "open": self.keys.batch_open(job.batch_id),
            "events": self.keys.events(job.batch_id),
            "data": orjson.dumps({**data, "job": jobs.to_public(job)}).decode(),
            "ended": orjson.dumps({"type": "batch.ended", "batch_id": job.batch_id, "at": at}).decode(),
            "entry": self._entry("delivery", job.batch_id, 0, arq_format.group(job.owner), now, ttl_ms),
            "message": {"key": self.keys.message(job.batch_id), "ttl_ms": 2 * self.retention_ms},
        }

    def _entry(
        self, stage: str, subject: str, number: int | str, group: str, now: int, ttl_ms: int, *, delay_ms: int = 0
    ) -> dict[str, Any]:
        """Build a queue entry in the form that `lua/queue.lua` expects."""
        return {
            "queue": self.keys.queue(stage),
            "open": self.keys.open,
            "subject": subject,
            "id": arq_format.entry_id(stage, subject, number),
            "key": arq_format.entry_key(stage, subject, number),
            "data": arq_format.entry(stage, subject, now).decode(),
            "ttl_ms": ttl_ms,
            "group": group,
            "delay_ms": delay_ms,
        }


def _made_before(value: str, once: Once) -> str:
    fingerprint, _, made = value.partition(":")
    if fingerprint != once.fingerprint:
        raise IdempotencyKeyReused(once.key)
    return made


def _data(job: Job, event: Event, now: int) -> str:
    """Encode the event as JSON, without `metadata`, which never changes: the sender adds it from the job."""
    data = {
        "type": f"job.{job.status}",
        "job_id": job.id,
        "seq": job.seq,
        "at": jobs.timestamp(now),
        "job": {**jobs.to_public(job), "metadata": {}},
        **event.extra,
    }
    return orjson.dumps(data).decode()
