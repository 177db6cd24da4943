"""Parts of jobs: read, and moved from state to state, one commit at a time."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar, cast

import orjson
from redis.asyncio import Redis

from nlp2filters.clock import now_ms
from nlp2filters.core import jobs, parts
from nlp2filters.core.jobs import Job
from nlp2filters.core.parts import Part, PartState
from nlp2filters.core.stage_runs import StageRun
from nlp2filters.errors import IllegalTransition
from nlp2filters.storage import arq_format, rate_limits, scripts
from nlp2filters.storage.commits import Commits, EventDraft, attempt_event
from nlp2filters.storage.jobs import Jobs
from nlp2filters.storage.parts_table import parts_table
from nlp2filters.storage.redis_keys import Keys

# Parts are written and read in batches, so that no command keeps Redis busy for long.
BATCH = 200

T = TypeVar("T")
PartStep = Callable[[PartState], PartState]


@dataclass(frozen=True, slots=True)
class LoadedPart:
    """A part with its job, and the fields of the job's record that were asked for. `record` is its state as stored."""

    job: Job
    part: Part
    state: PartState
    record: bytes
    fields: Mapping[str, Any] = field(default_factory=dict)

    @property
    def entry_id(self) -> str:
        """ARQ's id of the part's queue entry."""
        subject = arq_format.part_subject(self.job.id, self.part.digest)
        return arq_format.entry_id(self.job.stage, subject, self.state.entry_number)


