"""Everything of one owner in Redis and the blob store: counted, read, deleted; and nothing of others."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import orjson
import pytest
from redis.asyncio import Redis

from nlp2filters.clock import now_ms
from nlp2filters.core import batches, catalog, jobs
from nlp2filters.core.jobs import Job
from nlp2filters.core.parts import Part, Split
from nlp2filters.errors import JobNotFound
from nlp2filters.storage import request_parts
from nlp2filters.storage.answer_cache import AnswerCache
from nlp2filters.storage.api_keys import Caller, StreamTokens
from nlp2filters.storage.blobs.in_folder import FolderBackend
from nlp2filters.storage.blobs.store import Blobs, Quota
from nlp2filters.storage.catalogs import Catalogs
from nlp2filters.storage.commits import EventDraft
from nlp2filters.storage.idempotency import IdempotencyKey
from nlp2filters.storage.index_requests import IndexUser
from nlp2filters.storage.owned_keys import OWNED
from nlp2filters.storage.owners import FILES, Owners
from nlp2filters.storage.spending import Spender
from nlp2filters.storage.store import Store
from nlp2filters.storage.vector_index import Indexes
from tests import contexts

MARK = "zebrafish"
LARGE = {"name": MARK, "title": MARK * 50, "description": MARK * 50, "fields": [{"name": "a", "type": "keyword"}]}


async def pieces(content: bytes) -> AsyncIterator[bytes]:
    yield content


def new(owner: str, job_id: str, **options: object) -> Job:
    return jobs.create(job_id, "filters", owner, now_ms(), deadline_s=30, **options)  # type: ignore[arg-type]


def running(job: Job) -> Job:
    return jobs.begin(job, job.stage, "w", now_ms())


async def busy(store: Store, blobs: Blobs, owner: str) -> None:
    """Write something of every kind for an owner; several jobs are unfinished."""
    redis, keys = store.redis, store.keys
    request = request_parts.compose({"text": MARK}, {"catalog": request_parts.Part.of(LARGE)})
    for number in range(3):
        once = IdempotencyKey(f"k{number}", MARK) if number else None
        await store.jobs.create(new(owner, f"job_{owner}{number}"), request, once=once)
    failed = await store.jobs.apply(await store.jobs.get(f"job_{owner}0"), running)
    error = {"detail": MARK}
    await store.jobs.apply(
        failed, lambda job: jobs.fail(job, job.attempt, error, now_ms()), events=[EventDraft("done", {})]
    )
    split = await store.jobs.apply(await store.jobs.get(f"job_{owner}1"), running)
    parts = [Part.of(f"{MARK}{number}", payload=MARK) for number in range(3)]
    await store.parts.save_payloads(split, parts, 0)
    whole = Split([part.digest for part in parts], [part.digest for part in parts])
    await store.jobs.apply(split, lambda job: jobs.split(job, job.attempt), split=whole)
    await store.deliveries.add(f"job_{owner}0", {"error": MARK, "ok": False, "final": True}, read=0)
    batch = batches.Batch(f"batch_{owner}", owner, now_ms(), (("a", f"job_{owner}b"),))
    member = new(owner, f"job_{owner}b", batch_id=batch.id)
    await store.batches.create(batch, [(member, request)], orjson.dumps({"text": MARK}))
    await redis.set(keys.message(f"job_{owner}0"), orjson.dumps({"owner": owner, "url": MARK}), ex=60)
    await contexts.derived(store).save(owner, "ab", MARK.encode() + b"\xff")
    await AnswerCache(redis, keys, owner, 60).save("ab", {"text": MARK})
    await Catalogs(redis, keys, kept_ms=1_000, retention_ms=1_000).put(owner, catalog.parse(LARGE), now_ms())
    await Indexes(redis, keys).request([MARK], user=IndexUser(owner))
    await StreamTokens(redis, keys).create(Caller(owner, frozenset()), f"job_{owner}0")
    await store.spending.add(Spender(f"job_{owner}0"), "p", "m", {"calls": 1}, 1, now_ms())
    await store.call_budgets.rejected(f"job_{owner}0")
    await blobs.store(owner, pieces(MARK.encode() * 30_000))
    await redis.hset(keys.blob_upload(owner, "u"), "0", MARK)  # type: ignore[misc]


async def dump(redis: Redis, prefix: str) -> dict[str, bytes]:
    """All keys of the test, and ARQ's, with their contents."""
    names = [name async for name in redis.scan_iter(count=1_000)]
    return {
        name.decode(): name + (await redis.dump(name) or b"")
        for name in names
        if name.startswith((prefix.encode(), b"arq:"))
    }


@pytest.fixture(params=["redis", "folder"])
def blobs(request: pytest.FixtureRequest, store: Store, tmp_path: Path) -> Blobs:
    if request.param == "redis":
        return contexts.blobs(store)
    return Blobs(FolderBackend(tmp_path, 60), Quota(store.redis, store.keys, 60_000, separate=False))


@pytest.fixture
def owners(store: Store, blobs: Blobs) -> Owners:
    return Owners(store, blobs)


