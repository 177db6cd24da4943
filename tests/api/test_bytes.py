"""The bytes that a request adds to Redis: at most three times its own, and a constant for each job; and a quota."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar
from unittest.mock import Mock

import httpx
import orjson
import pytest
from arq.connections import ArqRedis
from numpy import float32, zeros
from numpy.typing import NDArray
from redis import Redis

from nlp2filters.app import create_app
from nlp2filters.clock import now_ms
from nlp2filters.core import catalog as catalogs
from nlp2filters.core import jobs
from nlp2filters.errors import TooManyBytes
from nlp2filters.settings import Settings
from nlp2filters.storage import arq_format
from nlp2filters.storage.api_keys import ApiKeys
from nlp2filters.storage.connection import connect
from nlp2filters.storage.redis_keys import Keys
from nlp2filters.storage.request_parts import (
    BYTES_PER_BYTE_OF_SCOPE,
    BYTES_PER_BYTE_OF_SCOPE_AND_DIALECT,
    BYTES_PER_CHARACTER,
    JOB_BYTES,
    Part,
    Request,
)
from nlp2filters.storage.store import Store
from nlp2filters.storage.submissions import AdmissionLimits
from nlp2filters.worker.attempt import WorkerContext
from nlp2filters.worker.embedding_services import EmbeddingServices
from nlp2filters.worker.parsing.catalogs import CatalogParsers
from nlp2filters.worker.parsing.pool import Pool
from nlp2filters.worker.stages import run_stage
from tests import contexts
from tests.in_process import serving

T = TypeVar("T")
PLAN_BYTES = 8_000  # of a new job: its record, event, entry and their keys

pytestmark = pytest.mark.filterwarnings("ignore:alru_cache detected event loop change")  # a loop for each test


def catalog(name: str, size: int) -> dict[str, Any]:
    """A catalog of about so many bytes."""
    fields: list[dict[str, Any]] = [{"name": "price", "type": "number"}]
    while len(orjson.dumps(fields)) < size:
        values = [f"{name} {len(fields)} {number}" for number in range(min(50, size // 100))]
        fields += [{"name": f"f{len(fields) + more}", "type": "keyword", "values": values} for more in range(10)]
    return {"name": name, "fields": fields}


def batch(*requests: dict[str, Any]) -> dict[str, Any]:
    return {"requests": [{"custom_id": str(number), **request} for number, request in enumerate(requests)]}


SCOPE = {"op": "in", "args": [{"property": "price"}, [1e9 + number for number in range(199)]]}
IDS = {
    "op": "in",
    "args": [{"property": "id"}, [f"{number:08}-e89b-12d3-a456-426614174000" for number in range(10_000)]],
}
METADATA = {f"key {number}": "v" * 512 for number in range(16)}
SMALL, LARGE = catalog("small", 4_000), catalog("large", 888_000)
CARS = {"catalog": "cars", "text": "japanese cars over 30 mpg"}
BOTH = {"dialects": ["sql", "postgresql"]}

REQUESTS: dict[str, dict[str, Any]] = {
    "text": CARS,
    "long text": {**CARS, "text": ("japanese cars over 30 mpg not ford " * 200)[:4_000], **BOTH},
    "metadata": {**CARS, "metadata": METADATA},
    "webhook": {**CARS, "webhook": {"url": "https://example.com/" + "x" * 1_900}},
    "small catalog": {"catalog": SMALL, "text": "price under 5"},
    "large catalog": {"catalog": LARGE, "text": "price under 5"},
    "scope": {"catalog": SMALL, "text": "price under 5", "scope": SCOPE, **BOTH},
    "scope of 10,000 ids": {
        "catalog": {**SMALL, "fields": [*SMALL["fields"], {"name": "id", "type": "keyword"}]},
        "text": "price under 5",
        "scope": IDS,
        **BOTH,
    },
    "batch": batch(*[CARS] * 100),
    "batch, one catalog": batch(*[{"catalog": SMALL, "text": "price under 5"}] * 100),
    "batch, a hundred catalogs": batch(
        *({"catalog": catalog(f"c{number}", 4_000), "text": "price under 5"} for number in range(100))
    ),
    "batch, metadata": batch(*[{**CARS, "metadata": METADATA}] * 50),
}


@contextmanager
def client_of(settings: Settings, key: str = "") -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    options: dict[str, Any] = {"timeout": 60, "trust_env": False, "headers": headers}
    with serving(create_app(settings)) as url, httpx.Client(base_url=url, **options) as client:
        yield client


@pytest.fixture
def settings(redis_url: str, keys: Keys) -> Settings:
    return Settings(redis_url=redis_url, key_prefix=keys.prefix, webhook_secret="whsec_" + "A" * 43 + "=")  # type: ignore[arg-type]


@pytest.fixture
def client(settings: Settings) -> Iterator[httpx.Client]:
    with client_of(settings) as client:
        yield client


def kept(settings: Settings) -> int:
    """Bytes of all keys of the test, but the catalogs' indexes."""
    with Redis.from_url(settings.redis_url) as redis:
        names = [name for name in redis.scan_iter(match=f"*{settings.key_prefix}*") if b":vectors:" not in name]
        sizes: list[int] = [redis.memory_usage(name, samples=0) or 0 for name in names]
        return sum(sizes)


