"""The message that a webhook gets, as it is stored when a job or batch ends, also by an earlier version."""

from typing import Any

import orjson
import pytest

from nlp2filters.clock import now_ms
from nlp2filters.core import jobs
from nlp2filters.core.batches import Batch
from nlp2filters.core.jobs import Job
from nlp2filters.errors import JobNotFound
from nlp2filters.storage.redis_keys import Keys
from nlp2filters.storage.retrying_redis import RetryingRedis
from nlp2filters.storage.store import Store
from nlp2filters.worker.webhook_delivery import load_message

URL = "https://hook.example/"
REQUEST = orjson.dumps({"text": "x", "webhook": {"url": URL, "events": ["canceled"]}})


@pytest.fixture
def store(redis: RetryingRedis, keys: Keys) -> Store:
    return Store(redis, keys, retention_s=60)


async def stored_message(store: Store, subject: str) -> dict[str, Any]:
    return orjson.loads(await store.redis.get(store.keys.message(subject)))  # type: ignore[no-any-return]


async def canceled_job(store: Store, **about: Any) -> Job:
    job = jobs.create("job_1", "filters", "anna", now_ms(), deadline_s=60, **about)
    await store.jobs.create(job, REQUEST)
    return await store.jobs.apply(job, lambda job: jobs.cancel(job, now_ms()))


async def ended_batch(store: Store) -> Batch:
    job = jobs.create("job_2", "filters", "anna", now_ms(), deadline_s=60, batch_id="batch_1", custom_id="a")
    batch = Batch("batch_1", "anna", now_ms(), (("a", job.id),), notify="event")
    await store.batches.create(batch, [(job, b'{"text": "x"}')], orjson.dumps({"webhook": {"url": URL}}))
    await store.jobs.apply(job, lambda job: jobs.cancel(job, now_ms()))
    return batch


async def test_the_message_of_a_job_names_its_type_and_survives_the_job(store: Store) -> None:
    job = await canceled_job(store, webhook=URL, notify=("canceled",))
    assert (await stored_message(store, job.id))["subject_type"] == "job"
    await store.jobs.delete(job)
    message = await load_message(store, job.id)
    assert message
    assert (message.owner, message.url) == ("anna", URL)
    assert orjson.loads(message.body)["data"]["job_id"] == job.id


async def test_the_message_of_a_batch_names_its_type(store: Store) -> None:
    batch = await ended_batch(store)
    assert await stored_message(store, batch.id) == {"subject_type": "batch", "owner": "anna", "url": URL}
    message = await load_message(store, batch.id)
    assert message
    assert orjson.loads(message.body)["data"]["request_counts"]["canceled"] == 1


@pytest.mark.parametrize("written", [True, False], ids=["without the type", "not at all"])
async def test_the_message_that_an_earlier_version_wrote(store: Store, written: bool) -> None:
    job = await canceled_job(store, webhook=URL, notify=("canceled",))
    batch = await ended_batch(store)
    for subject in (job.id, batch.id):
        today = await load_message(store, subject)
        record = await stored_message(store, subject)
        del record["subject_type"]
        await store.redis.set(store.keys.message(subject), orjson.dumps(record))
        if not written:
            await store.redis.delete(store.keys.message(subject))
        assert today
        assert await load_message(store, subject) == today


async def test_nobody_is_told_of_what_is_gone(store: Store) -> None:
    with pytest.raises(JobNotFound):
        await load_message(store, "job_none")
