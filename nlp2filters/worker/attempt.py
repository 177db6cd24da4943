"""One attempt of one stage of a job: begin it, run it, and commit what came of it.

A stage may run twice, but only one attempt's result is committed. However an attempt ends, the job's record is correct
afterwards: the stage has succeeded, has failed for good, or waits in its queue for the next attempt.
"""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Collection, Container, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Any, Generic, TypeVar

import orjson
from arq.worker import Retry

from nlp2filters import fault_injection, logs, tracing
from nlp2filters.clock import now_ms
from nlp2filters.core import jobs
from nlp2filters.core.counts import name_of
from nlp2filters.core.jobs import Job
from nlp2filters.core.kinds import AUDIO
from nlp2filters.core.parts import Split
from nlp2filters.core.problems import problem
from nlp2filters.core.stage_runs import StageRun, Suspect
from nlp2filters.errors import (
    BlobStoreUnavailable,
    BudgetSpent,
    CancelRequested,
    IllegalTransition,
    JobNotFound,
    ProviderError,
    PutOff,
    RecordingRefused,
    StaleAttempt,
    TextTooComplex,
    TooManyBytes,
    TooManyParts,
    UnsupportedRecordVersion,
    UploadRefused,
)
from nlp2filters.fault_injection import Faults
from nlp2filters.retry import Backoff
from nlp2filters.storage import arq_format
from nlp2filters.storage.commits import EventDraft
from nlp2filters.storage.derived import Derived
from nlp2filters.storage.heartbeat import Heartbeat
from nlp2filters.storage.leases import Lease
from nlp2filters.storage.store import Store
from nlp2filters.storage.submissions import TRACE
from nlp2filters.worker.progress import ProgressReporter

# The time limit of a stage that has no other.
STAGE_TIMEOUT_S = 120.0
# A job may be put off for so long in all, unless a setting says otherwise.
MAX_PUT_OFF_S = 60.0
PUT_OFF_MS = "put_off_ms"
CHECKPOINT_TIMEOUT_S = 5.0
BACKOFF = Backoff(first_s=1.0, max_s=math.inf)
# While the store of uploaded files is out of reach, a job waits as long again as it has waited, within these limits.
MIN_OUTAGE_WAIT_S, MAX_OUTAGE_WAIT_S = 1.0, 300.0
NEWER_VERSION_WAIT_S = 5.0
# While it is unknown whether a silent worker is dead, its job is checked again after this pause.
JUDGEMENT_WAIT_S = 1.0
# Interruptions that are not the job's fault do not count as attempts. This limits them, so that no job runs forever.
MAX_INTERRUPTIONS = 20
NO_RESULT = EventDraft("done", {"result": None})

S = TypeVar("S")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WorkerContext(Generic[S]):
    """A running worker process. Its attempts share the `services` that it opened at its start.

    An attempt may take `time_limit_s`; a stage may be put off for `max_put_off_s` in all. `derived` keeps the results
    of parts. Those whose earlier workers seem to have died run one at a time, in `quarantine`. `max_owner_bytes` limits
    what an owner may add to Redis; 0 means no limit.
    """

    name: str
    store: Store
    heartbeat: Heartbeat
    services: S
    derived: Derived
    max_attempts: int = 3
    max_owner_bytes: int = 0
    faults: Faults = field(default_factory=dict)
    time_limit_s: float = STAGE_TIMEOUT_S
    max_put_off_s: float = MAX_PUT_OFF_S
    quarantine: AbstractAsyncContextManager[Any] = field(default_factory=asyncio.Lock)


