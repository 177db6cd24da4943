"""The commits: record, event and queue entry together, once, and only from the state that was read."""

import asyncio
from functools import partial
from typing import Any

import orjson
import pytest
from arq.connections import ArqRedis
from arq.jobs import deserialize_job_raw
from redis.exceptions import ResponseError

from nlp2filters.clock import now_ms
from nlp2filters.core import jobs
from nlp2filters.core.jobs import Job
from nlp2filters.errors import IllegalTransition, JobNotFound, Overloaded, StaleAttempt
from nlp2filters.storage import arq_format
from nlp2filters.storage.commits import EventDraft
from nlp2filters.storage.redis_keys import Keys
from nlp2filters.storage.store import Store
from nlp2filters.storage.submissions import AdmissionLimits

STATUS = [EventDraft("status", {})]


def _begin(job: Job, worker: str) -> Job:
    return jobs.begin(job, "embedding", worker, now_ms())


def new(job_id: str = "job_1", **options: Any) -> Job:
    return jobs.create(job_id, "filters", "anna", now_ms(), deadline_s=30, **options)


async def queued(store: Store, stage: str) -> list[str]:
    return [entry.decode() for entry in await store.redis.zrange(arq_format.all_key(store.keys.queue(stage)), 0, -1)]


async def event_names(store: Store, job_id: str = "job_1") -> list[str]:
    entries = await store.redis.xrange(store.keys.events(job_id))
    return [fields[b"event"].decode() for _, fields in entries]


async def test_a_new_job_is_written_told_of_and_queued(store: Store) -> None:
    job = new()
    await store.jobs.create(job, b'{"text":"x"}')
    assert await store.jobs.load("job_1", "request", "result") == (job, {"request": {"text": "x"}})
    assert await event_names(store) == ["status"]
    assert await queued(store, "embedding") == ["job_1:embedding-1"]


async def test_the_queue_entry_is_one_that_arq_reads(store: Store) -> None:
    await store.jobs.create(new(), b"{}")
    data = await store.redis.get(arq_format.entry_key("embedding", "job_1", 1))
    function, args, kwargs, *_ = deserialize_job_raw(data, deserializer=arq_format.loads)
    assert (function, list(args), kwargs) == ("embed", ["job_1"], {})


async def test_everything_written_has_an_end(store: Store, redis: ArqRedis) -> None:
    await store.jobs.create(new(), b"{}")
    written = [key async for key in redis.scan_iter(match=f"*{store.keys.prefix}*")]
    written += [key async for key in redis.scan_iter(match="arq:job:job_1:*")]
    shared = {
        store.keys.stats.encode(),
        store.keys.counts.encode(),
        store.keys.open.encode(),
        arq_format.all_key(store.keys.queue("embedding")).encode(),
        f"{store.keys.queue('embedding')}:turns:main".encode(),
        f"{store.keys.queue('embedding')}:ready:{arq_format.group('anna')}".encode(),
        arq_format.wake_key(store.keys.queue("embedding")).encode(),
    }
    assert shared <= set(written)
    for key in set(written) - shared:
        assert 0 < await redis.pttl(key) <= 1000 * (30 + 60 + 60 + 60)


async def test_a_step_reaches_the_record_the_stream_and_the_next_queue(store: Store) -> None:
    await store.jobs.create(new(), b"{}")
    job = await store.jobs.apply(new(), lambda job: jobs.begin(job, "embedding", "w", now_ms()), events=STATUS)
    job = await store.jobs.apply(
        job,
        lambda job: jobs.advance(job, job.attempt, now_ms()),
        fields={"draft": b'{"a":1}'},
        events=[EventDraft("draft", {"a": 1})],
    )
    assert await store.jobs.load("job_1", "draft") == (job, {"draft": {"a": 1}})
    assert await event_names(store) == ["status", "status", "draft"]
    assert await queued(store, "llm") == ["job_1:llm-3"]


async def test_an_event_carries_the_whole_job_after_the_step(store: Store) -> None:
    await store.jobs.create(new(metadata={"for": "test"}), b"{}")
    await store.jobs.apply(
        new(), lambda job: jobs.begin(job, "embedding", "w", now_ms()), events=[EventDraft("status", {"x": 1})]
    )
    (_, fields) = (await store.redis.xrevrange(store.keys.events("job_1"), count=1))[0]
    data = orjson.loads(fields[b"data"])
    assert (data["type"], data["job_id"], data["seq"], data["x"]) == ("job.running", "job_1", 2, 1)
    assert data["job"]["stages"]["embedding"]["attempt"] == 1