def with_store(settings: Settings, work: Callable[[Store], Awaitable[T]]) -> T:
    """Do something with the jobs, as another process would."""

    async def run() -> T:
        redis = connect(settings)
        try:
            return await work(Store(redis, Keys(settings.key_prefix), retention_s=settings.retention_s))
        finally:
            await redis.aclose()

    return asyncio.run(run())


class Unneeded:
    """An embedder of which nothing is asked but a number of vectors."""

    async def embed(self, texts: list[str]) -> NDArray[Any]:
        return zeros((len(texts), 384), dtype=float32)


def run_all(settings: Settings) -> None:
    """Run every stage of the jobs that wait, with the built-in parser by rules alone."""

    async def work(store: Store) -> None:
        async with Pool(1) as pool:
            embedding = contexts.embedding(store, Unneeded(), CatalogParsers(pool))
            workers: dict[str, WorkerContext[Any]] = {"embedding": embedding, "llm": contexts.llm(store, None)}
            for name, worker in workers.items():
                for entry in await store.redis.zrange(arq_format.all_key(store.keys.queue(name)), 0, -1):
                    job_id = arq_format.job_of(entry.decode())
                    await run_stage(worker, name, job_id)
                    assert (await store.jobs.get(job_id)).error is None

    with_store(settings, work)


def key_of(settings: Settings, owner: str) -> str:
    async def make(store: Store) -> str:
        _, key = await ApiKeys(store.redis, store.keys).create("test", owner, ("admin",), 0)
        return key

    return with_store(settings, make)


@pytest.fixture(autouse=True)
def rules_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    async def no_index(*_: object) -> None:
        return None

    monkeypatch.setattr(EmbeddingServices, "name_vectors", no_index)


@pytest.mark.parametrize("name", REQUESTS)
def test_at_most_three_times_the_request_and_a_constant_for_each_job(
    settings: Settings, client: httpx.Client, name: str
) -> None:
    request = REQUESTS[name]
    members = request.get("requests", [request])
    size, before = len(orjson.dumps(request)), kept(settings)
    constant = sum(
        PLAN_BYTES
        + JOB_BYTES
        + BYTES_PER_CHARACTER * len(member["text"])
        + (BYTES_PER_BYTE_OF_SCOPE + BYTES_PER_BYTE_OF_SCOPE_AND_DIALECT * len(member.get("dialects", ["sql"])))
        * len(orjson.dumps(member.get("scope")))
        for member in members
    )
    response = client.post("/v1/batches" if "requests" in request else "/v1/jobs", json=request)
    assert response.status_code == 202, response.text
    assert kept(settings) - before <= 3 * size + PLAN_BYTES * len(members)
    run_all(settings)
    assert kept(settings) - before <= 3 * size + constant