@dataclass(slots=True, eq=False)
class Attempt(Generic[S]):
    """A running attempt of one stage of a job, which is as the attempt's last commit left it.

    `fields` are those of the job's record that the stage asked for; `lease` is that of its queue entry.
    """

    job: Job
    request: Mapping[str, Any]
    fields: Mapping[str, Any]
    worker: WorkerContext[S]
    progress: ProgressReporter
    lease: Lease | None = None

    @property
    def is_last_of_several(self) -> bool:
        """True if all others have failed, and a failure of this one fails the job."""
        return 1 < self.job.counted_attempts >= self.worker.max_attempts

    @property
    def put_off_ms(self) -> int:
        """The time for which the stage has been put off so far, without waits for its turn."""
        times: Mapping[str, int] = self.fields.get(PUT_OFF_MS, {})
        return times.get(self.job.stage, 0)

    def put_off(self, reason: str, wait_s: float, *, turn: bool = False) -> None:
        """Put the stage off, unless it would then have been put off for too long in all; see `PutOff` for `turn`.

        Raises:
            PutOff: it is put off.
        """
        rest_ms = 1000 * self.worker.max_put_off_s - self.put_off_ms
        if rest_ms > 0 if turn else rest_ms >= 1000 * wait_s:
            raise PutOff(reason, wait_s, turn=turn)


@dataclass(frozen=True, slots=True)
class StageResult:
    """The fields that a stage adds to the record, and the event that announces them besides the change of status.

    The last stage adds the field `result`. `events` are further ones, which come before it.
    """

    fields: Mapping[str, Any]
    event: str | None = None
    events: Sequence[EventDraft] = ()


@dataclass(frozen=True, slots=True)
class SplitResult:
    """The parts into which a stage splits its job, and events about those whose results are kept from before."""

    split: Split
    events: Sequence[EventDraft] = ()


# A stage that has split its job into parts is run again after their end.
Work = Callable[[Attempt[S]], Awaitable[StageResult | SplitResult]]


def reads(fields: Sequence[str]) -> tuple[str, ...]:
    """Return the names of what an attempt reads of the record, for functions that need these fields."""
    return ("request", PUT_OFF_MS, TRACE, *fields)


async def run(
    worker: WorkerContext[S],
    stage: str,
    functions: Mapping[str, Work[S]],
    fields: Sequence[str],
    job_id: str,
    lease: Lease | None = None,
) -> None:
    """Make an attempt of the job's stage.

    `functions` has the stage's function for each kind of job, `fields` names the fields of the record that they need
    besides the request. The `lease` may have been claimed with what the attempt `reads`.

    Raises:
        Retry: tells ARQ that it is too early, or that only a worker of another version can do it.
    """
    with logs.about(job_id=job_id, stage=stage):
        if attempt := await _begin(worker, stage, functions, fields, job_id, lease):
            job = attempt.job
            with process_span(job, job.stages[stage], attempt.fields):
                _log.info("begun", extra={"attempt": job.attempt.number})
                await _run(attempt, functions[job.kind])


def process_span(
    job: Job, run: StageRun, fields: Mapping[str, Any], part: str | None = None
) -> AbstractContextManager[tracing.Span]:
    """Open the span of an attempt that has begun, in the trace of the request that created the job.

    `fields` are those of the job's record. https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/
    """
    waited_ms = max(0, (run.started_at or 0) - run.queued_at) if run.queued_at else 0
    attributes: dict[str, str | int] = {
        **tracing.processing(job.stage, job.id, run.attempt),
        "nlp2filters.job.kind": job.kind,
        "nlp2filters.waited_ms": waited_ms,
    }
    if part:
        attributes["nlp2filters.part"] = part
    return tracing.span(f"process {job.stage}", "CONSUMER", attributes, parent=fields.get(TRACE, {}))


async def checkpoint(attempt: Attempt[S], name: str, value: Any) -> None:
    """Store a value in the field `name` of the record, from where the next attempt reads it if this one dies.

    The progress so far is published with it. The attempt goes on without it if Redis does not accept it soon.
    """
    attempt_id, fields = attempt.job.attempt, {name: orjson.dumps(value)}
    try:
        async with asyncio.timeout(CHECKPOINT_TIMEOUT_S):
            events = attempt.progress.take()
            await _commit(attempt, lambda job: jobs.checkpoint(job, attempt_id, name), events, fields)
    except TimeoutError:
        _log.warning("Redis does not accept the checkpoint %r now: going on without it", name)


