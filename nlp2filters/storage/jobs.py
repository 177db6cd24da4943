"""Jobs: read, listed, and moved from state to state, one commit at a time."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, cast

import orjson
from redis.asyncio import Redis
from redis.exceptions import RedisError

from nlp2filters.clock import now_ms
from nlp2filters.core import jobs
from nlp2filters.core.jobs import Job
from nlp2filters.core.parts import Split
from nlp2filters.core.statuses import Status
from nlp2filters.errors import JobNotFound
from nlp2filters.storage import scripts
from nlp2filters.storage.commits import Commits, EventDraft, attempt_event
from nlp2filters.storage.errors import OutcomeUnknown
from nlp2filters.storage.idempotency import IdempotencyKey
from nlp2filters.storage.redis_keys import Keys
from nlp2filters.storage.request_parts import Request
from nlp2filters.storage.stream_events import StreamEvent
from nlp2filters.storage.submissions import UNLIMITED, AdmissionLimits, Submissions

READ_AT_ONCE = 200
# One page of a listing reads at most this many of the owner's jobs.
MAX_READ_PER_PAGE = 2_000

Transition = Callable[[Job], Job]
Fields = dict[str, Any]
# The creation time and id of a job, by which an owner's jobs are sorted.
Position = tuple[int, str]


class Jobs:
    """The jobs of all owners."""

    def __init__(self, redis: Redis, keys: Keys, commits: Commits, submissions: Submissions) -> None:
        self._redis = redis
        self._keys = keys
        self._commits = commits
        self._submissions = submissions
        self._publish_script = redis.register_script(scripts.PUBLISH)

    async def create(
        self,
        job: Job,
        request: Request | bytes,
        *,
        limits: AdmissionLimits = UNLIMITED,
        once: IdempotencyKey | None = None,
    ) -> str:
        """Write a new job and queue its first stage. Returns its id, or the id of the job that `once` created earlier.

        Raises:
            Overloaded, TooManyPending, TooManyBytes: there is no room for more; nothing was written.
            IdempotencyKeyReused: the key stands for another request.
        """
        return await self._submissions.create(job.id, [(job, request)], limits, once)

    async def get(self, job_id: str) -> Job:
        """Read a job.

        Raises:
            JobNotFound: there is no job with this id, or it has expired.
        """
        job, _ = await self.load(job_id)
        return job

    async def load(self, job_id: str, *names: str, read: Sequence[bytes | None] = ()) -> tuple[Job, Fields]:
        """Read a job, and those of the named fields of its record that exist, decoded from JSON.

        `read` are the values of the record and these fields, if a claim has read them already.

        Raises:
            JobNotFound: there is no job with this id, or it has expired.
        """
        if not read:
            read = await cast(
                Awaitable[list[bytes | None]], self._redis.hmget(self._keys.job(job_id), ["record", *names])
            )
        return _decode_existing(job_id, names, read)

    async def load_with_tail(self, job_id: str, *names: str) -> tuple[list[StreamEvent], Job, Fields]:
        """Read the last two events of a job, newest first, and then the job, as `load` does, in one round trip."""
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.xrevrange(self._keys.events(job_id), count=2)
            pipe.hmget(self._keys.job(job_id), ["record", *names])
            entries, reply = await pipe.execute()
        job, fields = _decode_existing(job_id, names, reply)
        return [StreamEvent.of_entry(*entry) for entry in entries], job, fields

    async def load_many(self, job_ids: Sequence[str], *names: str) -> list[tuple[Job | None, Fields]]:
        """Load many jobs at once, as `load` does; a job is None if it is no longer kept."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for job_id in job_ids:
                pipe.hmget(self._keys.job(job_id), ["record", *names])
            return [_decode(names, reply) for reply in await pipe.execute()]

    async def owner_of_expired(self, job_id: str) -> str | None:
        """Return the owner of a job that is no longer kept; None if the job is unknown."""
        owner = await self._redis.get(self._keys.tombstone(job_id))
        return owner.decode() if owner else None

    async def page(
        self, owner: str, size: int, after: Position | None, status: Status | None = None
    ) -> tuple[list[Job], Position | None]:
        """List up to `size` of the owner's jobs, newest first. Returns them with the start of the next page.

        `after` is the position of the last job of the previous page. A page may be short if few of many jobs have the
        requested `status`: it reads at most 2,000.
        """
        page: list[Job] = []
        for _ in range(MAX_READ_PER_PAGE // READ_AT_ONCE):
            positions = await self._positions(owner, after)
            jobs = await self.load_many([job_id for _, job_id in positions])
            for position, (job, _) in zip(positions, jobs, strict=True):
                after = position
                if job and status in (None, job.status):
                    page.append(job)
                    if len(page) == size:
                        return page, after
            if len(positions) < READ_AT_ONCE:
                return page, None
        return page, after

    async def _positions(self, owner: str, after: Position | None) -> list[Position]:
        """Return the positions of the owner's next jobs; jobs of the same millisecond are sorted by id."""
        latest: int | str = after[0] if after else "+inf"
        positions: list[Position] = []
        offset = 0
        while len(positions) < READ_AT_ONCE:
            rows = await self._redis.zrevrangebyscore(
                self._keys.index(owner), latest, "-inf", start=offset, num=READ_AT_ONCE, withscores=True
            )
            pairs = [(int(created_at), job_id.decode()) for job_id, created_at in rows]
            positions += [pair for pair in pairs if after is None or pair < after]
            if len(pairs) < READ_AT_ONCE:
                break
            offset += len(pairs)
        return positions[:READ_AT_ONCE]

    async def apply(
        self,
        job: Job,
        transition: Transition,
        *,
        fields: Mapping[str, bytes] | None = None,
        events: Sequence[EventDraft] | Callable[[Job], Sequence[EventDraft]] = (),
        split: Split | None = None,
        counts: Mapping[str, int] = MappingProxyType({}),
    ) -> Job:
        """Take one step from `core.jobs` and commit it. If another process was faster, repeat it from the current job.

        `events` may be a function of the resulting job. A step that cancels also removes the queue entry, or the
        worker's lease. `split` are the parts that a step begins, and `counts` are for the metrics, besides those of the
        step itself.

        Raises:
            IllegalTransition, StaleAttempt: the job's current state does not allow the step.
            JobNotFound: the job was purged meanwhile.
        """
        while True:
            after = transition(job)
            drafts = events(after) if callable(events) else events
            plan = self._commits.plan(after, fields or {}, drafts, now_ms(), before=job, split=split, counts=counts)
            if await self._commits.apply(plan, job):
                return after
            try:
                job = await self.get(job.id)
            except RedisError as exc:  # The first try of the commit may have been carried out.
                raise OutcomeUnknown(f"Redis may have carried it out: {exc}") from exc
            if job == after:  # Our own commit was sent again: the connection broke before its reply arrived.
                return after

    async def publish(self, job: Job, events: Sequence[EventDraft], at: int) -> bool:
        """Publish events that do not change the job, if the attempt that `job` has begun is still running.

        Returns True if it is; otherwise nothing was written.
        """
        args: list[str | int | bytes] = [*job.attempt]
        for event in events:
            args += [event.name, attempt_event(job, event, at)]
        return bool(await self._publish_script(keys=[self._keys.job(job.id), self._keys.events(job.id)], args=args))

    async def delete(self, job: Job) -> None:
        """Delete a job that has ended. A webhook that is still due is delivered all the same."""
        keys = self._keys
        names = [keys.job(job.id), keys.events(job.id), keys.tombstone(job.id)]
        names += [keys.usage_of_job(job.id), keys.call_budget(job.id)]
        if not await cast(Awaitable[bool], self._redis.hexists(keys.open, job.id)):
            names += [keys.deliveries(job.id), keys.message(job.id)]
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.delete(*names)
            pipe.zrem(keys.index(job.owner), job.id)
            await pipe.execute()


def _decode_existing(job_id: str, names: Sequence[str], reply: Sequence[bytes | None]) -> tuple[Job, Fields]:
    job, fields = _decode(names, reply)
    if job is None:
        raise JobNotFound(job_id)
    return job, fields


def _decode(names: Sequence[str], reply: Sequence[bytes | None]) -> tuple[Job | None, Fields]:
    """Decode a record and its named fields."""
    record, *values = reply
    fields = {name: orjson.loads(value) for name, value in zip(names, values, strict=True) if value is not None}
    return jobs.from_record(orjson.loads(record)) if record else None, fields
