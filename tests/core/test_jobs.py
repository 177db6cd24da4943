"""Which steps a job may take, and what they leave behind."""

from collections.abc import Callable
from functools import partial

import pytest

from nlp2filters.core import jobs
from nlp2filters.core.jobs import AttemptId, Entry, Job
from nlp2filters.core.stage_runs import Suspect
from nlp2filters.errors import IllegalTransition, StaleAttempt, UnsupportedRecordVersion

EMBEDDING, LLM = AttemptId("embedding", 1), AttemptId("llm", 1)
ERROR = {"type": "/problems/internal-error", "title": "An error", "status": 500}


def new() -> Job:
    return jobs.create("job_1", "filters", "anna", 1_000, deadline_s=60, catalog="cars", metadata={"for": "test"})


def running() -> Job:
    return jobs.begin(new(), "embedding", "w1", 2_000)


def at_llm() -> Job:
    return jobs.begin(jobs.advance(running(), EMBEDDING, 3_000), "llm", "w2", 4_000)


ENDED: list[Callable[[], Job]] = [
    lambda: jobs.succeed(at_llm(), LLM, 5_000),
    lambda: jobs.fail(at_llm(), LLM, ERROR, 5_000),
    lambda: jobs.expire(new(), ERROR, 99_000),
]


def test_a_new_job_waits_for_its_first_stage() -> None:
    job = new()
    assert (job.status, job.stage, job.seq, job.deadline_at) == ("queued", "embedding", 1, 61_000)
    assert [job.stages[name].status for name in ("embedding", "llm")] == ["queued", "waiting"]


def test_the_whole_way() -> None:
    job = jobs.succeed(at_llm(), LLM, 5_000)
    assert (job.status, job.seq, job.started_at, job.finished_at) == ("succeeded", 5, 2_000, 5_000)
    assert [run.status for run in job.stages.values()] == ["succeeded", "succeeded"]
    assert (job.stages["llm"].queued_at, job.stages["llm"].started_at) == (3_000, 4_000)


def lapsed() -> Job:
    """The lease of the first attempt has run out."""
    return jobs.lapse(running(), EMBEDDING, 9_000)


def test_every_begin_is_another_attempt() -> None:
    again = jobs.begin(lapsed(), "embedding", "w2", 9_000)
    assert (again.attempt, again.counted_attempts, again.started_at) == (("embedding", 2), 2, 2_000)


STEPS: dict[str, Callable[[Job, AttemptId], Job]] = {
    "lapse": lambda job, attempt: jobs.lapse(job, attempt, 10_000),
    "checkpoint": lambda job, attempt: jobs.checkpoint(job, attempt, "answer"),
    "advance": lambda job, attempt: jobs.advance(job, attempt, 10_000),
    "succeed": lambda job, attempt: jobs.succeed(job, attempt, 10_000),
    "fail": lambda job, attempt: jobs.fail(job, attempt, ERROR, 10_000),
    "retry": lambda job, attempt: jobs.retry(job, attempt, 11_000),
    "put off": lambda job, attempt: jobs.put_off(job, attempt, 11_000),
    "release": lambda job, attempt: jobs.release(job, attempt, 10_000),
}


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_a_superseded_attempt_changes_nothing(step: Callable[[Job, AttemptId], Job]) -> None:
    """Neither of the same stage nor of one before: the number alone would let the first attempt of each pass."""
    for job in (jobs.begin(lapsed(), "embedding", "w2", 9_000), at_llm(), lapsed()):
        with pytest.raises(StaleAttempt):
            step(job, EMBEDDING)


def test_a_stage_that_was_released_costs_no_try() -> None:
    job = jobs.release(running(), EMBEDDING, 3_000)
    assert (job.stages["embedding"].status, job.counted_attempts) == ("queued", 0)
    with pytest.raises(StaleAttempt):
        jobs.advance(job, EMBEDDING, 3_000)
    assert jobs.begin(job, "embedding", "w2", 4_000).counted_attempts == 1


def test_a_stage_that_failed_costs_a_try_and_is_due_later() -> None:
    job = jobs.retry(running(), EMBEDDING, 5_000)
    assert (job.status, job.counted_attempts, job.stages["embedding"].queued_at) == ("running", 1, 5_000)
    assert jobs.begin(job, "embedding", "w1", 5_000).counted_attempts == 2


