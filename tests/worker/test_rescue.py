"""Orphans: jobs and deliveries that have lost their queue entry are found, whatever took it from them."""

import asyncio
import logging

import orjson
import pytest
from arq.connections import ArqRedis

from nlp2filters.clock import now_ms
from nlp2filters.core import jobs
from nlp2filters.core.jobs import Job
from nlp2filters.core.statuses import Outcome
from nlp2filters.storage import arq_format
from nlp2filters.storage.redis_keys import Keys
from nlp2filters.storage.store import Store
from nlp2filters.worker import rescue
from nlp2filters.worker.attempt import NO_RESULT

HOOK = "https://hook.example/"


@pytest.fixture
def store(redis: ArqRedis, keys: Keys) -> Store:
    return Store(redis, keys, retention_s=60)


async def created(store: Store, number: int = 1) -> Job:
    notify: tuple[Outcome, ...] = ("succeeded", "canceled")
    id_ = f"job_{store.keys.prefix}-{number}"
    job = jobs.create(id_, "filters", "anna", now_ms(), deadline_s=30, notify=notify, webhook=HOOK)
    await store.jobs.create(job, b"{}")
    return job


async def at_embedding(store: Store) -> Job:
    return await created(store)


async def running(store: Store) -> Job:
    return await store.jobs.apply(await created(store), lambda job: jobs.begin(job, "embedding", "w", now_ms()))


async def at_llm(store: Store) -> Job:
    return await store.jobs.apply(await running(store), lambda job: jobs.advance(job, job.attempt, now_ms()))


async def canceling(store: Store) -> Job:
    return await store.jobs.apply(await running(store), lambda job: jobs.cancel(job, now_ms()))


async def delivering(store: Store) -> Job:
    return await store.jobs.apply(await created(store), lambda job: jobs.cancel(job, now_ms()), events=[NO_RESULT])


async def strip(store: Store, stage: str) -> None:
    """Remove everything of a queue by hand, entries and all."""
    name = store.keys.queue(stage)
    for key in [key async for key in store.redis.scan_iter(match=f"{name}*")]:
        await store.redis.delete(key)


async def entries(store: Store, stage: str) -> list[bytes]:
    name, group = (
        store.keys.queue(stage),
        arq_format.group("anna", receiver="hook.example" if stage == "delivery" else ""),
    )
    ready: list[bytes] = await store.redis.zrange(f"{name}:ready:{group}", 0, -1)
    return ready


@pytest.mark.parametrize(
    ("state", "stage"),
    [
        (at_embedding, "embedding"),
        (running, "embedding"),
        (at_llm, "llm"),
        (canceling, "embedding"),
        (delivering, "delivery"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
async def test_an_orphan_is_queued_again(
    store: Store, state: object, stage: str, caplog: pytest.LogCaptureFixture
) -> None:
    job: Job = await state(store)  # type: ignore[operator]
    await strip(store, stage)
    with caplog.at_level(logging.ERROR):
        assert await rescue.sweep(store, "w", 0.01) == 1
    (entry,) = await entries(store, stage)
    assert arq_format.job_of(entry.decode()) == job.id
    assert await store.redis.exists(f"arq:job:{entry.decode()}")
    assert await store.redis.hget(store.keys.stats, "rescued") == b"1"  # type: ignore[misc]
    assert "rescued" in caplog.text
    assert await rescue.sweep(store, "w", 0.01) == 0
    assert (await store.jobs.get(job.id)).counted_attempts == 0


async def test_what_is_where_it_should_be_is_left_alone(store: Store, redis: ArqRedis) -> None:
    for number in range(600):  # more than one part
        await created(store, number)
    assert await rescue.sweep(store, "w", 0.01) == 0
    await redis.zrem(
        f"{store.keys.queue('embedding')}:ready:{arq_format.group('anna')}", f"job_{store.keys.prefix}-7:embedding-1"
    )
    assert await rescue.sweep(store, "w", 0.01) == 1


async def test_a_job_under_a_lease_is_no_orphan(store: Store, redis: ArqRedis) -> None:
    job = await running(store)
    await strip(store, "embedding")
    await redis.set(f"arq:in-progress:{job.id}:embedding-1", "token", px=60_000)
    assert await rescue.sweep(store, "w", 0.01) == 0


async def test_what_is_gone_is_struck_off(store: Store, redis: ArqRedis) -> None:
    job = await created(store)
    await strip(store, "embedding")
    await redis.delete(store.keys.job(job.id))
    assert await rescue.sweep(store, "w", 0.01) == 0
    assert await store.unfinished.count() == 0


async def test_a_job_of_a_newer_version_is_left(store: Store, redis: ArqRedis) -> None:
    job = await created(store)
    await strip(store, "embedding")
    record = {**jobs.to_record(job), "v": jobs.VERSION + 1}
    await redis.hset(store.keys.job(job.id), "record", orjson.dumps(record))  # type: ignore[misc, arg-type]
    assert await rescue.sweep(store, "w", 0.01) == 0
    assert await store.unfinished.count() == 1


async def test_a_record_that_nobody_can_read_keeps_no_other_from_being_found(
    store: Store, redis: ArqRedis, caplog: pytest.LogCaptureFixture
) -> None:
    broken, whole = await created(store, 1), await created(store, 2)
    await strip(store, "embedding")
    record = {**jobs.to_record(broken), "stages": None}
    await redis.hset(store.keys.job(broken.id), "record", orjson.dumps(record))  # type: ignore[misc, arg-type]
    assert await rescue.sweep(store, "w", 0.01) == 1
    assert [arq_format.job_of(entry.decode()) for entry in await entries(store, "embedding")] == [whole.id]
    assert "could not rescue" in caplog.text


async def test_one_worker_of_all_looks_for_orphans(store: Store, redis: ArqRedis) -> None:
    await created(store)
    await strip(store, "embedding")
    both = [asyncio.create_task(rescue.run(store, worker, 0.2)) for worker in ("w1", "w2")]
    async with asyncio.timeout(20):
        while await redis.hget(store.keys.stats, "rescued") != b"1":  # type: ignore[misc]
            await asyncio.sleep(0.01)
    for task in both:
        task.cancel()
    await asyncio.gather(*both, return_exceptions=True)
    assert len(await entries(store, "embedding")) == 1
