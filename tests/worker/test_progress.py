"""What followers are told of a running attempt: a real Redis, and a real LLM API that streams, breaks and is slow."""

import asyncio
import datetime as dt
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import groupby, pairwise
from typing import Any

import orjson
import pytest
from arq.connections import ArqRedis

from nlp2filters import translator
from nlp2filters.clock import now_ms
from nlp2filters.core import jobs
from nlp2filters.core.jobs import Job
from nlp2filters.llm.opening import create
from nlp2filters.llm.provider import LLMProvider
from nlp2filters.llm.registry import LLMConfig
from nlp2filters.settings import Settings
from nlp2filters.storage.commits import EventDraft
from nlp2filters.storage.connection import connect
from nlp2filters.storage.redis_keys import Keys
from nlp2filters.storage.retrying_redis import RetryingRedis
from nlp2filters.storage.store import Store
from nlp2filters.worker import progress
from nlp2filters.worker.progress import ProgressReporter
from nlp2filters.worker.stages import run_stage
from tests import contexts
from tests.peers import llm as peer
from tests.peers.llm import LLM, Reply
from tests.worker.test_stages import ANSWER, at_llm

TEXT = orjson.dumps({**ANSWER, "text": "größer 🚗"}).decode()
FAULTY = orjson.dumps({"conditions": [{"field": "Nationality"}]}).decode()
GOOD = Reply(content=TEXT, piece=5)
SLOW = replace(GOOD, pause_s=0.1)  # 3 s and more
NEWS = [EventDraft("delta", {"text": "a"}), EventDraft("progress", {"step": "asking"})]


@pytest.fixture
def store(redis: ArqRedis, keys: Keys) -> Store:
    return Store(redis, keys, retention_s=60)


@pytest.fixture
async def provider(llm: LLM) -> AsyncIterator[LLMProvider]:
    async with create(LLMConfig(provider="openai", base_url=llm.url, api_key="", model="m", timeout_s=20)) as provider:
        yield provider


async def running(store: Store) -> Job:
    """A job whose llm stage is being worked on."""
    job = await at_llm(store)
    return await store.jobs.apply(job, lambda job: jobs.begin(job, "llm", "w", now_ms()))


async def translated(store: Store, provider: LLMProvider, job: Job) -> None:
    await run_stage(contexts.llm(store, provider), "llm", job.id)


async def told(store: Store, name: str | None = None, job_id: str = "job_1") -> list[dict[str, Any]]:
    """The data of the events, or of those of a name."""
    entries = await store.redis.xrange(store.keys.events(job_id))
    return [orjson.loads(e[b"data"]) for _, e in entries if name in (None, e[b"event"].decode())]


def texts(deltas: list[dict[str, Any]]) -> dict[int, str]:
    """The texts by their number; the offsets must be right."""
    found: dict[int, str] = {}
    for delta in deltas:
        before = found.setdefault(delta["try"], "")
        assert delta["offset"] == len(before)
        found[delta["try"]] = before + delta["text"]
    return found


async def test_it_reaches_the_stream_and_nothing_else(store: Store) -> None:
    job = await running(store)
    before = await store.redis.hgetall(store.keys.job(job.id))  # type: ignore[misc]
    expires = await store.redis.pttl(store.keys.events(job.id))
    assert await store.jobs.publish(job, NEWS, 1_000)
    delta, progress = (await told(store))[-2:]
    about = {"job_id": job.id, "at": "1970-01-01T00:00:01.000Z", "stage": "llm", "attempt": 1}
    assert delta == {"type": "job.delta", **about, "text": "a"}
    assert progress == {"type": "job.progress", **about, "step": "asking"}
    assert await store.redis.hgetall(store.keys.job(job.id)) == before  # type: ignore[misc]
    assert 0 < await store.redis.pttl(store.keys.events(job.id)) <= expires


async def test_sent_again_it_is_told_once(store: Store) -> None:
    job = await running(store)
    assert await store.jobs.publish(job, NEWS, 1_000)
    count = len(await told(store))
    assert await store.jobs.publish(job, NEWS, 1_000)
    assert len(await told(store)) == count


async def test_an_attempt_that_is_over_tells_nothing(store: Store) -> None:
    first = await running(store)
    lapsed = await store.jobs.apply(first, lambda job: jobs.lapse(job, job.attempt, now_ms()))
    second = await store.jobs.apply(lapsed, lambda job: jobs.begin(job, "llm", "w2", now_ms()))
    assert not await store.jobs.publish(first, NEWS, 1_000)
    assert await store.jobs.publish(second, NEWS, 1_000)
    canceling = await store.jobs.apply(second, lambda job: jobs.cancel(job, now_ms()))
    assert not await store.jobs.publish(second, NEWS, 2_000)
    canceled = await store.jobs.apply(
        canceling, lambda job: jobs.finish_cancel(job, now_ms()), events=[EventDraft("done", {"result": None})]
    )
    assert not await store.jobs.publish(second, NEWS, 3_000)
    assert (await told(store))[-1]["type"] == "job.canceled"
    await store.jobs.delete(canceled)
    assert not await store.jobs.publish(second, NEWS, 4_000)
    assert await told(store) == []


