"""Which steps a job may take, and what they leave behind."""

from collections.abc import Callable

import pytest

from nlp2filters.core import jobs
from nlp2filters.core.jobs import Job
from nlp2filters.errors import IllegalTransition, NewerRecord, StaleAttempt

ERROR = {"type": "/problems/internal-error", "title": "An error", "status": 500}


def new() -> Job:
    return jobs.create("job_1", "filters", "anna", 1_000, deadline_s=60, catalog="cars", metadata={"for": "test"})


def running() -> Job:
    return jobs.begin(new(), "embedding", "w1", 2_000)


def at_llm() -> Job:
    return jobs.begin(jobs.advance(running(), 1, 3_000), "llm", "w2", 4_000)


ENDED: list[Callable[[], Job]] = [
    lambda: jobs.succeed(at_llm(), 1, 5_000),
    lambda: jobs.fail(at_llm(), 1, ERROR, 5_000),
    lambda: jobs.expire(new(), ERROR, 99_000),
]


def test_a_new_job_waits_for_its_first_stage() -> None:
    job = new()
    assert (job.status, job.stage, job.seq, job.deadline_at) == ("queued", "embedding", 1, 61_000)
    assert [job.stages[name].status for name in ("embedding", "llm")] == ["queued", "waiting"]


def test_the_whole_way() -> None:
    job = jobs.succeed(at_llm(), 1, 5_000)
    assert (job.status, job.seq, job.started_at, job.finished_at) == ("succeeded", 5, 2_000, 5_000)
    assert [run.status for run in job.stages.values()] == ["succeeded", "succeeded"]
    assert (job.stages["llm"].queued_at, job.stages["llm"].started_at) == (3_000, 4_000)


def test_every_begin_is_another_attempt() -> None:
    again = jobs.begin(running(), "embedding", "w2", 9_000)
    assert (again.attempt, again.tries, again.started_at) == (2, 2, 2_000)


@pytest.mark.parametrize("step", [jobs.advance, jobs.succeed])
def test_a_superseded_attempt_changes_nothing(step: Callable[[Job, int, int], Job]) -> None:
    job = jobs.begin(running(), "embedding", "w2", 9_000)
    with pytest.raises(StaleAttempt):
        step(job, 1, 10_000)


def test_a_stage_that_was_handed_back_costs_no_try() -> None:
    job = jobs.hand_back(running(), 1)
    assert (job.stages["embedding"].status, job.tries) == ("queued", 0)
    with pytest.raises(StaleAttempt):
        jobs.advance(job, 1, 3_000)
    assert jobs.begin(job, "embedding", "w2", 4_000).tries == 1


def test_a_stage_begins_only_in_its_turn() -> None:
    with pytest.raises(IllegalTransition):
        jobs.begin(new(), "llm", "w", 2_000)
    with pytest.raises(IllegalTransition):
        jobs.begin(at_llm(), "embedding", "w", 5_000)


@pytest.mark.parametrize("ended", ENDED)
def test_nothing_leaves_a_terminal_state(ended: Callable[[], Job]) -> None:
    job = ended()
    assert job.done
    steps: tuple[Callable[[], Job], ...] = (
        lambda: jobs.begin(job, job.stage, "w", 9_000),
        lambda: jobs.succeed(job, 1, 9_000),
        lambda: jobs.fail(job, 1, ERROR, 9_000),
        lambda: jobs.expire(job, ERROR, 9_000),
        lambda: jobs.hand_back(job, 1),
    )
    for step in steps:
        with pytest.raises(IllegalTransition):
            step()


def test_a_failed_job_keeps_its_error() -> None:
    job = jobs.fail(at_llm(), 1, ERROR, 5_000, dead_lettered=True)
    public = jobs.to_public(job)
    assert (public["status"], public["error"], public["dead_lettered"]) == ("failed", ERROR, True)
    assert public["stages"]["llm"]["status"] == "failed"


@pytest.mark.parametrize(("now", "late"), [(61_000, False), (61_001, True)])
def test_a_job_that_has_not_begun_by_its_deadline_is_overdue(now: int, late: bool) -> None:
    assert jobs.overdue(new(), now) is late
    assert not jobs.overdue(running(), now)


@pytest.mark.parametrize("make", [new, running, at_llm, *ENDED])
def test_a_record_is_read_back_as_it_was(make: Callable[[], Job]) -> None:
    assert jobs.from_record(jobs.to_record(make())) == make()


def test_a_record_of_a_newer_version_is_not_guessed_at() -> None:
    with pytest.raises(NewerRecord, match=f"version {jobs.VERSION}"):
        jobs.from_record({**jobs.to_record(new()), "v": jobs.VERSION + 1})


def test_times_are_public_as_rfc_3339() -> None:
    public = jobs.to_public(new())
    assert public["created_at"] == "1970-01-01T00:00:01.000Z"
    assert public["started_at"] is None
    assert public["urls"]["events"] == "/v1/jobs/job_1/events"