def test_a_hundred_texts_that_refine_a_job_with_a_large_catalog(
    settings: Settings, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The catalog is neither kept nor read again for each of them."""
    first = client.post("/v1/jobs", json=REQUESTS["large catalog"]).json()
    run_all(settings)
    request, before = batch(*[{"refines": first["id"], "text": "price over 2"}] * 100), kept(settings)
    with monkeypatch.context() as patch:
        patch.setattr(catalogs, "_adapter", adapter := Mock(wraps=catalogs._adapter))
        response = client.post("/v1/batches", json=request)
    assert adapter.validate_python.call_count == 1
    assert response.status_code == 202, response.text
    assert kept(settings) - before <= 3 * len(orjson.dumps(request)) + 100 * PLAN_BYTES
    run_all(settings)
    lines = [orjson.loads(line) for line in client.get(response.json()["urls"]["results"]).text.splitlines()]
    assert {line["status"] for line in lines} == {"succeeded"}
    assert {test["field"] for line in lines for test in line["result"]["conditions"]} == {"price"}


def test_a_catalog_is_kept_once_for_as_long_as_a_job_needs_it(
    settings: Settings, client: httpx.Client, keys: Keys
) -> None:
    for deadline_s in (10, 5_000, 10):
        body = {**REQUESTS["small catalog"], "deadline_seconds": deadline_s}
        assert client.post("/v1/jobs", json=body).status_code == 202
    with Redis.from_url(settings.redis_url) as redis:
        contents = list(redis.scan_iter(match=keys.part("*", "*")))
        assert contents == [keys.part("anonymous", Part.of(SMALL).digest).encode()]
        assert redis.ttl(contents[0]) > 2 * settings.retention_s + 4_000


def test_a_retry_takes_its_large_parts_along(settings: Settings, client: httpx.Client, keys: Keys) -> None:
    job = client.post("/v1/jobs", json={**REQUESTS["large catalog"], "scope": SCOPE}).json()
    client.post(job["urls"]["cancel"])
    before = kept(settings)
    again = client.post(job["urls"]["retry"]).json()
    assert kept(settings) - before <= PLAN_BYTES
    client.delete(job["urls"]["self"])
    run_all(settings)
    assert client.get(again["urls"]["result"]).json()["filter"]["args"][0]["op"] == "in"


def test_requests_of_earlier_versions_are_read(settings: Settings, client: httpx.Client) -> None:
    """They hold every part, an inline catalog too."""
    plain: dict[str, Any] = {
        "catalog": SMALL,
        "text": "price under 5",
        "dialects": ["sql"],
        "strategy": "builtin",
        "locale": "en",
    }
    request = {**plain, "timezone": "UTC", "now": None, "scope": SCOPE, "webhook": None}

    def create(job_id: str) -> None:
        job = jobs.create(job_id, "filters", "anonymous", now_ms(), deadline_s=60)
        with_store(settings, lambda store: store.jobs.create(job, orjson.dumps(request)))

    create("job_old")
    run_all(settings)
    refined = client.post("/v1/jobs", json={"refines": "job_old", "text": "price over 2"})
    assert refined.status_code == 202, refined.text
    run_all(settings)
    result = client.get(refined.json()["urls"]["result"]).json()
    assert [test["value"] for test in result["conditions"]] == [5, 2]
    assert result["filter"]["args"][0] == SCOPE

    create("job_canceled")
    client.post("/v1/jobs/job_canceled/cancel")
    again = client.post("/v1/jobs/job_canceled/retry")
    run_all(settings)
    assert client.get(again.json()["urls"]["result"]).status_code == 200


def test_metadata_is_in_every_event_though_kept_once(client: httpx.Client, settings: Settings) -> None:
    job = client.post("/v1/jobs", json={**CARS, "metadata": {"for": "test"}}).json()
    run_all(settings)
    text = client.get(job["urls"]["events"], headers={"Last-Event-ID": "0-0"}).text
    data = [orjson.loads(line.removeprefix("data: ")) for line in text.splitlines() if line.startswith("data: ")]
    assert data
    assert all(event["job"]["metadata"] == {"for": "test"} for event in data)


def test_an_owner_adds_no_more_bytes_than_it_may(settings: Settings) -> None:
    key, other = key_of(settings, "anna"), key_of(settings, "ben")
    limited = replace(settings, max_owner_bytes=2_000_000)
    with client_of(limited, key) as client:
        answers = [
            client.post("/v1/jobs", json={"catalog": catalog(f"large {number}", 888_000), "text": "x"})
            for number in range(3)
        ]
        assert [answer.status_code for answer in answers] == [202, 202, 429]
        refused = answers[-1]
        assert refused.json()["type"] == "/problems/too-many-bytes"
        assert 0 < int(refused.headers["retry-after"]) <= settings.retention_s * 25 // 24
        assert client.put("/v1/catalogs/mine", json=catalog("mine", 888_000)).json()["type"] == refused.json()["type"]
        assert client.post("/v1/jobs", json={"catalog": catalog("large 0", 888_000), "text": "x"}).status_code == 202
        assert client.post("/v1/jobs", json=CARS).status_code == 202
        headers = {"Authorization": f"Bearer {other}"}
        assert client.post("/v1/jobs", json=REQUESTS["large catalog"], headers=headers).status_code == 202


async def test_bytes_are_forgotten_with_the_time_in_which_they_were_added(redis: ArqRedis, keys: Keys) -> None:
    store = Store(redis, keys, retention_s=24)  # a window of one second

    async def create(number: int) -> str:
        job = jobs.create(f"job_{number}", "filters", "anna", now_ms(), deadline_s=30)
        return await store.jobs.create(
            job, Request(b"{}", {str(number): b"x" * 100_000}), limits=AdmissionLimits(bytes=250_000)
        )

    await create(1)
    current = int(now_ms() / 1000)
    await redis.hset(keys.added("anna"), str(current - 23), "100000")  # type: ignore[misc]
    await redis.hset(keys.added("anna"), str(current - 30), "10000000")  # type: ignore[misc]
    with pytest.raises(TooManyBytes) as refused:
        await create(2)
    assert 0 < refused.value.retry_after_s <= 2
    assert await redis.exists(keys.part("anna", "2")) == 0


def test_catalogs_of_an_owner_are_limited_in_bytes(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nlp2filters.storage.catalogs.MAX_TOTAL_BYTES", 20_000)
    assert client.put("/v1/catalogs/one", json=catalog("one", 4_000)).status_code == 201
    response = client.put("/v1/catalogs/two", json=catalog("two", 16_000))
    assert (response.status_code, response.json()["type"]) == (409, "/problems/too-many-catalogs")
    assert client.put("/v1/catalogs/one", json=catalog("one", 12_000)).status_code == 200


def test_a_scope_has_a_size(client: httpx.Client) -> None:
    scope = {"op": "in", "args": [{"property": "Name"}, ["x" * 400 + str(number) for number in range(1_500)]]}
    response = client.post("/v1/jobs", json={**CARS, "scope": scope})
    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (422, "/scope")
    copies = {"catalog": {"name": "a", "fields": [{"name": "id", "type": "keyword"}]}, "text": "x", "scope": IDS}
    some = ["sql", "elasticsearch", "cql2-text"]
    assert client.post("/v1/jobs", json={**copies, "dialects": some}).status_code == 202
    response = client.post("/v1/jobs", json={**copies, "dialects": [*some, "solr"]})
    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (422, "/scope")
    response = client.put("/v1/catalogs/mine", json={"fields": [{"name": "Name", "type": "keyword"}], "scope": scope})
    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (422, "/scope")