async def abandon(ctx: dict[str, Any], entry_id: str) -> None:
    """Fail a job whose queue entry ARQ gave up: it has expired, or cannot be read. The worker calls it."""
    store, job_id = ctx["worker"].store, arq_format.job_of(entry_id)
    error = problem("worker-lost", "The job's queue entry could not be run.")
    with logs.about(job_id=job_id):
        try:
            job = await store.jobs.get(job_id)
            await store.jobs.apply(job, lambda job: jobs.abandon(job, error, now_ms()), events=[NO_RESULT])
        except (JobNotFound, IllegalTransition) as exc:
            _log.info("the job of an abandoned queue entry has already ended: %s", exc)


def timings_ms(job: Job) -> dict[str, int]:
    """Return the job's milliseconds so far, and those of each stage that has ended: queued, and running."""
    timings = {"total": now_ms() - job.created_at}
    for name, run in job.stages.items():
        if run.queued_at is not None and run.started_at is not None:
            timings[f"{name}_queued"] = run.started_at - run.queued_at
            timings[f"{name}_run"] = (run.finished_at or now_ms()) - run.started_at
    return timings


async def _begin(
    worker: WorkerContext[S],
    stage: str,
    kinds: Container[str],
    fields: Sequence[str],
    job_id: str,
    lease: Lease | None,
) -> Attempt[S] | None:
    """Begin an attempt of the job. Returns None if there is nothing (more) to do for this stage."""
    store = worker.store
    try:
        job, values = await store.jobs.load(job_id, *reads(fields), read=lease.record if lease else ())
        if job.kind not in kinds:
            _log.warning("left to a worker that knows jobs of the kind %r", job.kind)
            raise Retry(defer=NEWER_VERSION_WAIT_S)
        if job.status == "canceling":  # Its worker is dead: a live one would have finished the cancellation itself.
            await _finish_cancel(store, job_id)
            return None
        if jobs.overdue(job, now_ms()):
            error = problem("deadline-passed", "The job's deadline passed before a worker could begin it.")
            await store.jobs.apply(job, lambda job: jobs.expire(job, error, now_ms()), events=[NO_RESULT])
            return None
        job, survivors = await _count_attempts(worker, stage, job)
        if job.done:
            return None
        job = await store.jobs.apply(
            job,
            lambda job: jobs.begin(job, stage, worker.name, now_ms(), survivors=survivors),
            events=[EventDraft("status", {})],
        )
    except (JobNotFound, IllegalTransition, StaleAttempt) as exc:
        _log.info("nothing to do: %s", exc)
        return None
    except UnsupportedRecordVersion as exc:
        _log.warning("left to a worker of the newer version: %s", exc)
        raise Retry(defer=NEWER_VERSION_WAIT_S) from exc
    return Attempt(job, values["request"], values, worker, ProgressReporter(store, job), lease)


async def _count_attempts(worker: WorkerContext[S], stage: str, job: Job) -> tuple[Job, Collection[Suspect]]:
    """Count the attempts so far, and end the job if there were too many. Returns it with the workers that survived.

    Raises:
        IllegalTransition: the job is not at this stage.
        Retry: tells ARQ to try later, until it is known whether the job's earlier workers are dead.
    """
    if job.done or job.stage != stage:
        raise IllegalTransition(job.id, job.status, f"begin stage {stage}")
    store = worker.store
    if job.stages[stage].status == "running":  # Its lease has expired: otherwise we could not have claimed it.
        attempt_id, now = job.attempt, await worker.heartbeat.now()
        job = await store.jobs.apply(job, lambda job: jobs.lapse(job, attempt_id, now))
    survivors, error = await judge(worker, job.stages[stage])
    if not error:
        return job, survivors
    return await store.jobs.apply(job, lambda job: jobs.abandon(job, error, now_ms()), events=[NO_RESULT]), survivors


