"""Parts against a real Redis: what is kept, what is tried again, and who may still write."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
import pytest
from arq.connections import ArqRedis

from nlp2filters.clock import now_ms
from nlp2filters.core import jobs
from nlp2filters.core import parts as steps
from nlp2filters.core.jobs import Job
from nlp2filters.core.parts import Part, PartId
from nlp2filters.errors import BlobStoreUnavailable, IllegalTransition, PutOff, StaleAttempt
from nlp2filters.storage import arq_format
from nlp2filters.storage.commits import EventDraft
from nlp2filters.storage.derived import Derived
from nlp2filters.storage.redis_keys import Keys
from nlp2filters.storage.store import Store
from nlp2filters.worker import attempt, parts, rescue
from nlp2filters.worker.attempt import Attempt, StageResult, WorkerContext
from nlp2filters.worker.parts import Outcomes, PartAttempt, PartWork
from tests import contexts

STAGE = "embedding"


@dataclass
class Letters:
    """A kind of job that is split into letters. `runs` counts those of each; the letters in `wrong` fail.

    `busy` is raised by all of them.
    """

    letters: str = "abc"
    partial: bool = False
    wrong: str = ""
    busy: Exception | None = None
    runs: Counter[str] = field(default_factory=Counter)
    joined: list[str | None] = field(default_factory=list)

    @property
    def work(self) -> PartWork[None]:
        return PartWork(self.split, self.run_part, self.join, self.events, partial=self.partial)

    async def split(self, running: Attempt[None]) -> Sequence[Part]:
        return [Part.of(letter, payload=letter) for letter in self.letters]

    async def run_part(self, running: PartAttempt[None]) -> bytes:
        letter: str = running.part.payload
        self.runs[letter] += 1
        if self.busy:
            raise self.busy
        if letter in self.wrong:
            raise ValueError("on purpose")
        return letter.upper().encode()

    def events(self, part: Part, content: bytes) -> Sequence[EventDraft]:
        return [EventDraft("letter", {"letter": content.decode()}, key="vowel" if part.payload in "aeiou" else None)]

    async def join(self, running: Attempt[None], outcomes: Outcomes) -> StageResult:
        self.joined = [outcome.content.decode() if outcome.content else None async for outcome in outcomes]
        return StageResult({"draft": {}})


@pytest.fixture
def store(redis: ArqRedis, keys: Keys) -> Store:
    return Store(redis, keys, retention_s=60)


@pytest.fixture
def worker(store: Store) -> WorkerContext[None]:
    return contexts.context(store, None)


async def created(store: Store, number: int = 1) -> Job:
    job = jobs.create(f"job_{store.keys.prefix}-{number}", "filters", "anna", now_ms(), deadline_s=30)
    await store.jobs.create(job, b"{}")
    return job


async def run_stage(worker: WorkerContext[None], letters: Letters, job: Job) -> Job:
    await attempt.run(worker, STAGE, {"filters": letters.work.run}, (), job.id)
    return await worker.store.jobs.get(job.id)


async def entry_of(store: Store, job: Job, letter: str) -> str:
    """The id of the letter's queue entry, as the index has it."""
    subject = arq_format.part_subject(job.id, Part.of(letter).digest)
    place: Any = await store.redis.hget(store.keys.open, subject)  # type: ignore[misc]
    return place.decode().split(arq_format.SEPARATOR)[1] if place else f"{subject}:{STAGE}-0"


async def told(store: Store, job: Job) -> list[str]:
    """The letters that the job's followers were told, in order; none of these events has the whole job."""
    entries: Any = await store.redis.xrange(store.keys.events(job.id))
    events = [orjson.loads(fields[b"data"]) for _, fields in entries if fields[b"event"] == b"letter"]
    assert all(set(event) == {"type", "job_id", "at", "stage", "attempt", "letter"} for event in events)
    return [event["letter"] for event in events]


async def run_part(worker: WorkerContext[None], letters: Letters, job: Job, letter: str) -> Job:
    entry = await entry_of(worker.store, job, letter)
    await parts.run(worker, STAGE, {"filters": letters.work}, ("request",), entry)
    return await worker.store.jobs.get(job.id)


async def run_all(worker: WorkerContext[None], letters: Letters, job: Job) -> Job:
    """The whole stage."""
    job = await run_stage(worker, letters, job)
    for letter in letters.letters:
        job = await run_part(worker, letters, job, letter)
    return await run_stage(worker, letters, job)


@pytest.mark.parametrize("busy", [PutOff("the limit of calls is reached", 0), BlobStoreUnavailable("it is away")])
async def test_a_part_that_cannot_run_now_uses_up_no_attempt(
    store: Store, worker: WorkerContext[None], busy: Exception
) -> None:
    letters, job = Letters("a", busy=busy), await created(store)
    job = await run_stage(worker, letters, job)
    for _ in range(2 * worker.max_attempts):
        job = await run_part(worker, letters, job, "a")
        assert job.stages[STAGE].status == "split"
    letters.busy = None
    job = await run_part(worker, letters, job, "a")
    assert (await run_stage(worker, letters, job)).status == "running"
    assert letters.joined == ["A"]


