"""What the service refuses when it has too much, and what is past: told, and nothing written."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from arq.connections import ArqRedis
from redis import Redis

from nlp2filters.app import create_app
from nlp2filters.settings import Settings
from nlp2filters.storage.redis_keys import Keys
from tests.in_process import serving

BODY = {"catalog": "cars", "text": "8 cylinders"}


@contextmanager
def client_of(redis_url: str, prefix: str | None = None, **chosen: Any) -> Iterator[httpx.Client]:
    settings = Settings(redis_url=redis_url, key_prefix=prefix or f"test-{uuid.uuid4().hex[:8]}", **chosen)
    with serving(create_app(settings)) as url, httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
        yield client


def refused(response: httpx.Response) -> bool:
    return (
        (response.status_code, response.json()["type"]) == (503, "/problems/overloaded")
        and int(response.headers["retry-after"]) > 0
    )  # fmt: skip


def test_no_more_jobs_than_may_wait(redis_url: str) -> None:
    with client_of(redis_url, max_backlog=3) as client:
        first, _ = (client.post("/v1/jobs", json=BODY).json() for _ in range(2))
        requests = [{"custom_id": str(number), **BODY} for number in range(2)]
        assert refused(client.post("/v1/batches", json={"requests": requests}))
        assert client.post("/v1/jobs", json=BODY).status_code == 202
        key = {"Idempotency-Key": str(uuid.uuid4())}
        assert refused(client.post("/v1/jobs", json=BODY, headers=key))
        assert refused(client.post("/embedding/echo", json={"text": "hello"}))
        assert len(client.get("/v1/jobs").json()["jobs"]) == 3
        client.post(first["urls"]["cancel"])
        assert client.post("/v1/jobs", json=BODY, headers=key).status_code == 202


async def test_no_new_jobs_while_redis_is_nearly_full(own_redis: ArqRedis) -> None:
    await own_redis.config_set("maxmemory", 100_000_000)
    url = "redis://{host}:{port}".format_map(own_redis.connection_pool.connection_kwargs)
    with client_of(url, max_memory_share=0.001) as client:
        assert refused(client.post("/v1/jobs", json=BODY))
        assert client.get("/v1/jobs").json()["jobs"] == []


def test_a_result_that_is_no_longer_kept(redis_url: str) -> None:
    prefix = f"test-{uuid.uuid4().hex[:8]}"
    with client_of(redis_url, prefix) as client:
        job = client.post("/v1/jobs", json=BODY).json()
        with Redis.from_url(redis_url) as redis:
            redis.delete(Keys(prefix).job(job["id"]))
        response = client.get(job["urls"]["result"])
        assert (response.status_code, response.json()["type"]) == (410, "/problems/result-expired")
        assert client.get("/v1/jobs/job_none/result").status_code == 404


def test_catalogs_of_an_owner_are_limited(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nlp2filters.storage.catalogs.MAX_CATALOGS", 2)
    catalog = {"fields": [{"name": "price", "type": "number"}]}
    with client_of(redis_url) as client:
        for name in ("one", "two"):
            assert client.put(f"/v1/catalogs/{name}", json=catalog).status_code == 201
        response = client.put("/v1/catalogs/three", json=catalog)
        assert (response.status_code, response.json()["type"]) == (409, "/problems/too-many-catalogs")
        assert client.put("/v1/catalogs/two", json=catalog).status_code == 200
