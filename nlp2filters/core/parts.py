"""Parts: the pieces into which a stage splits a job, and the steps of each.

As with jobs, every step is a plain function from one state to the next. The store commits it only if both the part's
state and the job's record are still the old ones.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from nlp2filters.core import stage_runs
from nlp2filters.core.stage_runs import StageRun, Suspect, members
from nlp2filters.errors import IllegalTransition, StaleAttempt

# A stage that needs more parts should make larger ones.
MAX_PARTS = 5_000


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a stage's work. `payload` is JSON data that its function gets.

    `digest` is the SHA-256 of everything that its result depends on. Parts with one digest have one result, which is
    computed once and kept for the owner's other jobs of the kind.
    """

    digest: str
    payload: Any = None

    @classmethod
    def of(cls, *content: str | bytes, payload: Any = None) -> "Part":
        """Make the part whose result depends on `content` and nothing else."""
        return cls(digest_of(*content), payload)


@dataclass(frozen=True, slots=True)
class Split:
    """The parts of a job: the digests of all `in_order`, and those `missing` whose results are not stored yet."""

    in_order: Sequence[str]
    missing: Sequence[str]


@dataclass(frozen=True, slots=True)
class PartState:
    """The mutable state of a part. `entry_number` distinguishes its queue entry from its earlier ones.

    `error` is a problem object (RFC 9457): the part has failed for good, and the others go on without it.
    """

    run: StageRun
    entry_number: int
    error: Mapping[str, Any] | None = None

    @property
    def done(self) -> bool:
        """True once the part has ended, one way or the other."""
        return self.run.status in ("succeeded", "failed")


@dataclass(frozen=True, slots=True)
class PartId:
    """The fencing token of one attempt at a part: a step is refused unless the part is still at this attempt."""

    job_id: str
    stage: str
    digest: str
    attempt: int


def digest_of(*content: str | bytes) -> str:
    """Return the SHA-256 of several pieces of content, each with its length, so that none runs into the next."""
    hashed = hashlib.sha256()
    for piece in content:
        data = piece.encode() if isinstance(piece, str) else piece
        hashed.update(b"%d:%b" % (len(data), data))
    return hashed.hexdigest()


def begin(state: PartState, worker: str, now: int, survivors: Collection[Suspect] = ()) -> PartState:
    """Begin another attempt on `worker`. The attempts of suspects that are `survivors` do not count.

    Raises:
        IllegalTransition: the part is not queued, as another worker has begun it.
    """
    if state.run.status != "queued":
        raise IllegalTransition("of the part", state.run.status, "begin")
    return replace(state, run=state.run.begun(worker, now, survivors))


def lapse(state: PartState, attempt: PartId, now: int) -> PartState:
    """Record that the lease of a running attempt has expired.

    Raises:
        StaleAttempt: as for every step of a running part.
    """
    return replace(_current(state, attempt), run=state.run.lapsed(now))


def succeed(state: PartState, attempt: PartId, now: int) -> PartState:
    """Finish the part: its result is stored."""
    return replace(_current(state, attempt), run=replace(state.run, status="succeeded", finished_at=now))


def fail(state: PartState, attempt: PartId, error: Mapping[str, Any], now: int) -> PartState:
    """End the part: this attempt was its last. `error` is a problem object."""
    return abandon(_current(state, attempt), error, now)


def abandon(state: PartState, error: Mapping[str, Any], now: int) -> PartState:
    """End the part, whoever was running it. `error` is a problem object."""
    return replace(state, run=replace(state.run, status="failed", finished_at=now), error=error)


def release(state: PartState, attempt: PartId, now: int) -> PartState:
    """Return a running part to its queue through no fault of its own: the attempt does not count."""
    return _requeue(_current(state, attempt), now, uncounted=1)


def retry(state: PartState, attempt: PartId, due: int) -> PartState:
    """Return a failed part to its queue, to be tried again at `due`."""
    return _requeue(_current(state, attempt), due, uncounted=0)


def put_off(state: PartState, attempt: PartId, due: int) -> PartState:
    """Return a running part to its queue until `due`, as if the attempt had not begun."""
    run = _current(state, attempt).run.put_off(due)
    return replace(state, run=run, entry_number=state.entry_number + 1)


def rescue(state: PartState, now: int) -> PartState:
    """Queue a part again that has lost its queue entry. An attempt that is still running is fenced off."""
    return _requeue(state, now, uncounted=1 if state.run.status == "running" else 0)


def _requeue(state: PartState, due: int, *, uncounted: int) -> PartState:
    run = state.run.requeued(due, uncounted=uncounted)
    return replace(state, run=run, entry_number=state.entry_number + 1)


def _current(state: PartState, attempt: PartId) -> PartState:
    if state.run.status != "running" or state.run.attempt != attempt.attempt:
        raise StaleAttempt(f"{attempt.job_id}/{attempt.digest}", attempt.stage, attempt.attempt)
    return state


def to_record(state: PartState) -> dict[str, Any]:
    """Return the state as JSON data for the store."""
    return {**members(state), "run": stage_runs.to_record(state.run)}


def from_record(data: Mapping[str, Any]) -> PartState:
    """Read back what `to_record` wrote."""
    return PartState(stage_runs.from_record(data["run"]), data["entry_number"], data.get("error"))
