"""The jobs in Redis. Each step of a job is one commit: record, events and queue entry together or not at all."""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, cast

import orjson
from redis.asyncio import Redis

from nlp2filters import queue
from nlp2filters.core import jobs
from nlp2filters.core.jobs import Job
from nlp2filters.errors import JobNotFound, Overloaded
from nlp2filters.keys import Keys

_COMMIT = files("nlp2filters").joinpath("lua/commit.lua").read_text()
_FULL = -1

Step = Callable[[Job], Job]


def now_ms() -> int:
    """The time in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class Event:
    """What a commit tells the job's followers: `name` of the SSE event, and what it says beside the job."""

    name: str
    extra: Mapping[str, Any]


class Store:
    """Reads and commits. `retention_s`: how long a finished job is kept."""

    def __init__(self, redis: Redis, keys: Keys, *, retention_s: int) -> None:
        self.redis = redis
        self.keys = keys
        self.retention_ms = 1000 * retention_s
        self._script = redis.register_script(_COMMIT)

    async def create(self, job: Job, request: bytes, *, max_backlog: int) -> None:
        """Write a new job and queue its first stage.

        Raises:
            Overloaded: the queue is full; nothing was written.
        """
        seq = await self._commit(job, 0, {"request": request}, [Event("status", {})], max_backlog=max_backlog)
        if seq == _FULL:  # any other answer but 0 is our own job, sent again after the connection broke
            raise Overloaded(retry_after_s=30)

    async def get(self, job_id: str) -> Job:
        """The job.

        Raises:
            JobNotFound: there is none of that id, or no longer.
        """
        job, _ = await self.load(job_id)
        return job

    async def load(self, job_id: str, *names: str) -> tuple[Job, dict[str, Any]]:
        """The job, and those of the named fields of its record that are there, decoded from JSON.

        Raises:
            JobNotFound: there is none of that id, or no longer.
        """
        reply = cast(Awaitable[list[bytes | None]], self.redis.hmget(self.keys.job(job_id), ["record", *names]))
        record, *values = await reply
        if record is None:
            raise JobNotFound(job_id)
        found = {name: orjson.loads(value) for name, value in zip(names, values, strict=True) if value is not None}
        return jobs.from_record(orjson.loads(record)), found

    async def step(
        self,
        job: Job,
        step: Step,
        *,
        fields: Mapping[str, bytes] | None = None,
        events: Sequence[Event] = (),
    ) -> Job:
        """Take one step from `core.jobs` and commit it; when another process was faster, from the job as it is now.

        Raises:
            IllegalTransition, StaleAttempt: the job as it is now does not allow the step.
            JobNotFound: the job was purged meanwhile.
        """
        while True:
            after = step(job)
            if await self._commit(after, job.seq, fields or {}, events) == job.seq:
                return after
            job = await self.get(job.id)
            if job == after:  # it was ours: the connection broke after the commit, and the client sent it again
                return after

    async def add_delivery(self, job_id: str, attempt: Mapping[str, Any]) -> None:
        """Note an attempt to deliver the job's webhook."""
        key = self.keys.deliveries(job_id)
        async with self.redis.pipeline(transaction=True) as pipe:
            pipe.rpush(key, orjson.dumps(attempt))
            pipe.pexpire(key, 2 * self.retention_ms)
            await pipe.execute()

    async def deliveries(self, job_id: str) -> list[dict[str, Any]]:
        """The attempts to deliver the job's webhook, the oldest first."""
        reply = cast(Awaitable[list[bytes]], self.redis.lrange(self.keys.deliveries(job_id), 0, -1))
        return [orjson.loads(attempt) for attempt in await reply]

    async def _commit(
        self,
        job: Job,
        expect: int,
        fields: Mapping[str, bytes],
        events: Sequence[Event],
        *,
        max_backlog: int = 0,
    ) -> int:
        now = now_ms()
        ttl_ms = self.retention_ms + (0 if job.done else max(0, job.deadline_at - now) + self.retention_ms)
        record = orjson.dumps(jobs.to_record(job)).decode()
        plan: dict[str, Any] = {
            "expect": expect,
            "backlog": max_backlog,
            "fields": {
                **{name: value.decode() for name, value in fields.items()},
                "seq": str(job.seq),
                "record": record,
            },
            "events": [[event.name, _data(job, event, now)] for event in events],
            "ttl_ms": ttl_ms,
        }
        if expect == 0:
            plan["listed"] = {"id": job.id, "score": job.created_at, "oldest": now - ttl_ms}
        if job.queue:
            entry = queue.entry(job.queue, job.id, now).decode()
            entry_id = queue.entry_id(job.queue, job.id)
            plan["entry"] = {"id": entry_id, "data": entry, "ttl_ms": ttl_ms}
        stage = job.queue or job.stage
        keys = [
            self.keys.job(job.id),
            self.keys.events(job.id),
            self.keys.index(job.owner),
            self.keys.queue(stage),
            queue.entry_key(stage, job.id),
            queue.wake_key(self.keys.queue(stage)),
        ]
        return int(await self._script(keys=keys, args=[orjson.dumps(plan)]))


def _data(job: Job, event: Event, now: int) -> str:
    data = {
        "type": f"job.{job.status}",
        "job_id": job.id,
        "seq": job.seq,
        "at": jobs.timestamp(now),
        "job": jobs.to_public(job),
        **event.extra,
    }
    return orjson.dumps(data).decode()