async def test_a_stage_that_is_queued_again_or_done_tells_nothing(store: Store) -> None:
    job = await running(store)
    back = await store.jobs.apply(job, lambda job: jobs.release(job, job.attempt, now_ms()))
    assert not await store.jobs.publish(job, NEWS, 1_000)
    again = await store.jobs.apply(back, lambda job: jobs.begin(job, "llm", "w", now_ms()))
    await store.jobs.apply(again, lambda job: jobs.succeed(job, job.attempt, now_ms()), events=[EventDraft("done", {})])
    assert not await store.jobs.publish(again, NEWS, 1_000)


async def test_the_deltas_are_the_answer(store: Store, llm: LLM, provider: LLMProvider) -> None:
    llm.script(GOOD)
    await translated(store, provider, await at_llm(store))
    deltas = await told(store, "delta")
    assert texts(deltas) == {1: TEXT}
    assert [(delta["stage"], delta["attempt"]) for delta in deltas] == [("llm", 1)] * len(deltas)
    assert (await told(store))[-1]["type"] == "job.succeeded"


async def test_the_text_begins_anew_with_every_try_and_repair(store: Store, llm: LLM, provider: LLMProvider) -> None:
    llm.script(replace(GOOD, ends="cut"), Reply(content=FAULTY, piece=9), GOOD)
    await translated(store, provider, await at_llm(store))
    found = texts(await told(store, "delta"))
    assert TEXT.startswith(found.pop(1))
    assert found == {2: FAULTY, 3: TEXT}
    assert (await store.jobs.get("job_1")).status == "succeeded"


async def test_progress_says_what_goes_on(store: Store, llm: LLM, provider: LLMProvider) -> None:
    llm.script(
        replace(peer.server_error, headers={"retry-after": "1"}),
        replace(SLOW, content=FAULTY, delay_s=1.5),
        replace(SLOW, delay_s=1.5),
    )
    await translated(store, provider, await at_llm(store))
    progress = await told(store, "progress")
    first_told = {one["step"]: one["detail"] for one in reversed(progress)}
    assert first_told["retrying"] == "m is busy or out of reach: asking again in 1 s (try 2 of 3)"
    assert first_told["asking"] == "Asking m"
    steps = [step for step, _ in groupby(one["step"] for one in progress)]
    assert steps[steps.index("retrying") :] == ["retrying", "asking", "answering", "repairing", "answering"]
    counts = [one["characters"] for one in progress if one["step"] == "answering"]
    assert all(0 < count <= max(len(TEXT), len(FAULTY)) for count in counts)
    times = [dt.datetime.fromisoformat(one["at"]) for one in progress]
    assert all(later - earlier >= dt.timedelta(milliseconds=500) for earlier, later in pairwise(times))
    assert texts(await told(store, "delta")) == {2: FAULTY, 3: TEXT}


async def test_an_attempt_that_failed_says_when_the_next_one_is(
    store: Store, llm: LLM, provider: LLMProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "PROGRESS_MS", 0)
    monkeypatch.setattr(translator, "explain", lambda *_: 1 / 0)
    llm.script(GOOD)
    job = await at_llm(store)
    await translated(store, provider, job)
    last = (await told(store, "progress"))[-1]
    assert (last["step"], last["attempt"]) == ("retrying", 1)
    assert re.fullmatch(r"This did not work: trying again in [12] s", last["detail"])


async def test_a_text_without_end_is_told_in_part(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "MAX_CHARACTERS", 10)
    job = await running(store)
    async with ProgressReporter(store, job) as reporter:
        for text in ("abcdef", "ghijkl"):
            reporter.on_start()
            reporter.on_delta(text)
            reporter.on_delta("x")
    assert texts(await told(store, "delta")) == {1: "abcdefx", 2: "ghi"}


async def test_a_full_redis_ends_no_job(
    own_redis: RetryingRedis, llm: LLM, provider: LLMProvider, caplog: pytest.LogCaptureFixture
) -> None:
    port = own_redis.connection_pool.connection_kwargs["port"]
    worker = connect(Settings(redis_url=f"redis://127.0.0.1:{port}/0"), patience_s=None)
    store = Store(worker, Keys(), retention_s=60)
    job = await at_llm(store)
    caplog.set_level("INFO")
    llm.script(replace(SLOW, pause_s=0.2))
    working = asyncio.create_task(translated(store, provider, job))
    try:
        async with asyncio.timeout(60):
            while not await told(store, "delta"):
                await asyncio.sleep(0.02)
            await own_redis.config_set("maxmemory", 1)
            while "they are dropped" not in caplog.text:
                await asyncio.sleep(0.02)
    finally:
        await own_redis.config_set("maxmemory", 0)
        await working
    assert (await store.jobs.get(job.id)).status == "succeeded"
    assert (await told(store))[-1]["type"] == "job.succeeded"
    await worker.aclose()