async def test_the_last_part_queues_the_join(store: Store, worker: WorkerContext[None]) -> None:
    letters, job = Letters(), await created(store)
    job = await run_stage(worker, letters, job)
    assert (job.status, job.stages[STAGE].status, job.entry) == ("running", "split", None)
    assert jobs.to_public(job)["stages"][STAGE]["status"] == "running"
    for letter in "ab":
        job = await run_part(worker, letters, job, letter)
    assert job.stages[STAGE].status == "split"
    job = await run_part(worker, letters, job, "c")
    assert (job.stages[STAGE].status, job.counted_attempts) == ("queued", 0)
    job = await run_stage(worker, letters, job)
    assert (job.stage, letters.joined) == ("llm", ["A", "B", "C"])


async def test_a_result_that_was_stored_before_the_death_is_told_but_not_computed_again(
    store: Store, worker: WorkerContext[None]
) -> None:
    letters = Letters()
    job = await run_stage(worker, letters, await created(store))
    loaded = await store.parts.load(job.id, Part.of("a").digest)
    await store.parts.apply(loaded, lambda state: steps.begin(state, "dead", now_ms()))
    await worker.derived.save("anna", steps.digest_of("filters", STAGE, Part.of("a").digest), b"A")
    await run_part(worker, letters, job, "a")
    assert not letters.runs
    assert await told(store, job) == ["A"]


async def test_a_result_that_has_expired_before_the_join_is_computed_again(
    store: Store, worker: WorkerContext[None]
) -> None:
    letters, job = Letters(), await created(store)
    job = await run_stage(worker, letters, job)
    for letter in "abc":
        job = await run_part(worker, letters, job, letter)
    key = steps.digest_of("filters", STAGE, Part.of("b").digest)
    assert await store.redis.delete(store.keys.derived("anna", key)) == 1
    job = await run_stage(worker, letters, job)
    assert job.stages[STAGE].status == "split"
    await run_part(worker, letters, job, "b")
    job = await run_stage(worker, letters, job)
    assert (job.stage, letters.joined, letters.runs) == ("llm", ["A", "B", "C"], {"a": 1, "b": 2, "c": 1})


async def test_a_list_of_parts_that_is_gone_is_made_again(store: Store, worker: WorkerContext[None]) -> None:
    letters = Letters("a")
    job = await run_stage(worker, letters, await created(store))
    job = await run_part(worker, letters, job, "a")
    await store.redis.delete(store.keys.parts(job.id, "states"))
    assert (await run_stage(worker, letters, job)).stage == "llm"
    assert letters.joined == ["A"]


async def test_another_job_of_the_owner_has_the_results(store: Store, worker: WorkerContext[None]) -> None:
    letters = Letters()
    await run_all(worker, letters, await created(store, 1))
    job = await run_stage(worker, letters, await created(store, 2))
    assert (job.stage, letters.joined, letters.runs) == ("llm", ["A", "B", "C"], {"a": 1, "b": 1, "c": 1})
    assert await told(store, job) == ["A", "B", "C"]


async def test_of_events_with_one_key_the_first_is_published(store: Store, worker: WorkerContext[None]) -> None:
    job = await run_all(worker, Letters("abe"), await created(store, 1))
    assert await told(store, job) == ["A", "B"]
    letters = Letters("xbaeo")
    job = await run_stage(worker, letters, await created(store, 2))
    assert await told(store, job) == ["B", "A"]
    for letter in "xo":
        job = await run_part(worker, letters, job, letter)
    assert await told(store, job) == ["B", "A", "X"]
    assert (await run_stage(worker, letters, job)).stage == "llm"
    job = await run_stage(worker, letters, await created(store, 3))
    assert await told(store, job) == ["X", "B", "A"]


@pytest.mark.parametrize("partial", [False, True])
async def test_a_part_that_fails_each_time(store: Store, worker: WorkerContext[None], partial: bool) -> None:
    letters = Letters(partial=partial, wrong="b")
    job = await run_stage(worker, letters, await created(store))
    await run_part(worker, letters, job, "a")
    for _ in range(3):
        job = await run_part(worker, letters, job, "b")
    if not partial:
        assert (job.status, job.dead_lettered) == ("failed", True)
        assert job.error
        assert job.error["type"] == "/problems/internal-error"
        assert not await store.unfinished.count()
        return
    job = await run_part(worker, letters, job, "c")
    assert (await run_stage(worker, letters, job)).stage == "llm"
    assert letters.joined == ["A", None, "C"]


async def test_results_have_a_quota(store: Store) -> None:
    derived = Derived(store.redis, store.keys, kept_s=60, max_bytes=1)
    worker, letters = replace(contexts.context(store, None), derived=derived), Letters()
    job = await run_stage(worker, letters, await created(store))
    job = await run_part(worker, letters, job, "a")
    assert job.error
    assert (job.status, job.error["type"], letters.runs) == ("failed", "/problems/too-many-bytes", {"a": 1})


