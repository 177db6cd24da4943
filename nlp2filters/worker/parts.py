"""Stages that split their job into parts, which many workers run at once, and join the results.

    split      an attempt of the stage returns the parts; those whose results are kept from before need not run
    run_part   each part has a queue entry, a lease and attempts of its own; its result is kept by its digest
    join       the commit of the last part queues the stage again, and its attempt joins the results, in order

So a killed worker costs the parts it was at, and a retry of the job runs only those that are missing. If a result is
gone before the join, its part runs again.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Generic, TypeVar

from arq.worker import Retry

from nlp2filters import fault_injection, logs, tracing
from nlp2filters.clock import now_ms
from nlp2filters.core import jobs, parts
from nlp2filters.core.jobs import Job
from nlp2filters.core.parts import MAX_PARTS, Part, PartId, Split
from nlp2filters.core.problems import problem
from nlp2filters.core.stage_runs import Suspect
from nlp2filters.errors import (
    BlobStoreUnavailable,
    IllegalTransition,
    JobNotFound,
    PartGone,
    PutOff,
    StaleAttempt,
    TooManyParts,
    UnsupportedRecordVersion,
)
from nlp2filters.storage import arq_format
from nlp2filters.storage.commits import EventDraft
from nlp2filters.storage.parts import LoadedPart, PartStep, batches
from nlp2filters.storage.submissions import TRACE
from nlp2filters.worker.attempt import (
    BACKOFF,
    NEWER_VERSION_WAIT_S,
    Attempt,
    SplitResult,
    StageResult,
    WorkerContext,
    is_transient,
    judge,
    problem_of,
    process_span,
)

# While the store of uploaded files is out of reach, parts wait that long.
OUTAGE_WAIT_S = 5.0
# Results are joined in batches, as all together may not fit into memory.
OUTCOMES_AT_ONCE = 20

S = TypeVar("S")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PartAttempt(Generic[S]):
    """A running attempt at a part. `request` and `fields` are those of its job; `number` counts the attempts."""

    job: Job
    part: Part
    request: Mapping[str, Any]
    fields: Mapping[str, Any]
    worker: WorkerContext[S]
    number: int


@dataclass(frozen=True, slots=True)
class PartOutcome:
    """The end of a part: its result, or, if it failed, None and the `error`."""

    part: Part
    content: bytes | None
    error: Mapping[str, Any] | None = None


Outcomes = AsyncIterator[PartOutcome]


def no_events(part: Part, content: bytes) -> Sequence[EventDraft]:
    """Tell the job's followers of no part."""
    return ()


@dataclass(frozen=True, slots=True)
class PartWork(Generic[S]):
    """The functions of a stage that splits its job into parts.

    `run_part` returns the result of a part. The `events` that tell the job's followers of it are published once,
    together with its commit, by whichever attempt commits it; if the result was kept from before the job was split,
    together with the job's commit.

    `join` gets the outcomes in the order in which `split` returned the parts. With `partial`, it also gets those of
    parts that failed; otherwise the first failure ends the job.
    """

    split: Callable[[Attempt[S]], Awaitable[Sequence[Part]]]
    run_part: Callable[[PartAttempt[S]], Awaitable[bytes]]
    join: Callable[[Attempt[S], Outcomes], Awaitable[StageResult]]
    events: Callable[[Part, bytes], Sequence[EventDraft]] = no_events
    partial: bool = False

    async def run(self, attempt: Attempt[S]) -> StageResult | SplitResult:
        """Split the job, or join its parts if none of them has to run (any more)."""
        store, job = attempt.worker.store, attempt.job
        order = await store.parts.order(job.id) if job.has_parts else None
        members = [] if order is not None else await self._split(attempt)
        digests = order if order is not None else [part.digest for part in members]
        failed = await store.parts.failed(job.id, digests) if self.partial and not members else set()
        missing = await _missing(attempt.worker, job, [digest for digest in digests if digest not in failed])
        at_hand = {part.digest: part for part in members if part.digest not in missing}
        events = await self._events_of(attempt, at_hand)
        if missing:
            if members:
                await store.parts.save_payloads(job, members, attempt.worker.max_owner_bytes)
            return SplitResult(Split(digests, missing), events)
        result = await self.join(attempt, _outcomes(attempt, digests, at_hand))
        return replace(result, events=[*events, *result.events])

    async def _events_of(self, attempt: Attempt[S], at_hand: Mapping[str, Part]) -> list[EventDraft]:
        """Return the events about the parts whose results are kept from before the job was split."""
        if self.events is no_events or not at_hand:
            return []
        outcomes = _outcomes(attempt, list(at_hand), at_hand)
        events = [event async for outcome in outcomes for event in self.events(outcome.part, outcome.content or b"")]
        first = {event.key: event for event in reversed(events)}
        return [replace(event, brief=True) for event in events if not event.key or first[event.key] is event]

    async def _split(self, attempt: Attempt[S]) -> Sequence[Part]:
        members = await self.split(attempt)
        if len(members) > MAX_PARTS:
            raise TooManyParts(len(members), MAX_PARTS)
        return members