async def judge(worker: WorkerContext[S], run: StageRun) -> tuple[Collection[Suspect], dict[str, Any] | None]:
    """Look for the workers of a stage's or part's earlier attempts.

    Returns those that survived, and a problem object if there were too many attempts for another one.

    Raises:
        Retry: tells ARQ to try later, until it is known whether the others are dead.
    """
    survivors, all_others_are_dead = await worker.heartbeat.judge(run.suspects)
    if run.uncounted_attempts + len(survivors) >= MAX_INTERRUPTIONS:
        detail = f"This stage was interrupted {MAX_INTERRUPTIONS} times, by no fault of the job."
    elif run.counted_attempts - len(survivors) < worker.max_attempts:
        return survivors, None
    elif all_others_are_dead:
        detail = f"{worker.max_attempts} workers died or gave up while they ran this stage."
    else:
        raise Retry(defer=JUDGEMENT_WAIT_S)
    _log.error("dead-lettered: %s", detail)
    return survivors, problem("worker-lost", detail)


async def _run(attempt: Attempt[S], function: Work[S]) -> None:
    """Run an attempt that has begun. The final commit has no time limit: it waits until Redis accepts it."""
    reach = partial(fault_injection.reach, attempt.worker.faults)
    reach("stage-begun")
    try:
        async with asyncio.timeout(attempt.worker.time_limit_s), attempt.progress:
            result = await function(attempt)
        reach("stage-done")
        await (_split(attempt, result) if isinstance(result, SplitResult) else _succeed(attempt, result))
    except asyncio.CancelledError:
        _log.info("this worker stops or has lost its lease: the job returns to its queue")
        await asyncio.shield(_release(attempt))
        raise
    except PutOff as exc:
        await _put_off(attempt, exc)
    except BlobStoreUnavailable:
        await _put_off(attempt, PutOff("The store of uploaded files is out of reach", _outage_wait_s(attempt)))
    except Exception as exc:
        await _retry_or_fail(attempt, exc)


async def _succeed(attempt: Attempt[S], result: StageResult) -> None:
    """Commit the stage's result, and queue the next stage if there is one."""
    job, attempt_id = attempt.job, attempt.job.attempt
    fields = {name: orjson.dumps(value) for name, value in result.fields.items()}
    if job.next_stage is None:
        value = result.fields["result"]
        events = [*result.events, EventDraft("done", {"result": value})]
        degraded = isinstance(value, Mapping) and value.get("degraded")
        counts = {name_of("jobs_degraded", job.kind): 1} if degraded else {}
        await _commit(
            attempt,
            lambda job: jobs.succeed(job, attempt_id, now_ms()),
            events,
            fields,
            outcome="succeeded",
            counts=counts,
        )
        return
    events = [*result.events, *([EventDraft(result.event, result.fields)] if result.event else [])]
    events.append(EventDraft("status", {}))
    await _commit(attempt, lambda job: jobs.advance(job, attempt_id, now_ms()), events, fields, outcome="succeeded")


async def _split(attempt: Attempt[S], result: SplitResult) -> None:
    """Commit the parts into which the stage has split the job, and queue them."""
    attempt_id = attempt.job.attempt
    events = [EventDraft("status", {}), *result.events]
    await _commit(attempt, lambda job: jobs.split(job, attempt_id), events, outcome="split", split=result.split)


async def _release(attempt: Attempt[S]) -> None:
    attempt_id = attempt.job.attempt
    await _commit(attempt, lambda job: jobs.release(job, attempt_id, now_ms()), [], outcome="released")


async def _put_off(attempt: Attempt[S], exc: PutOff) -> None:
    job, attempt_id, wait_ms = attempt.job, attempt.job.attempt, int(1000 * exc.wait_s)
    _log.info("put off for %.1f s: %s", exc.wait_s, exc)
    await attempt.progress.report_last("waiting", f"{exc}: going on in {math.ceil(exc.wait_s)} s")
    spent_ms = attempt.put_off_ms + (0 if exc.turn else wait_ms)
    fields = {PUT_OFF_MS: orjson.dumps({**attempt.fields.get(PUT_OFF_MS, {}), job.stage: spent_ms})}
    due = now_ms() + wait_ms
    await _commit(attempt, lambda job: jobs.put_off(job, attempt_id, due), [], fields, outcome="put_off")


