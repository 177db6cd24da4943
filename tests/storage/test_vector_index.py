"""Catalog indexes against a real Redis: built once, a chunk at a time, beside the jobs."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from arq.connections import ArqRedis
from arq.worker import Retry
from redis import Redis

from nlp2filters.core import catalog as catalogs
from nlp2filters.core.linking import Lexicon, ValueTarget, embeddable
from nlp2filters.embedding.embedder import Embedder
from nlp2filters.storage import arq_format, vector_index
from nlp2filters.storage.index_requests import KEPT_S, digest_of, index_id
from nlp2filters.storage.index_requests import NAMES as NAMES_MEMBER
from nlp2filters.storage.redis_keys import Keys
from nlp2filters.storage.store import Store
from nlp2filters.storage.vector_index import CHUNK, Indexes, Vectors, pack, unpack
from nlp2filters.worker import filters
from tests import contexts
from tests.service import ANSWERING, Service, started

NAMES = tuple(f"name {number}" for number in range(2 * CHUNK + 3))


def vectors_of(texts: Sequence[str]) -> Vectors:
    made = np.stack([np.random.default_rng(sum(text.encode())).normal(size=384) for text in texts])
    found: Vectors = (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)
    return found


class CountingEmbedder:
    """Makes a vector of each text and remembers the texts; after `dies_after` of them it fails."""

    def __init__(self, dies_after: int | None = None) -> None:
        self.texts: list[str] = []
        self.dies_after = dies_after

    async def embed(self, texts: Sequence[str]) -> Vectors:
        if self.dies_after is not None and len(self.texts) >= self.dies_after:
            raise RuntimeError("killed")
        self.texts += texts
        await asyncio.sleep(0)
        return vectors_of(texts)


@pytest.fixture
def kept(redis: ArqRedis, keys: Keys) -> Indexes:
    return Indexes(redis, keys)


def test_a_packed_vector_takes_a_quarter_and_is_nearly_the_same() -> None:
    vectors = vectors_of(NAMES)
    content = pack(vectors)
    assert len(content) < vectors.nbytes / 3.9
    again = unpack(content)
    assert np.allclose(np.linalg.norm(again, axis=1), 1, atol=1e-5)
    assert np.abs(again @ vectors.T - vectors @ vectors.T).max() < 0.002


async def test_an_index_is_built_once_and_then_read(kept: Indexes, redis: ArqRedis, keys: Keys) -> None:
    assert await kept.load(NAMES) is None
    await kept.request(NAMES)
    await kept.request(NAMES)
    digest, embedder = digest_of(NAMES), CountingEmbedder()
    assert await redis.zrange(keys.queue("embedding"), 0, -1) == [arq_format.index_entry_id(digest).encode()]
    assert await kept.build(digest, embedder.embed)
    assert sorted(embedder.texts) == sorted(NAMES)
    assert await kept.build(digest, embedder.embed)
    assert len(embedder.texts) == len(NAMES)
    found = await Indexes(redis, keys).load(NAMES)
    assert found is not None
    assert np.abs(found - vectors_of(NAMES)).max() < 0.002
    assert 0 < await redis.ttl(keys.vectors(digest)) <= KEPT_S


async def test_what_a_dead_worker_left_is_not_embedded_again(kept: Indexes) -> None:
    await kept.request(NAMES)
    digest, dying, heir = digest_of(NAMES), CountingEmbedder(dies_after=CHUNK), CountingEmbedder()
    with pytest.raises(RuntimeError):
        await kept.build(digest, dying.embed)
    assert await kept.load(NAMES) is None
    assert await kept.build(digest, heir.embed)
    assert set(heir.texts) == set(NAMES[CHUNK:])
    assert await kept.load(NAMES) is not None


async def test_one_that_takes_long_goes_to_the_end_of_the_queue(
    kept: Indexes, redis: ArqRedis, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vector_index, "TURN_S", -1.0)
    worker = contexts.embedding(Store(redis, keys, retention_s=60), CountingEmbedder())
    await kept.request(NAMES)
    with pytest.raises(Retry):
        await filters.build_index({"worker": worker}, digest_of(NAMES))


async def test_one_index_at_a_time_so_that_jobs_find_free_slots(redis: ArqRedis, keys: Keys) -> None:
    worker = contexts.embedding(Store(redis, keys, retention_s=60), CountingEmbedder())
    await worker.services.indexes.request(NAMES)
    first = asyncio.create_task(filters.build_index({"worker": worker}, digest_of(NAMES)))
    while not worker.services.indexes.busy:
        await asyncio.sleep(0)
    with pytest.raises(Retry):
        await filters.build_index({"worker": worker}, digest_of(NAMES[:1]))
    await first


async def test_memory_has_a_bound(kept: Indexes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vector_index, "MAX_CACHED_BYTES", 3 * 384 * 4)
    for number in range(5):
        await kept.save((f"a{number}", f"b{number}"), vectors_of(("a", "b")))
    assert len(kept._cached) == 1


def large(count: int) -> dict[str, object]:
    """A catalog with so many values that it is not embedded in a job."""
    values = ["four-wheel car", *(f"part number {number}" for number in range(count))]
    return {
        "name": "parts",
        "fields": [
            {"name": "kind", "type": "keyword", "closed": True, "values": values, "synonyms": ["type of thing"]}
        ],
    }


async def test_a_job_before_the_index_is_read_without_it(redis: ArqRedis, keys: Keys, model_folder: Path) -> None:
    embedder = await Embedder.load(model_folder)
    try:
        worker = contexts.embedding(Store(redis, keys, retention_s=60), embedder)
        lexicon = Lexicon.of(catalogs.parse(large(1_100)))
        assert await worker.services.name_vectors(lexicon) is None
        assert await redis.zcard(keys.queue("embedding")) == 1
        while True:
            try:
                await filters.build_index({"worker": worker}, digest_of(lexicon.indexed))
                break
            except Retry:
                continue
        vectors = await worker.services.name_vectors(lexicon)
        assert vectors is not None
        (said,) = await embedder.embed(["4 wheel automobile"])
        (best,) = lexicon.targets[int(np.argmax(vectors[: len(lexicon.names)] @ said))]
        assert isinstance(best, ValueTarget)
        assert best.value == "four-wheel car"
    finally:
        await embedder.close()


@pytest.fixture
def own_service(tmp_path: Path) -> Iterator[Service]:
    """A service of the test's own: its embedding worker is kept busy for a while."""
    with started(tmp_path, *ANSWERING) as service:
        yield service


def test_other_jobs_do_not_wait_for_an_index(own_service: Service) -> None:
    """By the order of events: jobs that are submitted after a catalog of 10,000 values end before it is indexed."""
    catalog = large(10_000)
    response = own_service.client.put("/v1/catalogs/parts", json=catalog, timeout=60)
    assert response.status_code == 201
    on_it = [own_service.submit(f"part number {number}", catalog="parts") for number in (7, 9_999)]
    beside = [own_service.submit("japanese cars with at least 30 mpg") for _ in range(8)]
    results = [own_service.result(job_id) for job_id in (*on_it, *beside)]
    key = Keys().vectors(index_id(tuple(embeddable(catalogs.parse(catalog))), owner="anonymous"))
    with Redis.from_url(own_service.environment["REDIS_URL"]) as redis:
        assert redis.hexists(key, NAMES_MEMBER)  # it is still being built
    assert [result["conditions"][0]["value"] for result in results[:2]] == ["part number 7", "part number 9999"]
    assert all(len(result["conditions"]) == 2 for result in results[2:])