async def run(
    worker: WorkerContext[S], stage: str, kinds: Mapping[str, PartWork[S]], fields: Sequence[str], entry_id: str
) -> None:
    """Make an attempt at the part of an entry. `kinds` and `fields` are those of the stage, as for `attempt.run`.

    Raises:
        Retry: tells ARQ that it is too early, or that only a worker of another version can do it.
    """
    with logs.about(job_id=_part_of(entry_id)[0], stage=stage, part=_part_of(entry_id)[1][:12]):
        if not (candidate := await _admit(worker, stage, kinds, fields, entry_id)):
            return
        loaded, survivors = candidate
        # Whatever ran beside a part that kills its worker has died with it. Alone, it will not again.
        async with worker.quarantine if set(loaded.state.run.suspects) - set(survivors) else nullcontext():
            if not (current := await _begin(worker, loaded, survivors)):
                return
            with process_span(current.job, current.state.run, current.fields, current.part.digest[:12]):
                await _run(worker, kinds[loaded.job.kind], current)


async def abandon(worker: WorkerContext[S], stage: str, kinds: Mapping[str, PartWork[S]], entry_id: str) -> None:
    """Fail the part of an entry that ARQ gave up: it has expired, or cannot be read."""
    try:
        loaded = await worker.store.parts.load(*_part_of(entry_id), stage)
        error = problem("worker-lost", "The queue entry of a part could not be run.")
        await _abandon(worker, kinds.get(loaded.job.kind), loaded, error)
    except (JobNotFound, IllegalTransition) as exc:
        _log.info("the part of an abandoned queue entry has already ended: %s", exc)


async def _admit(
    worker: WorkerContext[S], stage: str, kinds: Mapping[str, PartWork[S]], fields: Sequence[str], entry_id: str
) -> tuple[LoadedPart, Collection[Suspect]] | None:
    """Load the part and count its attempts so far. Returns it with the workers that survived."""
    store = worker.store
    try:
        loaded = await store.parts.load(*_part_of(entry_id), stage, "request", TRACE, *fields)
        if loaded.job.kind not in kinds:
            _log.warning("left to a worker that knows jobs of the kind %r", loaded.job.kind)
            raise Retry(defer=NEWER_VERSION_WAIT_S)
        if loaded.state.run.status == "running":  # Its lease has expired: otherwise we could not have claimed it.
            attempt, now = _id(loaded), await worker.heartbeat.now()
            loaded = await store.parts.apply(loaded, lambda state: parts.lapse(state, attempt, now))
        survivors, error = await judge(worker, loaded.state.run)
        if error:
            await _abandon(worker, kinds[loaded.job.kind], loaded, error)
            return None
        return loaded, survivors
    except (JobNotFound, IllegalTransition, StaleAttempt) as exc:
        _log.info("nothing to do: %s", exc)
        return None
    except UnsupportedRecordVersion as exc:
        _log.warning("left to a worker of the newer version: %s", exc)
        raise Retry(defer=NEWER_VERSION_WAIT_S) from exc


async def _begin(worker: WorkerContext[S], loaded: LoadedPart, survivors: Collection[Suspect]) -> LoadedPart | None:
    """Begin an attempt at the part. Returns None if there is nothing (more) to do."""
    begin = partial(parts.begin, worker=worker.name, now=now_ms(), survivors=survivors)
    try:
        return await worker.store.parts.apply(loaded, begin)
    except (JobNotFound, IllegalTransition, StaleAttempt) as exc:
        _log.info("nothing to do: %s", exc)
        return None


async def _run(worker: WorkerContext[S], work: PartWork[S], loaded: LoadedPart) -> None:
    """Run an attempt that has begun. A result that is kept from before is not computed again."""
    reach = partial(fault_injection.reach, worker.faults)
    reach("stage-begun")
    job, attempt = loaded.job, _id(loaded)
    key = _key(job, loaded.part.digest)
    try:
        async with asyncio.timeout(worker.time_limit_s):
            (content,) = await worker.derived.load(job.owner, [key])
            if content is None:
                request = loaded.fields["request"]
                running = PartAttempt(job, loaded.part, request, loaded.fields, worker, attempt.attempt)
                content = await work.run_part(running)
                await worker.derived.save(job.owner, key, content, job_id=job.id)
        reach("stage-done")
        events = work.events(loaded.part, content)
        await _commit(
            worker, loaded, lambda state: parts.succeed(state, attempt, now_ms()), events, outcome="succeeded"
        )
    except asyncio.CancelledError:
        _log.info("this worker stops or has lost its lease: the part returns to its queue")
        release = _commit(worker, loaded, lambda state: parts.release(state, attempt, now_ms()), outcome="released")
        await asyncio.shield(release)
        raise
    except (PutOff, BlobStoreUnavailable) as exc:
        due = now_ms() + int(1000 * (exc.wait_s if isinstance(exc, PutOff) else OUTAGE_WAIT_S))
        await _commit(worker, loaded, lambda state: parts.put_off(state, attempt, due), outcome="put_off")
    except Exception as exc:
        await _retry_or_fail(worker, work, loaded, exc)


