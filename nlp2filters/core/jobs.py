"""A job: its states, the steps that lead from one to the next, and how its owner sees it.

Every step is a plain function from a `Job` to the next one, with `seq` incremented; the store commits it only
if the record's `seq` is still the old one. Times are whole milliseconds since 1970, UTC.
"""

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from nlp2filters.core import stage_runs
from nlp2filters.core.kinds import DELIVERY, KINDS, stage_info
from nlp2filters.core.stage_runs import StageRun, Suspect, members
from nlp2filters.core.statuses import TERMINAL, Outcome, Status
from nlp2filters.errors import CancelRequested, IllegalTransition, StaleAttempt, UnsupportedRecordVersion

# The owner of jobs that come without an API key.
ANONYMOUS = "anonymous"
# A program reads records of its own version and of the earlier ones.
VERSION = 4
# The checkpoint of a stage that has been split into parts.
PARTS = "parts"


class AttemptId(NamedTuple):
    """The fencing token of one attempt: a step is refused unless the job is still at this attempt of this stage."""

    stage: str
    number: int


class Entry(NamedTuple):
    """The place of a job's queue entry. `number` distinguishes it from every other entry of the job in that queue."""

    queue: str
    number: int


@dataclass(frozen=True, slots=True)
class Job:
    """The mutable record of a job. The request and the result are stored beside it, not in it.

    `stages` are in the order in which the job passes through them. `catalog` is the catalog's name, None for an inline
    one. `notify` lists the outcomes that are reported to the URL `webhook`. `custom_id` is the name that the submitter
    of the batch `batch_id` gave it. `refines` is the job whose reading its text refines. `quick`: it takes the quick
    lane of stages that have one. `entry_number` belongs to its present queue entry: the `seq` of the commit that wrote
    it, 0 in records from before version 4.
    """

    id: str
    kind: str
    owner: str
    status: Status
    stage: str
    stages: Mapping[str, StageRun]
    created_at: int
    deadline_at: int
    seq: int = 1
    started_at: int | None = None
    finished_at: int | None = None
    error: Mapping[str, Any] | None = None
    dead_lettered: bool = False
    catalog: str | None = None
    retry_of: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    notify: tuple[Outcome, ...] = ()
    batch_id: str | None = None
    custom_id: str | None = None
    refines: str | None = None
    webhook: str | None = None
    quick: bool = False
    entry_number: int = 0

    @property
    def done(self) -> bool:
        """True once the job has ended, one way or another."""
        return self.status in TERMINAL

    @property
    def entry(self) -> Entry | None:
        """The queue entry that the job has in this state; a running stage keeps its entry until it ends.

        While its stage is split, only the parts have entries.
        """
        if not self.done and self.stages[self.stage].status == "split":
            return None
        if not self.done:
            return Entry(self.stage, self.entry_number)
        return Entry(DELIVERY, self.entry_number) if self.status in self.notify else None

    @property
    def lane(self) -> Literal["main", "quick", "slow"]:
        """The lane of the present stage's queue in which the job waits."""
        stage = stage_info(self.kind, self.stage)
        if stage.slow_lane:
            return "slow"
        return "quick" if self.quick and stage.quick_lane else "main"

    @property
    def attempt(self) -> AttemptId:
        """The latest attempt of the present stage."""
        return AttemptId(self.stage, self.stages[self.stage].attempt)

    @property
    def counted_attempts(self) -> int:
        """The number of attempts of the present stage that count."""
        return self.stages[self.stage].counted_attempts

    @property
    def has_parts(self) -> bool:
        """True if the present stage has been split into parts, which may have ended."""
        return PARTS in self.stages[self.stage].checkpoints

    @property
    def next_stage(self) -> str | None:
        """The stage after the present one; None if that is the last."""
        order = list(self.stages)
        return next(iter(order[order.index(self.stage) + 1 :]), None)


def create(
    job_id: str,
    kind: str,
    owner: str,
    now: int,
    *,
    deadline_s: int,
    catalog: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    notify: tuple[Outcome, ...] = (),
    retry_of: str | None = None,
    batch_id: str | None = None,
    custom_id: str | None = None,
    refines: str | None = None,
    webhook: str | None = None,
    quick: bool = False,
) -> Job:
    """Create a job, queued for its first stage, that must begin within `deadline_s`."""
    first, *rest = (name for name, info in KINDS[kind].stages.items() if not (quick and info.skipped_if_quick))
    return Job(
        id=job_id,
        kind=kind,
        owner=owner,
        status="queued",
        stage=first,
        stages={first: StageRun("queued", queued_at=now), **{stage: StageRun() for stage in rest}},
        created_at=now,
        deadline_at=now + 1000 * deadline_s,
        catalog=catalog,
        metadata=metadata or {},
        notify=notify,
        retry_of=retry_of,
        batch_id=batch_id,
        custom_id=custom_id,
        refines=refines,
        webhook=webhook,
        quick=quick,
        entry_number=1,
    )


