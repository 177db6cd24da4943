"""Counts that all processes of a service share, for its metrics: by a name and labels.

A histogram is a count per bucket, which is named by its upper bound, and the sum of what was observed.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from nlp2filters.core.jobs import Job
from nlp2filters.core.stage_runs import StageRun

# Joins a name and its labels. None of the labels contains it.
SEPARATOR = "\x1f"
# Upper bounds in seconds of the buckets of all shared histograms.
BOUNDS_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0)
BUCKET, SUM_MS = "bucket", "sum_ms"

Counts = Mapping[str, int]


def name_of(name: str, *labels: str) -> str:
    """Return the name under which a count with these labels is kept."""
    return SEPARATOR.join((name, *labels))


def duration(name: str, *labels: str, ms: float) -> Counter[str]:
    """Return the counts of one observed duration."""
    elapsed_ms = max(0, round(ms))
    bound = next((f"{bound:g}" for bound in BOUNDS_S if elapsed_ms <= 1000 * bound), "+Inf")
    return Counter({name_of(name, BUCKET, *labels, bound): 1, name_of(name, SUM_MS, *labels): elapsed_ms})


def of_step(before: Job | None, after: Job, now: int) -> Counter[str]:
    """Count what a step of a job means for the metrics; `before` is None for a new job."""
    if before is None:
        return Counter({name_of("jobs_created", after.kind): 1})
    counts = _of_run(before.stage, before.stages[before.stage], after.stages[before.stage], now)
    if after.done and not before.done:
        counts += Counter({name_of("jobs_ended", after.kind, after.status): 1})
        counts += duration("job_duration", after.kind, ms=now - after.created_at)
        if after.error:
            counts[name_of("job_failures", after.kind, slug_of(after.error))] += 1
        if after.dead_lettered:
            counts[name_of("jobs_dead_lettered", after.kind)] += 1
    return counts


def slug_of(error: Mapping[str, Any]) -> str:
    """Return the short name of a problem object."""
    return str(error.get("type", "")).rpartition("/")[2]


def _of_run(stage: str, before: StageRun, after: StageRun, now: int) -> Counter[str]:
    """Count the beginning or the end of an attempt of a stage."""
    if before.status == "queued" and after.status == "running":
        return duration("stage_wait", stage, ms=now - (before.queued_at or now))
    if before.status != "running" or after.status == "running":
        return Counter()
    outcome = _outcome(before, after)
    counts = Counter({name_of("stage_attempts", stage, outcome): 1})
    if outcome != "lost":  # Its end is not known.
        counts += duration("stage_run", stage, ms=now - (before.started_at or now))
    return counts


def _outcome(before: StageRun, after: StageRun) -> str:
    """Name what became of a running attempt."""
    if after.status == "waiting":
        return "canceled"
    if after.status != "queued":
        return after.status
    if len(after.suspects) > len(before.suspects):
        return "lost"
    if after.attempt < before.attempt:
        return "put_off"
    return "released" if after.uncounted_attempts > before.uncounted_attempts else "retried"