def test_a_lease_that_ran_out_counts_until_its_worker_is_heard_of() -> None:
    job = lapsed()
    assert job.counted_attempts == 1
    survived = jobs.begin(job, "embedding", "w2", 9_500, survivors={Suspect("w1", 9_000)})
    assert (survived.counted_attempts, survived.stages["embedding"].suspects) == (1, ())
    dead = jobs.begin(job, "embedding", "w2", 9_500)
    assert (dead.counted_attempts, dead.stages["embedding"].suspects) == (2, (Suspect("w1", 9_000),))


def test_every_queue_entry_has_a_number_of_its_own() -> None:
    entries = [
        job.entry
        for job in (
            new(),
            jobs.release(running(), EMBEDDING, 3_000),
            jobs.retry(running(), EMBEDDING, 3_000),
            jobs.rescue(jobs.release(running(), EMBEDDING, 3_000), 4_000),
            at_llm(),
        )
    ]
    assert len(set(entries)) == len(entries) - 1  # released and tried again are two ends of one attempt
    assert running().entry == new().entry == Entry("embedding", 1)
    assert jobs.succeed(at_llm(), LLM, 5_000).entry is None


def test_only_what_waits_for_an_llm_has_a_lane_there() -> None:
    quick = jobs.create("job_1", "filters", "anna", 1_000, deadline_s=60, quick=True)
    there = jobs.advance(jobs.begin(quick, "embedding", "w1", 2_000), EMBEDDING, 3_000)
    assert (quick.lane, there.lane, at_llm().lane) == ("main", "quick", "main")


def test_a_rescued_job_costs_no_try() -> None:
    assert jobs.rescue(running(), 5_000).counted_attempts == 0
    assert jobs.rescue(new(), 5_000).counted_attempts == 0


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
        lambda: jobs.expire(job, ERROR, 9_000),
        lambda: jobs.rescue(job, 9_000),
        *(partial(step, job, job.attempt) for step in STEPS.values()),
    )
    for step in steps:
        with pytest.raises(IllegalTransition):
            step()


def test_a_failed_job_keeps_its_error() -> None:
    job = jobs.fail(at_llm(), LLM, ERROR, 5_000, dead_lettered=True)
    public = jobs.to_public(job)
    assert (public["status"], public["error"], public["dead_lettered"]) == ("failed", ERROR, True)
    assert public["stages"]["llm"]["status"] == "failed"


@pytest.mark.parametrize(("now", "late"), [(61_000, False), (61_001, True)])
def test_a_job_that_has_not_begun_by_its_deadline_is_overdue(now: int, late: bool) -> None:
    assert jobs.overdue(new(), now) is late
    assert not jobs.overdue(running(), now)


@pytest.mark.parametrize("make", [new, running, lapsed, at_llm, *ENDED])
def test_a_record_is_read_back_as_it_was(make: Callable[[], Job]) -> None:
    assert jobs.from_record(jobs.to_record(make())) == make()


def test_a_record_has_the_names_that_earlier_versions_read() -> None:
    stage = jobs.to_record(jobs.checkpoint(running(), EMBEDDING, "answer"))["stages"]["embedding"]
    assert (stage["handed_back"], stage["kept"]) == (0, ("answer",))
    assert not set(stage) & {"uncounted_attempts", "checkpoints"}


def test_a_job_goes_on_by_the_stages_of_its_own_record() -> None:
    """Also where the table of a newer version has others."""
    record = jobs.to_record(running())
    job = jobs.from_record({**record, "kind": "newer", "stages": {**record["stages"], "joining": {}}})
    assert job.next_stage == "llm"
    at_joining = jobs.advance(jobs.begin(jobs.advance(job, EMBEDDING, 3_000), "llm", "w", 4_000), LLM, 5_000)
    assert (at_joining.stage, at_joining.next_stage) == ("joining", None)


def test_a_record_of_a_newer_version_is_not_guessed_at() -> None:
    with pytest.raises(UnsupportedRecordVersion, match=f"version {jobs.VERSION}"):
        jobs.from_record({**jobs.to_record(new()), "v": jobs.VERSION + 1})


def test_times_are_public_as_rfc_3339() -> None:
    public = jobs.to_public(new())
    assert public["created_at"] == "1970-01-01T00:00:01.000Z"
    assert public["started_at"] is None
    assert public["urls"]["events"] == "/v1/jobs/job_1/events"
