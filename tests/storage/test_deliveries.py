"""The log of a delivery: attempts in order, each once, and requested redeliveries."""

import asyncio

import pytest
from arq.constants import job_key_prefix
from arq.jobs import deserialize_job_raw

from nlp2filters.clock import now_ms
from nlp2filters.storage import arq_format
from nlp2filters.storage.store import Store


@pytest.fixture(autouse=True)
async def message(store: Store) -> None:
    """What is delivered: without it, the delivery has been erased."""
    await store.redis.set(store.keys.message("job_1"), b"{}", ex=60)


async def test_deliveries_are_listed_in_their_order(store: Store) -> None:
    for number, status in enumerate((500, 200)):
        assert await store.deliveries.add(
            "job_1", {"status": status, "ok": status == 200, "final": status == 200}, read=number
        )
    assert [attempt["status"] for attempt in await store.deliveries.log("job_1")] == [500, 200]


async def test_a_late_note_of_a_delivery_is_refused(store: Store) -> None:
    """Its worker was frozen while another made the last attempt: the delivery stays at its end."""
    first, last = {"status": 500, "ok": False, "final": False}, {"status": 200, "ok": True, "final": True}
    assert await store.deliveries.add("job_1", first, read=0)
    assert await store.deliveries.add("job_1", last, read=1)
    assert await store.deliveries.add("job_1", last, read=1)  # sent again: the answer was lost
    assert not await store.deliveries.add("job_1", first, read=0)
    assert not await store.deliveries.add("job_1", first, read=1)
    assert await store.deliveries.log("job_1") == [first, last]


async def test_a_delivery_asked_for_anew_survives_the_end_of_the_last(store: Store) -> None:
    """Its last attempt has been noted, but its worker has not taken the entry out yet."""
    name, last = store.keys.queue("delivery"), arq_format.entry_id("delivery", "job_1")
    await store.redis.zadd(name, {last: now_ms()})
    await store.deliveries.add("job_1", {"ok": True, "final": True}, read=0)
    notes = await store.deliveries.log("job_1")
    await asyncio.gather(*(store.deliveries.redeliver("job_1", "anna", "https://a.example/", notes) for _ in range(3)))
    await store.redis.zrem(name, last)
    (entry,) = [entry.decode() for entry in await store.redis.zrange(arq_format.all_key(name), 0, -1)]
    assert arq_format.job_of(entry) == "job_1"
    data = await store.redis.get(job_key_prefix + entry)
    function, args, *_ = deserialize_job_raw(data, deserializer=arq_format.loads)
    assert (function, list(args)) == ("deliver", ["job_1"])
