"""A stage whose provider limits the rate of calls is put off: as if it had not begun, and not for ever."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson
import pytest
from arq.connections import ArqRedis

from nlp2filters.clock import now_ms
from nlp2filters.core import interpretation, jobs
from nlp2filters.core.interpretation import Interpretation
from nlp2filters.core.jobs import Job
from nlp2filters.core.llm.messages import Message
from nlp2filters.core.llm.schema_limits import OPENAI_LIMITS
from nlp2filters.errors import ProviderUnavailable, RateLimited
from nlp2filters.llm import ANSWERS, Answer, Listener
from nlp2filters.settings import Settings
from nlp2filters.storage.redis_keys import Keys
from nlp2filters.storage.store import Store
from nlp2filters.worker import provider_calls
from nlp2filters.worker.attempt import WorkerContext
from nlp2filters.worker.llm_services import LLMServices
from nlp2filters.worker.stages import LLM, run_stage
from tests import contexts
from tests.worker.test_stages import ANSWER, REQUEST


class Provider:
    """Does each time what comes next: raises an error, or answers."""

    name, model = "scripted", "model-7"
    schema_limits = OPENAI_LIMITS

    def __init__(self, *script: Exception | dict[str, Any]) -> None:
        self.script = list(script)

    async def complete(
        self, messages: Sequence[Message], schema: Mapping[str, Any], listener: Listener | None = None
    ) -> Answer:
        outcome = self.script.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return Answer(orjson.dumps(outcome).decode(), "m")


@pytest.fixture
def store(redis: ArqRedis, keys: Keys) -> Store:
    return Store(redis, keys, retention_s=60)


async def at_llm(store: Store, **request: Any) -> Job:
    """A job whose draft is there and whose llm stage is queued."""
    job = jobs.create("job_1", "filters", "anna", now_ms(), deadline_s=30)
    await store.jobs.create(job, orjson.dumps({**REQUEST, **request}))
    job = await store.jobs.apply(job, lambda job: jobs.begin(job, "embedding", "w", now_ms()))
    draft = orjson.dumps(interpretation.to_json(Interpretation()))
    return await store.jobs.apply(job, lambda job: jobs.advance(job, job.attempt, now_ms()), fields={"draft": draft})


async def events(store: Store, job: Job) -> list[dict[str, Any]]:
    return [orjson.loads(fields[b"data"]) for _, fields in await store.redis.xrange(store.keys.events(job.id))]


async def run(worker: WorkerContext[LLMServices], job: Job) -> Job:
    """Make an attempt of the job's llm stage, whether it is due or not."""
    await run_stage(worker, "llm", job.id)
    return await worker.store.jobs.get(job.id)


async def result(store: Store, job: Job) -> dict[str, Any]:
    _, fields = await store.jobs.load(job.id, "result")
    found: dict[str, Any] = fields["result"]
    return found


async def test_it_uses_up_no_attempt_and_is_due_when_the_provider_said(store: Store) -> None:
    job = await at_llm(store)
    worker = contexts.llm(store, Provider(*[RateLimited("", 2.5) for _ in range(10)], ANSWER))
    for _ in range(10):
        before = now_ms()
        job = await run(worker, job)
        stage = job.stages["llm"]
        assert (stage.status, stage.attempt, stage.uncounted_attempts) == ("queued", 0, 0)
        assert before + 2_500 <= (stage.queued_at or 0) <= now_ms() + 2_500
        assert await store.redis.zcard(store.keys.queue("llm")) == 1
    steps = [event for event in await events(store, job) if event["type"] == "job.progress"]
    assert {(event["step"], event["detail"]) for event in steps} == {
        ("waiting", "model-7 has reached its limit of calls: going on in 3 s")
    }
    job = await run(worker, job)
    assert (job.status, job.stages["llm"].attempt) == ("succeeded", 1)
    assert (await result(store, job))["degraded"] is False


@pytest.mark.parametrize("wait_s", [61, 3_600])
async def test_a_wait_that_is_too_long_ends_with_the_draft(store: Store, wait_s: float) -> None:
    job = await run(contexts.llm(store, Provider(RateLimited("", wait_s))), await at_llm(store))
    assert job.status == "succeeded"
    outcome = await result(store, job)
    assert (outcome["degraded"], outcome["degraded_reason"]) == (True, "RateLimited")


