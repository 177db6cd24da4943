"""The runs of a stage, or of one of its parts: how often it was begun, and by whom."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from nlp2filters.core.statuses import StageStatus

# Records have older names for these members.
RECORD_NAMES = {"uncounted_attempts": "handed_back", "checkpoints": "kept"}
# A stage is `split` while its parts are being worked on. Its owner sees it running.
RunStatus = StageStatus | Literal["split"]


@dataclass(frozen=True, slots=True)
class Suspect:
    """A worker whose lease ran out in mid-attempt at `since`. A later heartbeat proves that it did not die."""

    worker: str
    since: int


@dataclass(frozen=True, slots=True)
class StageRun:
    """The progress of one stage, or of one of its parts.

    `attempt` counts how often it was begun. `uncounted_attempts` are those that ended through no fault of the job: its
    worker was told to stop, lost its connection to Redis, or was frozen. `suspects` are the workers of attempts that
    ended without a report; they count as deaths until a heartbeat proves otherwise. `worker` began the latest attempt.
    `queued_at` is when the stage is due. `checkpoints` names what the attempts so far have stored for the next.
    """

    status: RunStatus = "waiting"
    attempt: int = 0
    uncounted_attempts: int = 0
    suspects: tuple[Suspect, ...] = ()
    worker: str | None = None
    queued_at: int | None = None
    started_at: int | None = None
    finished_at: int | None = None
    checkpoints: tuple[str, ...] = ()

    @property
    def counted_attempts(self) -> int:
        """The number of attempts that count."""
        return self.attempt - self.uncounted_attempts

    def begun(self, worker: str, now: int, survivors: Collection[Suspect] = ()) -> "StageRun":
        """Begin another attempt on `worker`. The attempts of suspects that are `survivors` do not count."""
        suspects = tuple(suspect for suspect in self.suspects if suspect not in survivors)
        return replace(
            self,
            status="running",
            attempt=self.attempt + 1,
            uncounted_attempts=self.uncounted_attempts + len(self.suspects) - len(suspects),
            suspects=suspects,
            worker=worker,
            started_at=now,
        )

    def lapsed(self, now: int) -> "StageRun":
        """Suspect the worker of the running attempt, whose lease has expired."""
        suspects = (*self.suspects, Suspect(self.worker, now)) if self.worker else self.suspects
        return replace(self, status="queued", suspects=suspects)

    def requeued(self, due: int, *, uncounted: int) -> "StageRun":
        """Return to the queue; `uncounted` more attempts do not count."""
        uncounted += self.uncounted_attempts
        return replace(self, status="queued", queued_at=due, uncounted_attempts=uncounted)

    def put_off(self, due: int) -> "StageRun":
        """Return to the queue until `due`, as if the running attempt had not begun.

        The next attempt has the same number: the worker that takes this step is the only one that might still use it.
        """
        return replace(self, status="queued", queued_at=due, attempt=self.attempt - 1)


def to_record(run: StageRun) -> dict[str, Any]:
    """Return a run in the form of records."""
    record = {RECORD_NAMES.get(name, name): value for name, value in members(run).items()}
    return {**record, "suspects": [members(suspect) for suspect in run.suspects]}


def from_record(data: Mapping[str, Any]) -> StageRun:
    """Read back what `to_record` wrote, or a version before this one."""
    record = {name: data[old] for name, old in RECORD_NAMES.items() if old in data}
    record |= {name: value for name, value in data.items() if name not in RECORD_NAMES.values()}
    suspects = tuple(Suspect(**suspect) for suspect in record.get("suspects", ()))
    return StageRun(**{**record, "checkpoints": tuple(record.get("checkpoints", ())), "suspects": suspects})


def members(value: Any) -> dict[str, Any]:
    """Return the members of a dataclass by name. It copies none of them, as `asdict` would, at ten times the cost."""
    return {name: getattr(value, name) for name in value.__dataclass_fields__}  # `fields` takes as long as all the rest