def begin(job: Job, stage: str, worker: str, now: int, *, survivors: Collection[Suspect] = ()) -> Job:
    """Begin another attempt of `stage` on `worker`. The attempts of suspects that are `survivors` do not count.

    Raises:
        IllegalTransition: the job has ended, is being canceled, or is not queued for the stage.
    """
    run = job.stages[stage]
    if job.done or job.status == "canceling" or job.stage != stage or run.status != "queued":
        raise IllegalTransition(job.id, job.status, f"begin stage {stage}")
    return _step(job, run.begun(worker, now, survivors), status="running", started_at=job.started_at or now)


def lapse(job: Job, attempt: AttemptId, now: int) -> Job:
    """Record that the lease of a running attempt has expired: its worker is dead, frozen, or cut off from Redis.

    Raises:
        StaleAttempt, IllegalTransition: as for every step of a running stage.
    """
    _require_current_attempt(job, attempt, "lapse")
    return _step(job, job.stages[job.stage].lapsed(now))


def overdue(job: Job, now: int) -> bool:
    """Return whether the job's deadline passed before it began."""
    return job.started_at is None and now > job.deadline_at


def checkpoint(job: Job, attempt: AttemptId, name: str) -> Job:
    """Record that the running stage's checkpoint `name` is stored for later attempts.

    Raises:
        StaleAttempt, IllegalTransition, CancelRequested: as for every step of a running stage.
    """
    _require_current_attempt(job, attempt, "checkpoint")
    run = job.stages[job.stage]
    return _step(job, replace(run, checkpoints=(*run.checkpoints, name)))


def split(job: Job, attempt: AttemptId) -> Job:
    """Wait for the parts into which the running stage has split the job. Their last one queues the stage again.

    Raises:
        StaleAttempt, IllegalTransition, CancelRequested: as for every step of a running stage.
    """
    _require_current_attempt(job, attempt, "be split")
    run = job.stages[job.stage]
    checkpoints = run.checkpoints if job.has_parts else (*run.checkpoints, PARTS)
    return _step(job, replace(run, status="split", checkpoints=checkpoints))


def gather(job: Job, now: int) -> Job:
    """Queue the stage again, as all of its parts have ended. The attempts at splitting do not count for the join.

    Raises:
        IllegalTransition: the stage is not split.
    """
    run = job.stages[job.stage]
    if job.done or run.status != "split":
        raise IllegalTransition(job.id, job.status, "gather its parts")
    run = replace(run, status="queued", queued_at=now, uncounted_attempts=run.attempt, suspects=())
    return _step(job, run, entry_number=job.seq + 1)


def advance(job: Job, attempt: AttemptId, now: int) -> Job:
    """Finish the present stage and queue the next.

    Raises:
        StaleAttempt, IllegalTransition: as for every step of a running stage.
    """
    _require_current_attempt(job, attempt, "advance")
    stage = job.next_stage
    if stage is None:
        raise IllegalTransition(job.id, job.status, f"advance beyond stage {job.stage}")
    ended = replace(job.stages[job.stage], status="succeeded", finished_at=now)
    queued = replace(job.stages[stage], status="queued", queued_at=now)
    stages = {**job.stages, job.stage: ended, stage: queued}
    return replace(job, stages=stages, stage=stage, entry_number=job.seq + 1, seq=job.seq + 1)


def succeed(job: Job, attempt: AttemptId, now: int) -> Job:
    """Finish the last stage."""
    _require_current_attempt(job, attempt, "succeed")
    run = replace(job.stages[job.stage], status="succeeded", finished_at=now)
    return _step(job, run, status="succeeded", finished_at=now)


def fail(job: Job, attempt: AttemptId, error: Mapping[str, Any], now: int, *, dead_lettered: bool = False) -> Job:
    """End the job: its present stage failed for good. `error` is a problem object (RFC 9457)."""
    _require_current_attempt(job, attempt, "fail")
    run = replace(job.stages[job.stage], status="failed", finished_at=now)
    return _step(job, run, status="failed", error=error, dead_lettered=dead_lettered, finished_at=now)


def expire(job: Job, error: Mapping[str, Any], now: int) -> Job:
    """End the job: its deadline passed before it began. `error` is a problem object."""
    if job.done:
        raise IllegalTransition(job.id, job.status, "expire")
    return _step(job, job.stages[job.stage], status="expired", error=error, finished_at=now)


def cancel(job: Job, now: int) -> Job:
    """Cancel the job at once, or mark it `canceling` while a worker runs it.

    Raises:
        IllegalTransition: it has ended, or is already being canceled.
    """
    if job.done or job.status == "canceling":
        raise IllegalTransition(job.id, job.status, "be canceled")
    run = job.stages[job.stage]
    if run.status == "running":
        return replace(job, status="canceling", seq=job.seq + 1)
    if run.status == "split":
        return _step(job, replace(run, status="waiting"), status="canceled", finished_at=now)
    return replace(job, status="canceled", finished_at=now, seq=job.seq + 1)


def finish_cancel(job: Job, now: int) -> Job:
    """Finish canceling a job that its worker has released, or whose worker is dead.

    Raises:
        IllegalTransition: it is not being canceled.
    """
    if job.status != "canceling":
        raise IllegalTransition(job.id, job.status, "end as canceled")
    run = replace(job.stages[job.stage], status="waiting")
    return _step(job, run, status="canceled", finished_at=now)


