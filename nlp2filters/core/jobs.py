"""A job: what its states are, which steps lead from one to the next, and how it looks to its owner.

Every step is a plain function from a `Job` to the next one, with `seq` counted up; the store commits it only
if the record's `seq` is still the old one. Times are whole milliseconds since 1970, UTC.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from nlp2filters.errors import CancelRequested, IllegalTransition, NewerRecord, StaleAttempt

Status = Literal["queued", "running", "canceling", "succeeded", "failed", "canceled", "expired"]
TERMINAL: frozenset[Status] = frozenset({"succeeded", "failed", "canceled", "expired"})
RETRYABLE: frozenset[Status] = frozenset({"failed", "canceled", "expired"})
VERSION = 4  # of the record; a program reads its own and the earlier ones

STAGES: Mapping[str, tuple[str, ...]] = {
    "filters": ("embedding", "llm"),
    "echo": ("embedding",),
}


@dataclass(frozen=True, slots=True)
class StageRun:
    """How far one stage is.

    `attempt` counts how often it was begun, and fences off the earlier ones. `handed_back` counts those
    that a worker gave back when it was told to stop: they are nobody's fault. `worker` began it last. `kept` names
    what the attempts so far have left for the next.
    """

    status: Literal["waiting", "queued", "running", "succeeded", "failed"] = "waiting"
    attempt: int = 0
    handed_back: int = 0
    worker: str | None = None
    queued_at: int | None = None
    started_at: int | None = None
    finished_at: int | None = None
    kept: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Job:
    """The mutable record of a job. What was asked and what came out are kept beside it, not in it.

    `catalog` is the catalog's name, None for an inline one. `notify` are the outcomes of which its webhook is told.
    `custom_id` is what the submitter of the batch `batch_id` calls it. `refines` is the job that its text goes on from.
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
    notify: tuple[Status, ...] = ()
    batch_id: str | None = None
    custom_id: str | None = None
    refines: str | None = None

    @property
    def done(self) -> bool:
        """Whether the job has ended, one way or another."""
        return self.status in TERMINAL

    @property
    def queue(self) -> str | None:
        """The queue in which the job has an entry, written by the same commit as this state of it."""
        if self.done:
            return "delivery" if self.status in self.notify else None
        return self.stage if self.stages[self.stage].status == "queued" else None

    @property
    def attempt(self) -> int:
        """The attempt of the present stage."""
        return self.stages[self.stage].attempt

    @property
    def tries(self) -> int:
        """The attempts of the present stage that count."""
        return self.attempt - self.stages[self.stage].handed_back


def create(
    job_id: str,
    kind: str,
    owner: str,
    now: int,
    *,
    deadline_s: int,
    catalog: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    notify: tuple[Status, ...] = (),
    retry_of: str | None = None,
    batch_id: str | None = None,
    custom_id: str | None = None,
    refines: str | None = None,
) -> Job:
    """Make a new job, queued for its first stage, that must begin within `deadline_s`."""
    first, *rest = STAGES[kind]
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
    )


def begin(job: Job, stage: str, worker: str, now: int) -> Job:
    """`worker` takes up `stage`: one attempt more.

    Raises:
        IllegalTransition: the job has ended, is being canceled, or is at another stage.
    """
    if job.done or job.status == "canceling" or job.stage != stage:
        raise IllegalTransition(job.id, job.status, f"begin stage {stage}")
    run = replace(job.stages[stage], status="running", attempt=job.attempt + 1, worker=worker, started_at=now)
    return _step(job, run, status="running", started_at=job.started_at or now)


def overdue(job: Job, now: int) -> bool:
    """Whether the job's deadline passed before it began."""
    return job.started_at is None and now > job.deadline_at


def checkpoint(job: Job, attempt: int, name: str) -> Job:
    """What the running stage calls `name` is kept for the attempts after this one.

    Raises:
        StaleAttempt, IllegalTransition, CancelRequested: as for every step of a running stage.
    """
    _own(job, attempt, "checkpoint")
    run = job.stages[job.stage]
    return _step(job, replace(run, kept=(*run.kept, name)))


def advance(job: Job, attempt: int, now: int) -> Job:
    """The present stage is done; queue the next.

    Raises:
        StaleAttempt, IllegalTransition: as for every step of a running stage.
    """
    _own(job, attempt, "advance")
    order = STAGES[job.kind]
    following = order[order.index(job.stage) + 1]
    done = replace(job.stages[job.stage], status="succeeded", finished_at=now)
    waiting = replace(job.stages[following], status="queued", queued_at=now)
    stages = {**job.stages, job.stage: done, following: waiting}
    return replace(job, stages=stages, stage=following, seq=job.seq + 1)


