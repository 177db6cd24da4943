"""A claim hands over what an attempt reads first, and the commit that ends the attempt gives the lease back."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, cast

import pytest
from arq.worker import func

from nlp2filters.clock import now_ms
from nlp2filters.core import jobs
from nlp2filters.core.jobs import Job
from nlp2filters.settings import Settings
from nlp2filters.storage import arq_format
from nlp2filters.storage.connection import connect
from nlp2filters.storage.leases import Lease, Leases, RecordFields
from nlp2filters.storage.redis_keys import Keys
from nlp2filters.storage.retrying_redis import RetryingRedis
from nlp2filters.storage.store import Store
from nlp2filters.worker import attempt
from nlp2filters.worker.attempt import Attempt, StageResult
from nlp2filters.worker.leased_worker import LeasedWorker
from tests import contexts

STAGE = "embedding"


@pytest.fixture
def store(redis: RetryingRedis, keys: Keys) -> Store:
    return Store(redis, keys, retention_s=60)


def reads(keys: Keys) -> RecordFields:
    return RecordFields(keys.job(""), ("record", *attempt.reads(())))


async def created(store: Store, id_: str = "job_1", request: bytes = b'{"text":"cars"}') -> Job:
    job = jobs.create(id_, "filters", "anna", now_ms(), deadline_s=60)
    await store.jobs.create(job, request)
    return job


async def claimed(store: Store, slots: int = 10) -> Sequence[Lease]:
    leases = Leases(
        cast(RetryingRedis, store.redis), store.keys.queue(STAGE), store.keys.open, 60_000, reads(store.keys)
    )
    return (await leases.claim({"main": slots}, {}, owner_slots=99, receiver_slots=99)).leases


async def run(store: Store, lease: Lease) -> list[Any]:
    """Make an attempt; returns the requests that its function has got."""
    requests: list[Any] = []

    async def work(running: Attempt[None]) -> StageResult:
        requests.append(running.request)
        return StageResult({"draft": {}})

    await attempt.run(
        contexts.context(store, None), STAGE, {"filters": work}, (), arq_format.job_of(lease.entry), lease
    )
    return requests


async def arq_keys(store: Store, job_id: str) -> list[bytes]:
    return [key async for key in store.redis.scan_iter(f"arq:*:{job_id}:{STAGE}*")]


async def test_the_record_comes_with_the_claim_and_the_lease_goes_with_the_commit(store: Store) -> None:
    job = await created(store)
    (lease,) = await claimed(store)
    assert lease.content
    assert lease.tries == 1
    assert await arq_keys(store, job.id)
    assert await run(store, lease) == [{"text": "cars"}]
    assert lease.removed
    assert await arq_keys(store, job.id) == []
    assert (await store.jobs.get(job.id)).stage == "llm"


async def test_what_has_happened_since_the_claim_counts(store: Store) -> None:
    job = await created(store)
    (lease,) = await claimed(store)
    await store.jobs.apply(job, lambda job: jobs.cancel(job, now_ms()))
    assert await run(store, lease) == []
    assert (await store.jobs.get(job.id)).status == "canceled"


async def test_a_job_that_was_deleted_since_the_claim_stays_so(store: Store) -> None:
    job = await created(store)
    (lease,) = await claimed(store)
    await store.jobs.delete(await store.jobs.apply(job, lambda job: jobs.cancel(job, now_ms())))
    assert await run(store, lease) == []
    assert not await store.redis.exists(store.keys.job(job.id))


async def test_very_large_records_are_read_one_by_one(store: Store) -> None:
    """Otherwise a claim for 200 slots would hold up Redis, and fill the memory of the worker."""
    request = b'{"text":"%s"}' % (b"x" * 600_000)
    for number in range(4):
        await created(store, f"job_{number}", request)
    leases = await claimed(store)
    assert [bool(lease.record) for lease in leases] == [True, True, False, False]
    for lease in leases:
        (got,) = await run(store, lease)
        assert len(got["text"]) == 600_000


async def sent_about(redis: RetryingRedis, word: str, listening: asyncio.Event) -> list[str]:
    """Return the commands that clients send until an ECHO, and that contain a word; those of scripts do not count."""
    sent: list[str] = []
    async with redis.monitor() as monitor:
        listening.set()
        async for command in monitor.listen():
            if command["command"] == "ECHO the-end":
                return sent
            if command["client_type"] != "lua" and word in command["command"]:
                sent.append(command["command"].split(" ")[0])
    return sent


async def test_a_stage_sends_redis_nothing_but_the_commits_of_its_begin_and_its_end(
    redis_url: str, redis: RetryingRedis, store: Store
) -> None:
    pool = connect(Settings(redis_url=redis_url), patience_s=None)
    context, listening = contexts.context(Store(pool, store.keys, retention_s=60), None), asyncio.Event()

    async def work(running: Attempt[None]) -> StageResult:
        return StageResult({"draft": {}})

    async def embed(ctx: dict[str, Any], job_id: str) -> None:
        await attempt.run(context, STAGE, {"filters": work}, (), job_id, ctx["lease"])

    async def after_job_end(ctx: dict[Any, Any]) -> None:
        await redis.echo("the-end")

    worker = LeasedWorker(
        functions=[func(cast(Any, embed), name="embed")],
        queue_name=store.keys.queue(STAGE),
        open_key=store.keys.open,
        reads=reads(store.keys),
        redis_pool=pool,
        handle_signals=False,
        keep_result=0,
        after_job_end=after_job_end,
        job_serializer=arq_format.dumps,
        job_deserializer=arq_format.loads,
    )
    job_id = f"job_{store.keys.prefix}"
    await created(store, job_id)
    sending = asyncio.create_task(sent_about(redis, f":{job_id}", listening))
    await listening.wait()
    running = asyncio.create_task(worker.main())
    async with asyncio.timeout(20):
        assert await sending == ["EVALSHA", "EVALSHA"]
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    await worker.close()