async def _retry_or_fail(worker: WorkerContext[S], work: PartWork[S], loaded: LoadedPart, exc: Exception) -> None:
    """Schedule a retry after a short wait; after the last attempt, fail the part."""
    run, attempt = loaded.state.run, _id(loaded)
    _log.exception("a part failed", extra={"attempt": run.attempt})
    tracing.current().fail(type(exc).__name__)
    if run.counted_attempts < worker.max_attempts and is_transient(exc):
        due = now_ms() + int(1000 * BACKOFF.wait_s(run.counted_attempts))
        await _commit(worker, loaded, lambda state: parts.retry(state, attempt, due), outcome="retried")
        return
    error = problem_of(exc, loaded.job.stage)
    await _commit(
        worker,
        loaded,
        lambda state: parts.fail(state, attempt, error, now_ms()),
        end_job=_end(work, error),
        outcome="failed",
    )


async def _abandon(
    worker: WorkerContext[S], work: PartWork[S] | None, loaded: LoadedPart, error: Mapping[str, Any]
) -> None:
    await _commit(worker, loaded, lambda state: parts.abandon(state, error, now_ms()), end_job=_end(work, error))


def _end(work: PartWork[S] | None, error: Mapping[str, Any]) -> Callable[[Job], Job] | None:
    """Return the step that ends the job of a part that failed for good, unless the others go on without it."""
    return None if work and work.partial else lambda job: jobs.abandon(job, error, now_ms())


async def _commit(
    worker: WorkerContext[S],
    loaded: LoadedPart,
    step: PartStep,
    events: Sequence[EventDraft] = (),
    end_job: Callable[[Job], Job] | None = None,
    outcome: str | None = None,
) -> None:
    """Commit a step of a part, unless the part or its job has moved on without us; `outcome` is as for a job's."""
    try:
        await worker.store.parts.apply(loaded, step, events=events, end_job=end_job)
    except (JobNotFound, IllegalTransition, StaleAttempt) as exc:
        outcome = "obsolete"
        _log.warning("the result of this attempt is no longer needed: %s", exc)
    if outcome:
        tracing.current().set({tracing.OUTCOME: outcome})


async def _missing(worker: WorkerContext[S], job: Job, digests: Sequence[str]) -> list[str]:
    """Return the digests of the parts that have no result, each once."""
    keys = {digest: _key(job, digest) for digest in digests}
    missing = await worker.derived.missing(job.owner, list(keys.values()))
    return [digest for digest, key in keys.items() if key in missing]


async def _outcomes(attempt: Attempt[S], digests: Sequence[str], at_hand: Mapping[str, Part]) -> Outcomes:
    """Yield the outcomes of a job's parts in their order. Parts that are not `at_hand` are loaded."""
    store, job, derived = attempt.worker.store, attempt.job, attempt.worker.derived
    for batch in batches(digests, OUTCOMES_AT_ONCE):
        contents = await derived.load(job.owner, [_key(job, digest) for digest in batch])
        if at_hand:
            ended = [PartOutcome(at_hand[digest], None) for digest in batch]
        else:
            loaded = await store.parts.load_batch(job, batch)
            ended = [PartOutcome(member.part, None, member.state.error) for member in loaded]
        for outcome, content in zip(ended, contents, strict=True):
            if content is None and outcome.error is None:
                raise PartGone(f"result of the part {outcome.part.digest}")
            yield outcome if outcome.error else PartOutcome(outcome.part, content)


def _key(job: Job, digest: str) -> str:
    """Return the key of the result of a part: each function has results of its own."""
    return parts.digest_of(job.kind, job.stage, digest)


def _id(loaded: LoadedPart) -> PartId:
    return PartId(loaded.job.id, loaded.job.stage, loaded.part.digest, loaded.state.run.attempt)


def _part_of(entry_id: str) -> tuple[str, str]:
    part = arq_format.part_of(arq_format.job_of(entry_id))
    assert part
    return part