async def test_there_may_be_only_so_many_parts(
    store: Store, worker: WorkerContext[None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "MAX_PARTS", 2)
    job = await run_stage(worker, Letters(), await created(store))
    assert job.error
    assert (job.status, job.error["type"]) == ("failed", "/problems/too-many-parts")


async def test_an_interruption_uses_up_no_attempt(store: Store, worker: WorkerContext[None]) -> None:
    """The worker of an earlier attempt was cut off from Redis, as its heartbeat shows."""
    letters = Letters("a")
    job = await run_stage(worker, letters, await created(store))
    digest = Part.of("a").digest
    for _ in range(5):
        loaded = await store.parts.load(job.id, digest)
        loaded = await store.parts.apply(loaded, lambda state: steps.begin(state, "w", now_ms()))
        number = PartId(job.id, STAGE, digest, loaded.state.run.attempt)
        await store.parts.apply(loaded, lambda state, number=number: steps.release(state, number, now_ms()))  # type: ignore[misc]
    job = await run_part(worker, letters, job, "a")
    assert job.stages[STAGE].status == "queued"


async def test_a_late_attempt_writes_nothing(store: Store, worker: WorkerContext[None]) -> None:
    letters = Letters("ab")
    job = await run_stage(worker, letters, await created(store))
    digest = Part.of("a").digest
    late = await store.parts.apply(
        await store.parts.load(job.id, digest), lambda state: steps.begin(state, "late", now_ms())
    )
    number = PartId(job.id, STAGE, digest, 1)
    lapsed = await store.parts.apply(late, lambda state: steps.lapse(state, number, now_ms()))
    again = await store.parts.apply(lapsed, lambda state: steps.begin(state, "other", now_ms()))
    with pytest.raises(StaleAttempt):
        await store.parts.apply(late, lambda state: steps.succeed(state, number, now_ms()))
    assert (await store.parts.load(job.id, digest)).record == again.record
    await store.jobs.apply(job, lambda job: jobs.cancel(job, now_ms()))
    with pytest.raises(IllegalTransition):
        await store.parts.apply(again, lambda state: steps.succeed(state, replace(number, attempt=2), now_ms()))
    assert not await store.redis.exists(store.keys.parts(job.id, "states"))


async def test_parts_of_a_job_that_an_earlier_version_has_canceled_end_when_they_are_claimed(
    store: Store, worker: WorkerContext[None]
) -> None:
    """It writes the job's record and knows nothing of parts."""
    letters = Letters()
    job = await run_stage(worker, letters, await created(store))
    record = orjson.dumps(jobs.to_record(jobs.cancel(job, now_ms())))
    await store.redis.hset(store.keys.job(job.id), mapping={"seq": job.seq + 1, "record": record})  # type: ignore[misc]
    name = store.keys.queue(STAGE)
    for letter in "abc":
        await run_part(worker, letters, job, letter)
        entry = await entry_of(store, job, letter)  # which the worker then removes
        await store.redis.zrem(f"{name}:ready:{arq_format.group('anna', lane=arq_format.PARTS)}", entry)
    assert await rescue.sweep(store, "w", 0.01) == 0
    assert (letters.runs, await store.unfinished.count()) == ({}, 0)


async def test_who_comes_late_to_a_part_leaves_it_to_the_other(store: Store, worker: WorkerContext[None]) -> None:
    """Its lease ran out before it began, and another worker has the same entry."""
    letters = Letters("a")
    job = await run_stage(worker, letters, await created(store))
    loaded = await store.parts.load(job.id, Part.of("a").digest)
    await store.parts.apply(loaded, lambda state: steps.begin(state, "other", now_ms()))
    with pytest.raises(IllegalTransition):
        await store.parts.apply(loaded, lambda state: steps.begin(state, "late", now_ms()))
    assert await store.unfinished.count() == 1


@pytest.mark.parametrize("begun", [False, True])
async def test_a_part_without_an_entry_is_queued_again(store: Store, worker: WorkerContext[None], begun: bool) -> None:
    letters = Letters()
    job = await run_stage(worker, letters, await created(store))
    if begun:
        loaded = await store.parts.load(job.id, Part.of("b").digest)
        await store.parts.apply(loaded, lambda state: steps.begin(state, "w", now_ms()))
    name, lost = store.keys.queue(STAGE), await entry_of(store, job, "b")
    await store.redis.zrem(f"{name}:ready:{arq_format.group('anna', lane=arq_format.PARTS)}", lost)
    assert await rescue.sweep(store, "w", 0.01) == 1
    assert await entry_of(store, job, "b") != lost
    assert await rescue.sweep(store, "w", 0.01) == 0
    for letter in "abc":
        job = await run_part(worker, letters, job, letter)
    assert job.stages[STAGE].status == "queued"


async def test_an_entry_that_cannot_be_run_ends_its_part(store: Store, worker: WorkerContext[None]) -> None:
    letters = Letters()
    job = await run_stage(worker, letters, await created(store))
    await parts.abandon(worker, STAGE, {"filters": letters.work}, await entry_of(store, job, "a"))
    job = await store.jobs.get(job.id)
    assert job.error
    assert (job.status, job.error["type"]) == ("failed", "/problems/worker-lost")