class Parts:
    """The parts of all jobs whose present stage has been split."""

    def __init__(self, redis: Redis, keys: Keys, commits: Commits, job_store: Jobs) -> None:
        self._redis = redis
        self._keys = keys
        self._commits = commits
        self._jobs = job_store
        self._script = redis.register_script(scripts.COMMIT_PART)
        self._write_script = redis.register_script(scripts.WRITE_WHILE_KEPT)

    async def save_payloads(self, job: Job, members: Sequence[Part], max_bytes: int) -> None:
        """Store what the parts' functions get, before the job is split, unless it was deleted meanwhile.

        They are bytes of the job's owner.

        Raises:
            TooManyBytes: the owner has reached its limit of `max_bytes`; nothing was written.
        """
        name = self._keys.parts(job.id, "payloads")
        added = sum(len(orjson.dumps(part.payload)) for part in members)
        await rate_limits.charge(self._redis, self._keys, job.owner, added, max_bytes, self._commits.retention_ms)
        for batch in batches(members):
            fields = [field for part in batch for field in (part.digest, orjson.dumps(part.payload))]
            args = [self._commits.ttl_ms(job, now_ms()), "HSET", *fields]
            await self._write_script(keys=[name, self._keys.job(job.id)], args=args)

    async def order(self, job_id: str) -> list[str] | None:
        """Return the digests of the job's parts in their order; None if they are no longer kept."""
        reply = await cast(Awaitable[bytes | None], self._redis.hget(self._keys.parts(job_id, "states"), "order"))
        digests: list[str] | None = orjson.loads(reply) if reply else None
        return digests

    async def failed(self, job_id: str, digests: Sequence[str]) -> set[str]:
        """Return the digests of the parts that failed for good."""
        failed: set[str] = set()
        for batch in batches(digests):
            reply = cast(
                Awaitable[list[bytes | None]], self._redis.hmget(self._keys.parts(job_id, "states"), list(batch))
            )
            states = zip(batch, await reply, strict=True)
            failed |= {digest for digest, state in states if state and orjson.loads(state).get("error")}
        return failed

    async def load_batch(self, job: Job, digests: Sequence[str]) -> list[LoadedPart]:
        """Load several parts of a job with their payloads."""
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.hmget(self._keys.parts(job.id, "states"), list(digests))
            pipe.hmget(self._keys.parts(job.id, "payloads"), list(digests))
            records, payloads = await pipe.execute()
        return [
            LoadedPart(job, Part(digest, orjson.loads(payload or b"null")), _state(job, record), record or b"")
            for digest, record, payload in zip(digests, records, payloads, strict=True)
        ]

    async def load(self, job_id: str, digest: str, stage: str | None = None, *names: str) -> LoadedPart:
        """Load a part of the stage, by default the present one, and those of the named fields of the record that exist.

        Raises:
            JobNotFound: the job is no longer kept.
            IllegalTransition: the job is not split at this stage, or the part has ended.
        """
        job, fields = await self._jobs.load(job_id, *names)
        (loaded,) = await self.load_batch(job, [digest])
        _require_unfinished(job, stage or job.stage, loaded.state)
        return replace(loaded, fields=fields)

    async def apply(
        self,
        loaded: LoadedPart,
        step: PartStep,
        *,
        events: Sequence[EventDraft] = (),
        end_job: Callable[[Job], Job] | None = None,
    ) -> LoadedPart:
        """Take one step from `core.parts` and commit it; again from the current state if another process was faster.

        The step that ends the last part also queues the job's stage again. With `end_job`, the step ends the job.

        Raises:
            IllegalTransition, StaleAttempt: the present state of the part or the job does not allow the step.
            JobNotFound: the job is no longer kept.
        """
        stage = loaded.job.stage
        while True:
            _require_unfinished(loaded.job, stage, loaded.state)
            after = step(loaded.state)
            record = orjson.dumps(parts.to_record(after))
            if await self._commit(loaded, after, record, events, end_job):
                return replace(loaded, state=after, record=record)
            current = await self.load(loaded.job.id, loaded.part.digest, stage)
            loaded = replace(loaded, job=current.job, state=current.state, record=current.record)

    async def _commit(
        self,
        loaded: LoadedPart,
        after: PartState,
        record: bytes,
        events: Sequence[EventDraft],
        end_job: Callable[[Job], Job] | None,
    ) -> bool:
        """Commit a part's new state. False if the part or its job has changed since it was loaded."""
        job, before, now = loaded.job, loaded.state, now_ms()
        ttl_ms = self._commits.ttl_ms(job, now)
        commit: dict[str, Any] = {
            "parts": parts_table(self._keys, job, now, ttl_ms),
            "digest": loaded.part.digest,
            "done": after.done,
            "events": [(event.name, attempt_event(job, event, now), event.key or "") for event in events],
            "progress": orjson.loads(attempt_event(job, EventDraft("progress", {"step": "parts"}), now)),
            "ttl_ms": ttl_ms,
        }
        if after.done:
            ran_ms = max(0, now - (after.run.started_at or now))
            stats = self._keys.part_stats(job.stage)
            commit["ended"] = {"stats": stats, "outcome": after.run.status, "ms": ran_ms}
        if after.done or after.entry_number != before.entry_number:
            commit["remove_entry"] = {"queue": self._keys.queue(job.stage), "id": loaded.entry_id}
        if after.entry_number != before.entry_number:
            commit["requeue"] = {"number": after.entry_number, "delay_ms": max(0, (after.run.queued_at or now) - now)}
        if end_job:
            ended = [EventDraft("done", {"result": None})]
            commit["end_job"] = self._commits.plan(end_job(job), {}, ended, now, before=job)
        elif after.done:
            gathered = jobs.gather(job, now)
            commit["gather"] = self._commits.plan(gathered, {}, [EventDraft("status", {})], now, before=job)
        reply = await self._script(
            keys=[self._keys.job(job.id), self._keys.events(job.id)],
            args=[job.seq, loaded.record, record, orjson.dumps(commit)],
        )
        return bool(reply == b"committed")


def batches(members: Sequence[T], size: int = BATCH) -> Iterator[Sequence[T]]:
    """Cut a sequence into batches."""
    return (members[start : start + size] for start in range(0, len(members), size))


def _state(job: Job, record: bytes | None) -> PartState:
    """Decode a part's state. One that was never begun is not stored."""
    return parts.from_record(orjson.loads(record)) if record else PartState(StageRun("queued"), entry_number=job.seq)


def _require_unfinished(job: Job, stage: str, state: PartState) -> None:
    if job.done or job.stage != stage or job.stages[stage].status != "split" or state.done:
        raise IllegalTransition(job.id, job.status, "go on with a part")