async def test_without_a_draft_to_fall_back_on_it_fails_as_unavailable(store: Store) -> None:
    job = await run(contexts.llm(store, Provider(RateLimited("", 61))), await at_llm(store, strategy="llm"))
    assert (job.status, job.stages["llm"].attempt) == ("failed", 1)
    assert job.error
    assert job.error["type"].endswith("llm-unavailable")


async def test_all_times_of_being_put_off_count_together(store: Store) -> None:
    job = await at_llm(store)
    worker = replace(contexts.llm(store, Provider(*[RateLimited("", 0.2) for _ in range(3)])), max_put_off_s=0.5)
    for _ in range(2):
        job = await run(worker, job)
        assert job.status == "running"
    job = await run(worker, job)
    assert (job.status, (await result(store, job))["degraded"]) == ("succeeded", True)


async def test_waiting_for_ones_turn_does_not_count(store: Store) -> None:
    """A provider that takes calls, but not all at once, gets to every job in the end."""
    job = await at_llm(store)
    refusals = [RateLimited("", 0.4), *[RateLimited("", 1.0, takes_calls=True) for _ in range(20)]]
    worker = replace(contexts.llm(store, Provider(*refusals, ANSWER)), max_put_off_s=0.5)
    for _ in refusals:
        job = await run(worker, job)
        assert (job.status, job.stages["llm"].attempt) == ("running", 0)
    job = await run(worker, job)
    assert (job.status, (await result(store, job))["degraded"]) == ("succeeded", False)


@pytest.mark.parametrize("takes_calls", [False, True])
async def test_a_job_is_never_put_off_where_that_is_set(store: Store, takes_calls: bool) -> None:
    provider = Provider(RateLimited("", 1.0, takes_calls=takes_calls))
    job = await run(replace(contexts.llm(store, provider), max_put_off_s=0), await at_llm(store))
    assert (job.status, (await result(store, job))["degraded"]) == ("succeeded", True)


async def test_a_job_that_is_put_off_can_be_canceled_at_once(store: Store) -> None:
    job = await run(contexts.llm(store, Provider(RateLimited("", 30))), await at_llm(store))
    job = await store.jobs.apply(job, lambda job: jobs.cancel(job, now_ms()))
    assert job.status == "canceled"
    assert await store.redis.zcard(store.keys.queue("llm")) == 0


@pytest.mark.parametrize("timeout_s", [0.5, 30, 119, 3_600])
def test_both_answers_of_an_llm_fit_into_the_time_limit_of_its_stage(timeout_s: float) -> None:
    settings = Settings(llm_timeout_s=timeout_s)
    assert LLM.time_limit_s(settings) > len(ANSWERS) * provider_calls.answer_timeout_s(settings)
    assert provider_calls.answer_timeout_s(settings) > timeout_s


async def test_a_provider_that_never_ends_is_left_alone(store: Store) -> None:
    class Endless(Provider):
        async def complete(self, *args: Any, **kwargs: Any) -> Answer:
            await asyncio.Event().wait()
            raise AssertionError

    worker = contexts.llm(store, Endless())
    job = await run(replace(worker, services=replace(worker.services, answer_timeout_s=0.05)), await at_llm(store))
    assert (job.status, (await result(store, job))["degraded_reason"]) == ("succeeded", "ProviderTimeout")


FAILURES = [
    ProviderUnavailable("", 503),
    TimeoutError(),
    ValueError("a fault of our own"),
    KeyError("x"),
    MemoryError(),
    RecursionError(),
    OSError("no file descriptors"),
    ExceptionGroup("many", [ValueError()]),
]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
async def test_whatever_goes_wrong_with_the_llm_the_draft_stands(store: Store, failure: Exception) -> None:
    job = await run(contexts.llm(store, Provider(failure)), await at_llm(store))
    assert job.status == "succeeded"
    outcome = await result(store, job)
    assert (outcome["provider"], outcome["degraded"]) == ("builtin", True)


async def test_the_last_attempt_of_a_job_that_kills_its_workers_does_without_the_llm(store: Store) -> None:
    job = await at_llm(store)
    for worker_name in ("w1", "w2"):  # which end without a word
        job = await store.jobs.apply(job, lambda job, name=worker_name: jobs.begin(job, "llm", name, now_ms()))  # type: ignore[misc]
        job = await store.jobs.apply(job, lambda job: jobs.lapse(job, job.attempt, now_ms()))
    provider = Provider(ANSWER)
    job = await run(contexts.llm(store, provider), job)
    assert (job.status, (await result(store, job))["degraded"], len(provider.script)) == ("succeeded", True, 1)
