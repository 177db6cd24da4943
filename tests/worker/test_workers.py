"""What ARQ gives up, or cannot run, ends in the job's own record, with a last event: a browser waits for it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from arq.constants import job_key_prefix, retry_key_prefix
from arq.jobs import serialize_job

from nlp2filters.core import deliveries, jobs
from nlp2filters.core.jobs import Job
from nlp2filters.core.llm.schema_limits import OPENAI_LIMITS
from nlp2filters.settings import Settings
from nlp2filters.storage import arq_format
from nlp2filters.storage.connection import connect
from nlp2filters.storage.redis_keys import Keys
from nlp2filters.storage.retrying_redis import RetryingRedis
from nlp2filters.storage.store import Store
from nlp2filters.worker import attempt, leased_worker, stages, webhook_delivery
from nlp2filters.worker.leased_worker import LeasedWorker
from tests import contexts
from tests.worker.test_stages import ANSWER, CountingProvider, at_llm

Trap = Callable[[Store, str], Any]


@pytest.fixture
def store(redis: RetryingRedis, keys: Keys) -> Store:
    return Store(redis, keys, retention_s=60)


@asynccontextmanager
async def llm_worker(
    url: str, store: Store, provider: Any, time_limit_s: float = attempt.STAGE_TIMEOUT_S, **options: Any
) -> AsyncIterator[None]:
    """A worker of the llm queue as `worker_settings` makes it."""
    pool = connect(Settings(redis_url=url), patience_s=None)
    context = contexts.llm(Store(pool, store.keys, retention_s=60), provider, max_attempts=1, time_limit_s=time_limit_s)
    worker = LeasedWorker(
        functions=stages.functions_of(stages.LLM),
        queue_name=store.keys.queue("llm"),
        open_key=store.keys.open,
        redis_pool=pool,
        handle_signals=False,
        keep_result=0,
        job_serializer=arq_format.dumps,
        job_deserializer=arq_format.loads,
        ctx={"worker": context, "on_abandoned": stages.LLM.abandon},
        **{"max_tries": 1000, **options},
    )
    running = asyncio.create_task(worker.main())
    try:
        yield
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await worker.close()


async def ended(store: Store, job_id: str) -> Job:
    """The job, when it has ended."""
    async with asyncio.timeout(30):
        while not (job := await store.jobs.get(job_id)).done:
            await asyncio.sleep(0.02)
    return job


async def last_events(store: Store, job_id: str) -> list[bytes]:
    entries = await store.redis.xrange(store.keys.events(job_id))
    return [fields[b"event"] for _, fields in entries if fields[b"event"] == b"done"]


async def expire(store: Store, entry: str) -> None:
    await store.redis.delete(job_key_prefix + entry)


async def garble(store: Store, entry: str) -> None:
    await store.redis.set(job_key_prefix + entry, b"\x80not json")


async def name_no_function(store: Store, entry: str) -> None:
    data = serialize_job("no_such_function", ("job_1",), {}, None, 0, serializer=arq_format.dumps)
    await store.redis.set(job_key_prefix + entry, data)


async def try_too_often(store: Store, entry: str) -> None:
    await store.redis.set(retry_key_prefix + entry, 1000)


@pytest.mark.parametrize("trap", [expire, garble, name_no_function, try_too_often])
async def test_what_arq_gives_up(redis_url: str, store: Store, trap: Trap) -> None:
    job = await at_llm(store)
    await trap(store, arq_format.entry_id("llm", job.id, job.entry_number))
    provider = CountingProvider(ANSWER)
    async with llm_worker(redis_url, store, provider):
        job = await ended(store, job.id)
    assert (job.status, job.dead_lettered, provider.calls) == ("failed", True, 0)
    assert job.error
    assert job.error["type"] == "/problems/worker-lost"
    assert await last_events(store, job.id) == [b"done"]
    assert not await store.redis.zcard(arq_format.all_key(store.keys.queue("llm")))


class StuckProvider:
    """Never answers."""

    name, model = "stuck", "m"
    schema_limits = OPENAI_LIMITS

    async def complete(self, messages: Any, schema: Any, listener: Any = None) -> Any:
        await asyncio.Event().wait()


async def test_a_stage_that_takes_too_long(redis_url: str, store: Store) -> None:
    job = await at_llm(store)
    async with llm_worker(redis_url, store, StuckProvider(), time_limit_s=0.1):
        job = await ended(store, job.id)
    assert (job.status, job.dead_lettered) == ("failed", True)
    assert job.error
    assert job.error["type"] == "/problems/job-timeout"
    assert await last_events(store, job.id) == [b"done"]


async def test_a_stage_that_arq_times_out_uses_up_no_attempt(
    redis_url: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leased_worker, "CRASH_RETRY_MS", 0)
    job = await at_llm(store)
    async with llm_worker(redis_url, store, StuckProvider(), job_timeout=0.2):
        async with asyncio.timeout(30):
            while not (job := await store.jobs.get(job.id)).stages["llm"].uncounted_attempts:
                await asyncio.sleep(0.02)
    assert not job.done
    provider = CountingProvider(ANSWER)
    async with llm_worker(redis_url, store, provider):
        job = await ended(store, job.id)
    assert (job.status, provider.calls) == ("succeeded", 1)
    assert await last_events(store, job.id) == [b"done"]


async def rewrite(store: Store, job_id: str, **changes: Any) -> None:
    """Write members of a job's record as another version might have done."""
    key = store.keys.job(job_id)
    record: Any = await store.redis.hget(key, "record")  # type: ignore[misc]
    await store.redis.hset(key, "record", orjson.dumps({**orjson.loads(record), **changes}))  # type: ignore[misc, arg-type]