async def test_of_two_who_step_at_once_each_sees_the_other(store: Store) -> None:
    job = new()
    await store.jobs.create(job, b"{}")
    both = [store.jobs.apply(job, partial(_begin, worker=worker), events=STATUS) for worker in ("w1", "w2")]
    first, second = await asyncio.gather(*both, return_exceptions=True)
    assert {type(first), type(second)} == {Job, IllegalTransition}
    assert (await store.jobs.get("job_1")).seq == 2


async def test_a_superseded_attempt_writes_nothing(store: Store) -> None:
    await store.jobs.create(new(), b"{}")
    late = await store.jobs.apply(new(), lambda job: jobs.begin(job, "embedding", "w1", now_ms()))
    lapsed = await store.jobs.apply(late, lambda job: jobs.lapse(job, late.attempt, now_ms()))
    await store.jobs.apply(lapsed, lambda job: jobs.begin(job, "embedding", "w2", now_ms()))
    with pytest.raises(StaleAttempt):
        await store.jobs.apply(
            late, lambda job: jobs.advance(job, late.attempt, now_ms()), fields={"draft": b"1"}, events=STATUS
        )
    assert await store.jobs.load("job_1", "draft") == (await store.jobs.get("job_1"), {})
    assert await queued(store, "llm") == []


async def test_a_commit_that_is_sent_twice_counts_once(store: Store) -> None:
    """The connection may break after the commit; the client then sends it again."""
    job = new()
    await store.jobs.create(job, b"{}")
    await store.jobs.create(job, b"{}")
    frozen = now_ms()
    first = await store.jobs.apply(job, lambda job: jobs.begin(job, "embedding", "w", frozen), events=STATUS)
    again = await store.jobs.apply(
        job, lambda job: jobs.begin(job, "embedding", "w", frozen) if job.seq == 1 else first
    )
    assert (first, await event_names(store)) == (again, ["status", "status"])


async def test_a_full_queue_takes_nothing_and_keeps_nothing(store: Store, redis: ArqRedis) -> None:
    await store.jobs.create(new("job_1"), b"{}", limits=AdmissionLimits(backlog=1))
    with pytest.raises(Overloaded):
        await store.jobs.create(new("job_2"), b"{}", limits=AdmissionLimits(backlog=1))
    assert not await redis.exists(store.keys.job("job_2"), store.keys.events("job_2"))
    assert await queued(store, "embedding") == ["job_1:embedding-1"]


async def test_the_end_of_a_job_with_a_webhook_queues_its_delivery(store: Store) -> None:
    job = new(notify=("succeeded",))
    await store.jobs.create(job, b"{}")
    job = await store.jobs.apply(job, lambda job: jobs.begin(job, "embedding", "w", now_ms()))
    job = await store.jobs.apply(job, lambda job: jobs.advance(job, job.attempt, now_ms()))
    job = await store.jobs.apply(job, lambda job: jobs.begin(job, "llm", "w", now_ms()))
    await store.jobs.apply(job, lambda job: jobs.succeed(job, job.attempt, now_ms()), fields={"result": b"{}"})
    assert await queued(store, "delivery") == ["job_1:delivery-3"]


async def test_an_outcome_that_the_webhook_does_not_ask_for_queues_nothing(store: Store) -> None:
    job = new(notify=("failed",))
    await store.jobs.create(job, b"{}")
    await store.jobs.apply(job, lambda job: jobs.expire(job, {}, now_ms()))
    assert await queued(store, "delivery") == []


async def test_a_job_that_is_not_there(store: Store) -> None:
    with pytest.raises(JobNotFound, match="job_x"):
        await store.jobs.get("job_x")


async def test_out_of_memory_leaves_nothing_half_written(store: Store, own_redis: ArqRedis, keys: Keys) -> None:
    store = Store(own_redis, keys, retention_s=60)
    await own_redis.config_set("maxmemory", "1")
    try:
        with pytest.raises(ResponseError, match="used memory > 'maxmemory'"):
            await store.jobs.create(new(), b"{}")
    finally:
        await own_redis.config_set("maxmemory", "0")
    assert await own_redis.keys("*") == []