def abandon(job: Job, error: Mapping[str, Any], now: int) -> Job:
    """End the job: the queue gave up on its present stage, whoever was running it. `error` is a problem object."""
    if job.done:
        raise IllegalTransition(job.id, job.status, "be abandoned")
    run = replace(job.stages[job.stage], status="failed", finished_at=now)
    return _step(job, run, status="failed", error=error, dead_lettered=True, finished_at=now)


def release(job: Job, attempt: AttemptId, now: int) -> Job:
    """Return a running stage to its queue through no fault of the job: the attempt does not count."""
    _require_current_attempt(job, attempt, "be released")
    return _requeue(job, now, uncounted=1)


def retry(job: Job, attempt: AttemptId, due: int) -> Job:
    """Return a failed stage to its queue, to be tried again at `due`."""
    _require_current_attempt(job, attempt, "be tried again")
    return _requeue(job, due, uncounted=0)


def put_off(job: Job, attempt: AttemptId, due: int) -> Job:
    """Return a running stage to its queue until `due`, as if the attempt had not begun."""
    _require_current_attempt(job, attempt, "be put off")
    return _step(job, job.stages[job.stage].put_off(due), entry_number=job.seq + 1)


def rescue(job: Job, now: int) -> Job:
    """Queue a job again that has lost its queue entry.

    An attempt that is still running is fenced off and does not count.

    Raises:
        IllegalTransition: the job has ended, or only its parts have entries.
    """
    if job.entry is None or job.done:
        raise IllegalTransition(job.id, job.status, "be rescued")
    return _requeue(job, now, uncounted=1 if job.stages[job.stage].status == "running" else 0)


def _requeue(job: Job, due: int, *, uncounted: int) -> Job:
    return _step(job, job.stages[job.stage].requeued(due, uncounted=uncounted), entry_number=job.seq + 1)


def _require_current_attempt(job: Job, attempt: AttemptId, step: str) -> None:
    if job.done:
        raise IllegalTransition(job.id, job.status, step)
    if job.attempt != attempt or job.stages[job.stage].status != "running":
        raise StaleAttempt(job.id, attempt.stage, attempt.number)
    if job.status == "canceling":
        raise CancelRequested(job.id, job.status, step)


def _step(job: Job, run: StageRun, **changes: Any) -> Job:
    return replace(job, stages={**job.stages, job.stage: run}, seq=job.seq + 1, **changes)


def to_record(job: Job) -> dict[str, Any]:
    """Return the job as JSON data for the store. `v` is the version of this format."""
    stages = {name: stage_runs.to_record(run) for name, run in job.stages.items()}
    return {"v": VERSION, **members(job), "stages": stages}


def from_record(data: Mapping[str, Any]) -> Job:
    """Read back what `to_record` wrote.

    Raises:
        UnsupportedRecordVersion: the record was written by a version that this one does not know.
    """
    if data["v"] > VERSION:
        raise UnsupportedRecordVersion(
            f"The job's record is of version {data['v']}, this program knows version {VERSION}."
        )
    values = {key: value for key, value in data.items() if key != "v"}
    stages = {name: stage_runs.from_record(run) for name, run in data["stages"].items()}
    return Job(**{**values, "stages": stages, "notify": tuple(data["notify"])})


def to_public(job: Job) -> dict[str, Any]:
    """Return the job as its owner sees it."""
    path = f"/v1/jobs/{job.id}"
    return {
        "id": job.id,
        "object": "job",
        "kind": job.kind,
        "status": job.status,
        "stage": job.stage,
        "stages": {name: _run_to_public(job.kind, name, run) for name, run in job.stages.items()},
        "seq": job.seq,
        "catalog": job.catalog,
        "created_at": timestamp(job.created_at),
        "started_at": timestamp(job.started_at),
        "finished_at": timestamp(job.finished_at),
        "deadline_at": timestamp(job.deadline_at),
        "error": job.error,
        "dead_lettered": job.dead_lettered,
        "retry_of": job.retry_of,
        "refines": job.refines,
        "batch_id": job.batch_id,
        "custom_id": job.custom_id,
        "metadata": job.metadata,
        "urls": {"self": path, **{name: f"{path}/{name}" for name in ("events", "result", "cancel", "retry")}},
    }


def _run_to_public(kind: str, stage: str, run: StageRun) -> dict[str, Any]:
    label = stage_info(kind, stage).label
    times = {name: timestamp(getattr(run, name)) for name in ("queued_at", "started_at", "finished_at")}
    status = "running" if run.status == "split" else run.status
    return {"label": label, "status": status, "attempt": run.attempt, **times}


@lru_cache(maxsize=256)
def timestamp(ms: int | None) -> str | None:
    """Format milliseconds since 1970 as RFC 3339 in UTC. An answer has the same few times again and again."""
    if ms is None:
        return None
    return dt.datetime.fromtimestamp(ms / 1000, dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