@pytest.mark.parametrize("payload", [None, name_no_function, garble])
async def test_a_job_of_a_newer_version_is_deferred_not_failed(
    redis_url: str, store: Store, payload: Trap | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where its queue entry is in a form that only the newer version knows."""
    monkeypatch.setattr(attempt, "NEWER_VERSION_WAIT_S", 0.1)
    monkeypatch.setattr(leased_worker, "CRASH_RETRY_MS", 100)
    job, entry = await at_llm(store), arq_format.entry_id("llm", "job_1", 3)
    as_queued: Any = await store.redis.get(job_key_prefix + entry)
    await rewrite(store, job.id, v=jobs.VERSION + 1, not_known_yet={"a": 1})
    if payload:
        await payload(store, entry)
    provider = CountingProvider(ANSWER)
    async with llm_worker(redis_url, store, provider):
        async with asyncio.timeout(30):
            while int(await store.redis.get(retry_key_prefix + entry) or 0) < 3:  # it was taken up and put back
                await asyncio.sleep(0.02)
        assert provider.calls == 0
        assert await last_events(store, job.id) == []
        # Now a worker of the newer version, to which its own form is nothing new.
        monkeypatch.setattr(jobs, "VERSION", jobs.VERSION + 1)
        record: Any = await store.redis.hget(store.keys.job(job.id), "record")  # type: ignore[misc]
        known = {name: value for name, value in orjson.loads(record).items() if name != "not_known_yet"}
        await store.redis.hset(store.keys.job(job.id), "record", orjson.dumps(known))  # type: ignore[misc, arg-type]
        await store.redis.set(job_key_prefix + entry, as_queued)
        job = await ended(store, job.id)
    assert (job.status, job.stages["llm"].attempt, provider.calls) == ("succeeded", 1, 1)


async def test_a_bug_before_the_stage_begins_ends_in_the_record(
    redis_url: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leased_worker, "CRASH_RETRY_MS", 1)
    job = await at_llm(store)

    def begin(*args: Any) -> Job:
        raise TypeError("a bug of ours")

    monkeypatch.setattr(jobs, "begin", begin)
    async with llm_worker(redis_url, store, CountingProvider(ANSWER)):
        job = await ended(store, job.id)
    assert (job.status, job.dead_lettered, job.stages["llm"].attempt) == ("failed", True, 0)
    assert job.error
    assert job.error["type"] == "/problems/worker-lost"
    assert await last_events(store, job.id) == [b"done"]


async def test_a_record_that_nobody_can_read_is_set_aside(
    redis_url: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stays as it is, for whoever may find out what has happened to it; its entry leaves the queue."""
    monkeypatch.setattr(leased_worker, "CRASH_RETRY_MS", 1)
    job = await at_llm(store)
    await rewrite(store, job.id, stages=None)
    async with llm_worker(redis_url, store, CountingProvider(ANSWER)):
        async with asyncio.timeout(30):
            while await store.redis.zcard(arq_format.all_key(store.keys.queue("llm"))):
                await asyncio.sleep(0.02)
    assert await store.redis.exists(store.keys.job(job.id))


async def test_a_delivery_that_was_given_up_can_be_asked_for_anew(store: Store) -> None:
    ctx, job = {"worker": contexts.context(store, None)}, await at_llm(store)
    for entry in (arq_format.entry_id("delivery", job.id), arq_format.entry_id("delivery", job.id, 3)):
        await webhook_delivery.abandon(ctx, entry)
    (note,) = await store.deliveries.log(job.id)
    assert deliveries.is_final([note])
    shown = deliveries.to_public(job.id, "job.succeeded", "https://a.example/", [note])
    assert (shown["state"], shown["attempts"][0]["status"]) == ("dead", None)


async def test_a_job_of_an_older_version_is_run(redis_url: str, store: Store) -> None:
    """Version 1 had no `kept` in its stages."""
    job = await at_llm(store)
    record: Any = orjson.loads(await store.redis.hget(store.keys.job(job.id), "record") or b"")  # type: ignore[misc]
    older = {name: {key: run[key] for key in run if key != "kept"} for name, run in record["stages"].items()}
    await rewrite(store, job.id, v=1, stages=older)
    async with llm_worker(redis_url, store, CountingProvider(ANSWER)):
        job = await ended(store, job.id)
    assert job.status == "succeeded"
    assert await last_events(store, job.id) == [b"done"]