def succeed(job: Job, attempt: int, now: int) -> Job:
    """The last stage is done."""
    _own(job, attempt, "succeed")
    run = replace(job.stages[job.stage], status="succeeded", finished_at=now)
    return _step(job, run, status="succeeded", finished_at=now)


def fail(job: Job, attempt: int, error: Mapping[str, Any], now: int, *, dead_lettered: bool = False) -> Job:
    """The present stage failed for good. `error` is a problem object (RFC 9457)."""
    _own(job, attempt, "fail")
    run = replace(job.stages[job.stage], status="failed", finished_at=now)
    return _step(job, run, status="failed", error=error, dead_lettered=dead_lettered, finished_at=now)


def expire(job: Job, error: Mapping[str, Any], now: int) -> Job:
    """The deadline passed before the job began. `error` is a problem object."""
    if job.done:
        raise IllegalTransition(job.id, job.status, "expire")
    return _step(job, job.stages[job.stage], status="expired", error=error, finished_at=now)


def cancel(job: Job, now: int) -> Job:
    """The owner wants no more of it: canceled at once, or `canceling` while a worker is at it.

    Raises:
        IllegalTransition: it has ended, or is being canceled already.
    """
    if job.done or job.status == "canceling":
        raise IllegalTransition(job.id, job.status, "be canceled")
    if job.stages[job.stage].status == "running":
        return replace(job, status="canceling", seq=job.seq + 1)
    return replace(job, status="canceled", finished_at=now, seq=job.seq + 1)


def end_canceling(job: Job, now: int) -> Job:
    """The worker has let go of a job that is being canceled, or is dead.

    Raises:
        IllegalTransition: it is not being canceled.
    """
    if job.status != "canceling":
        raise IllegalTransition(job.id, job.status, "end as canceled")
    run = replace(job.stages[job.stage], status="waiting")
    return _step(job, run, status="canceled", finished_at=now)


def abandon(job: Job, error: Mapping[str, Any], now: int) -> Job:
    """The queue gave the present stage up, whoever had it. `error` is a problem object."""
    if job.done:
        raise IllegalTransition(job.id, job.status, "be abandoned")
    run = replace(job.stages[job.stage], status="failed", finished_at=now)
    return _step(job, run, status="failed", error=error, dead_lettered=True, finished_at=now)


def hand_back(job: Job, attempt: int) -> Job:
    """A worker that shuts down gives the stage back to the queue; the attempt does not count."""
    _own(job, attempt, "be handed back")
    run = job.stages[job.stage]
    return _step(job, replace(run, status="queued", handed_back=run.handed_back + 1))


def _own(job: Job, attempt: int, step: str) -> None:
    if job.done:
        raise IllegalTransition(job.id, job.status, step)
    if job.attempt != attempt or job.stages[job.stage].status != "running":
        raise StaleAttempt(job.id, job.stage, attempt)
    if job.status == "canceling":
        raise CancelRequested(job.id, job.status, step)


def _step(job: Job, run: StageRun, **changes: Any) -> Job:
    return replace(job, stages={**job.stages, job.stage: run}, seq=job.seq + 1, **changes)


def to_record(job: Job) -> dict[str, Any]:
    """The job as JSON data for the store. `v` is the version of this form."""
    return {"v": VERSION, **asdict(job)}


def from_record(data: Mapping[str, Any]) -> Job:
    """Read back what `to_record` wrote.

    Raises:
        NewerRecord: the record was written by a version that this one does not know.
    """
    if data["v"] > VERSION:
        raise NewerRecord(f"The job's record is of version {data['v']}, this program knows version {VERSION}.")
    values = {key: value for key, value in data.items() if key != "v"}
    stages = {name: StageRun(**{**run, "kept": tuple(run.get("kept", ()))}) for name, run in data["stages"].items()}
    return Job(**{**values, "stages": stages, "notify": tuple(data["notify"])})


def to_public(job: Job) -> dict[str, Any]:
    """The job as its owner sees it."""
    path = f"/v1/jobs/{job.id}"
    return {
        "id": job.id,
        "object": "job",
        "kind": job.kind,
        "status": job.status,
        "stage": job.stage,
        "stages": {name: _run_to_public(run) for name, run in job.stages.items()},
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


def _run_to_public(run: StageRun) -> dict[str, Any]:
    times = {name: timestamp(getattr(run, name)) for name in ("queued_at", "started_at", "finished_at")}
    return {"status": run.status, "attempt": run.attempt, **times}


def timestamp(ms: int | None) -> str | None:
    """Milliseconds since 1970 as RFC 3339 in UTC."""
    if ms is None:
        return None
    return dt.datetime.fromtimestamp(ms / 1000, dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