def _outage_wait_s(attempt: Attempt[S]) -> float:
    """Return the wait for the end of an outage, which uses up no attempt, however long it lasts."""
    return min(max(attempt.put_off_ms / 1000, MIN_OUTAGE_WAIT_S), MAX_OUTAGE_WAIT_S)


async def _retry_or_fail(attempt: Attempt[S], exc: Exception) -> None:
    """Schedule a retry after a short wait; after the last attempt, fail the job."""
    job, attempt_id = attempt.job, attempt.job.attempt
    _log.exception("the stage failed", extra={"attempt": attempt_id.number})
    tracing.current().fail(type(exc).__name__)
    if job.counted_attempts < attempt.worker.max_attempts and is_transient(exc):
        wait_s = BACKOFF.wait_s(job.counted_attempts)
        await attempt.progress.report_last("retrying", f"This did not work: trying again in {math.ceil(wait_s)} s")
        due = now_ms() + int(1000 * wait_s)
        await _commit(attempt, lambda job: jobs.retry(job, attempt_id, due), [], outcome="retried")
        return
    error = problem_of(exc, job.stage)
    await _commit(
        attempt,
        lambda job: jobs.fail(job, attempt_id, error, now_ms(), dead_lettered=True),
        [NO_RESULT],
        outcome="failed",
    )


def is_transient(exc: Exception) -> bool:
    """Return True if another attempt may succeed."""
    if isinstance(exc, ProviderError):
        return exc.retryable
    return not isinstance(exc, TextTooComplex | UploadRefused | RecordingRefused | TooManyBytes | TooManyParts)


def problem_of(exc: Exception, stage: str) -> dict[str, Any]:
    """Return the problem object for the error of a stage's or part's last attempt."""
    match exc:
        case BudgetSpent():
            return problem("budget-spent", exc.public)
        case ProviderError():
            return problem("speech-unavailable" if stage == AUDIO else "llm-unavailable", exc.public)
        case TextTooComplex():
            return problem("text-too-complex", str(exc))
        case UploadRefused():
            return dict(exc.problem)
        case RecordingRefused():
            return problem("recording-refused", str(exc))
        case TooManyBytes():
            return problem("too-many-bytes", str(exc))
        case TooManyParts():
            return problem("too-many-parts", str(exc))
        case TimeoutError():
            return problem("job-timeout", f"The stage {stage} took longer than it may.")
    return problem("internal-error", "An error on our side; it has been logged.")


async def _finish_cancel(store: Store, job_id: str) -> None:
    """End a job that is being canceled, unless another process already has."""
    try:
        job = await store.jobs.get(job_id)
        await store.jobs.apply(job, lambda job: jobs.finish_cancel(job, now_ms()), events=[NO_RESULT])
    except (JobNotFound, IllegalTransition) as exc:
        _log.info("another process has finished the cancellation: %s", exc)


async def _commit(
    attempt: Attempt[S],
    step: Callable[[Job], Job],
    events: Sequence[EventDraft],
    fields: Mapping[str, bytes] | None = None,
    *,
    outcome: str | None = None,
    split: Split | None = None,
    counts: Mapping[str, int] = MappingProxyType({}),
) -> None:
    """Commit a step, unless the job has moved on without us. A job that is being canceled is ended instead.

    A step that ends the attempt has an `outcome`, which is noted in the attempt's span.
    """
    try:
        store, entry = attempt.worker.store, attempt.job.entry
        attempt.job = await store.jobs.apply(
            attempt.job, step, fields=fields, events=events, split=split, counts=counts
        )
        if attempt.lease and attempt.job.entry != entry:
            attempt.lease.removed = True
    except CancelRequested:
        outcome = "canceled"
        await _finish_cancel(attempt.worker.store, attempt.job.id)
    except (JobNotFound, IllegalTransition, StaleAttempt) as exc:
        outcome = "obsolete"
        _log.warning("the result of this attempt is no longer needed: %s", exc)
    if outcome:
        tracing.current().set({tracing.OUTCOME: outcome})