async def test_all_of_an_owner_is_counted_and_read(store: Store, blobs: Blobs, owners: Owners) -> None:
    await busy(store, blobs, "anna")
    await busy(store, blobs, "an:na")
    kept = await owners.summary("anna")
    covered = {kind.name for kind in OWNED} - {"added_file_bytes", "submissions_per_minute"}
    assert set(kept) == {*covered, FILES}
    assert (kept["jobs"].count, kept["batches"].count, kept["catalogs"].count) == (4, 1, 1)
    assert (kept[FILES].count, kept[FILES].bytes) == (1, 30_000 * len(MARK))
    assert kept["catalogs"].expires_in_s is None
    assert 0 < (kept["jobs"].expires_in_s or 0) < 200
    everything = {kind.name: [one async for some in owners.records("anna", kind) for one in some] for kind in OWNED}
    assert {name: len(records) for name, records in everything.items() if records} == {
        name: one.count for name, one in kept.items() if name != FILES
    }
    (derived,) = everything["derived_results"]
    assert list(derived.value) == ["base64"]
    assert MARK in orjson.dumps([record.value for record in everything["jobs"]]).decode()
    totals = await owners.summaries()
    assert {name: totals[name][FILES].bytes for name in ("anna", "an:na")} == dict.fromkeys(
        ("anna", "an:na"), 30_000 * len(MARK)
    )


async def test_nothing_of_an_owner_remains_but_numbers(store: Store, blobs: Blobs, owners: Owners) -> None:
    await busy(store, blobs, "ben")
    before = await owners.summary("ben")
    await busy(store, blobs, "anna")
    deletion = await owners.delete("anna", patience_s=60)
    assert deletion.complete
    assert deletion.deleted["jobs"] == 4
    assert deletion.deleted[FILES] == 1
    left = {
        name: content for name, content in (await dump(store.redis, store.keys.prefix)).items() if "ben" not in name
    }
    assert not {name for name in left if "anna" in name and ":added" not in name and "index-anna" not in name}
    assert not {name for name, content in left.items() if MARK.encode() in content}
    shared = [
        store.keys.open,
        store.keys.failed("jobs"),
        store.keys.failed("deliveries"),
        store.keys.split_jobs("embedding"),
    ]
    assert not [name for name in shared if b"anna" in (await store.redis.dump(name) or b"")]
    queues = {name for name, content in left.items() if ":queue:" in name and b"job_anna" in content}
    assert not queues
    assert {name: one.count for name, one in (await owners.summary("ben")).items()} == {
        name: one.count for name, one in before.items()
    }
    assert (await owners.delete("anna", patience_s=60)).deleted.total() == 0


async def test_a_deletion_that_takes_too_long_is_continued(store: Store, blobs: Blobs, owners: Owners) -> None:
    await busy(store, blobs, "anna")
    first = await owners.delete("anna", patience_s=0)
    assert not first.complete
    rest = await owners.delete("anna", patience_s=60)
    assert rest.complete
    assert not {name for name in await owners.summary("anna") if not name.startswith("added")}


async def test_what_a_worker_writes_for_an_erased_job_does_not_come_back(
    store: Store, blobs: Blobs, owners: Owners
) -> None:
    """Each writes what it was at before it notices that its lease is gone."""
    await store.jobs.create(new("anna", "job_1"), b'{"text": "x"}')
    job = await store.jobs.apply(await store.jobs.get("job_1"), running)
    await owners.delete("anna", patience_s=60)
    with pytest.raises(JobNotFound):
        await store.jobs.apply(job, lambda job: jobs.checkpoint(job, job.attempt, "answer"), fields={"answer": b'"x"'})
    assert not await store.jobs.publish(job, [EventDraft("progress", {})], now_ms())
    await contexts.derived(store).save("anna", "ab", b"x", job_id="job_1")
    await AnswerCache(store.redis, store.keys, "anna", 60, "job_1").save("ab", {})
    await store.parts.save_payloads(job, [Part.of("a", payload="x")], 0)
    indexes = Indexes(store.redis, store.keys)
    await indexes.save(["a"], np.ones((1, 2), np.float32), user=IndexUser("anna", "job_1"))
    await indexes.request(["a"], user=IndexUser("anna", "job_1"))
    await blobs.store("anna", pieces(b"x"), job_id="job_1")
    await store.deliveries.add("job_1", {"ok": True, "final": True}, read=0)
    assert set(await owners.summary("anna")) <= {"added_bytes", "added_derived_bytes"}


async def test_a_deletion_races_with_workers_and_wins(store: Store, blobs: Blobs, owners: Owners) -> None:
    for number in range(20):
        await store.jobs.create(new("anna", f"job_{number}"), b'{"text": "x"}')

    async def work(number: int) -> None:
        with pytest.raises(JobNotFound):
            while True:
                job = await store.jobs.apply(await store.jobs.get(f"job_{number}"), running)
                await blobs.store("anna", pieces(bytes([number])), job_id=job.id)
                await store.jobs.apply(job, lambda job: jobs.release(job, job.attempt, now_ms()))

    workers = [asyncio.create_task(work(number)) for number in range(20)]
    await asyncio.sleep(0)
    await owners.delete("anna", patience_s=60)
    await asyncio.gather(*workers)
    assert set(await owners.summary("anna")) <= {"added_bytes"}
