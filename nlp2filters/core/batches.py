"""A batch: jobs that were submitted together and are followed together."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from nlp2filters.core import jobs
from nlp2filters.core.jobs import Job
from nlp2filters.core.problems import problem
from nlp2filters.core.statuses import STATUSES

MAX_REQUESTS = 100


@dataclass(frozen=True, slots=True)
class Batch:
    """The immutable part of a batch; its progress is in its jobs.

    `members` are pairs of `custom_id` and job id. `notify` is the form of its webhook: `event` is a signed event of the
    batch, `send` is the older callback API's form, and None means no webhook.
    """

    id: str
    owner: str
    created_at: int
    members: tuple[tuple[str, str], ...]
    notify: Literal["event", "send"] | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)


def to_record(batch: Batch) -> dict[str, Any]:
    """Return the batch as JSON data for the store."""
    return asdict(batch)


def from_record(data: Mapping[str, Any]) -> Batch:
    """Read back what `to_record` wrote."""
    return Batch(**{**data, "members": tuple((name, job_id) for name, job_id in data["members"])})


def to_public(batch: Batch, members: Sequence[Job | None]) -> dict[str, Any]:
    """Return the batch as its owner sees it. `members` are its jobs as they are now; None is one no longer kept."""
    counts = dict.fromkeys(STATUSES, 0)
    for job in members:
        counts[job.status if job else "expired"] += 1
    open_ = counts["queued"] + counts["running"] + counts["canceling"]
    ended = [job.finished_at for job in members if job and job.finished_at]
    path = f"/v1/batches/{batch.id}"
    return {
        "id": batch.id,
        "object": "batch",
        "status": "canceling" if counts["canceling"] else "in_progress" if open_ else "ended",
        "request_counts": counts,
        "created_at": jobs.timestamp(batch.created_at),
        "ended_at": jobs.timestamp(max(ended)) if ended and not open_ else None,
        "metadata": batch.metadata,
        "urls": {"self": path, **{name: f"{path}/{name}" for name in ("events", "results", "cancel", "deliveries")}},
    }


def outcome(custom_id: str, job_id: str, job: Job | None, result: Any) -> dict[str, Any]:
    """Return the outcome of one request of the batch: one line of its results."""
    if job is None:
        error = problem("result-expired", "The job is no longer kept.")
        return {"custom_id": custom_id, "job_id": job_id, "status": "expired", "result": None, "error": error}
    return {"custom_id": custom_id, "job_id": job_id, "status": job.status, "result": result, "error": job.error}
