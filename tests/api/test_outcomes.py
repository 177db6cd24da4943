"""Redis goes away in the middle of a request: the answer says what is known of its outcome, and no more."""

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import httpx
import pytest

from nlp2filters.app import create_app
from nlp2filters.clock import now_ms
from nlp2filters.settings import Settings
from nlp2filters.storage.api_keys import ApiKeys
from nlp2filters.storage.redis_keys import Keys
from nlp2filters.storage.retrying_redis import RetryingRedis as Redis
from tests.in_process import serving
from tests.peers import proxy as proxies

BODY = {"catalog": "cars", "text": "8 cylinders"}
BATCH = {"requests": [{"custom_id": "a", **BODY}, {"custom_id": "b", **BODY}]}


def url_of(redis: Redis) -> str:
    return "redis://{host}:{port}/0".format_map(redis.connection_pool.connection_kwargs)


@pytest.fixture
async def client(own_redis: Redis) -> AsyncIterator[httpx.AsyncClient]:
    """Of a web process whose Redis is the test's own."""
    with serving(create_app(Settings(redis_url=url_of(own_redis)))) as url:
        async with httpx.AsyncClient(base_url=url, timeout=60, trust_env=False) as client:
            yield client


async def hold_writes(redis: Redis) -> None:
    """Have Redis answer what reads, and let what writes wait."""
    await redis.execute_command("CLIENT PAUSE", 600_000, "WRITE")


async def let_writes_pass(redis: Redis) -> None:
    await redis.execute_command("CLIENT UNPAUSE")


@pytest.mark.parametrize(("path", "body"), [("/v1/jobs", BODY), ("/v1/batches", BATCH)])
async def test_a_submission_that_was_sent_and_not_answered(
    own_redis: Redis, client: httpx.AsyncClient, path: str, body: object
) -> None:
    key = {"Idempotency-Key": "the-same"}
    (await client.post(path, json=body)).raise_for_status()  # which loads the scripts
    count = len((await client.get("/v1/jobs")).json()["jobs"])
    await hold_writes(own_redis)
    response = await client.post(path, json=body, headers=key)
    assert (response.status_code, response.json()["type"]) == (504, "/problems/outcome-unknown")
    assert int(response.headers["retry-after"]) > 0
    assert response.elapsed.total_seconds() < 2.5
    await let_writes_pass(own_redis)
    again = await client.post(path, json=body, headers=key)
    assert (again.status_code, again.headers["idempotency-replayed"]) == (202, "true")
    assert len((await client.get("/v1/jobs")).json()["jobs"]) == 2 * count


async def test_what_was_not_sent_was_not_written(own_redis: Redis, client: httpx.AsyncClient) -> None:
    (await client.post("/v1/jobs", json=BODY)).raise_for_status()
    await own_redis.execute_command("CLIENT PAUSE", 3_000, "ALL")  # the reads that come first are not answered either
    response = await client.post("/v1/jobs", json=BODY)
    assert (response.status_code, response.json()["type"]) == (503, "/problems/store-unavailable")
    await own_redis.ping()  # which waits for the end of the pause
    assert len((await client.get("/v1/jobs")).json()["jobs"]) == 1


async def test_a_request_that_was_only_counted_wrote_nothing(own_redis: Redis, client: httpx.AsyncClient) -> None:
    _, key = await ApiKeys(own_redis, Keys()).create("anna", "anna", ("jobs:read", "jobs:write"), now_ms())
    client.headers["Authorization"] = f"Bearer {key}"
    await hold_writes(own_redis)
    response = await client.post("/v1/jobs", json=BODY)
    assert (response.status_code, response.json()["type"]) == (503, "/problems/store-unavailable")
    await let_writes_pass(own_redis)
    assert (await client.get("/v1/jobs")).json()["jobs"] == []


async def test_a_job_that_was_written_is_accepted_whatever_comes_next(own_redis: Redis) -> None:
    with proxies.running(urlsplit(url_of(own_redis)).port or 0) as proxy:
        settings = Settings(redis_url=f"redis://127.0.0.1:{proxy.port}/0")
        with serving(create_app(settings)) as url:
            async with httpx.AsyncClient(base_url=url, timeout=60, trust_env=False) as client:
                posting = asyncio.ensure_future(client.post("/v1/jobs", json=BODY, headers={"Prefer": "wait=2"}))
                async with asyncio.timeout(30):
                    while not await own_redis.keys("n2f:job:*"):
                        await asyncio.sleep(0.01)
                    await asyncio.sleep(0.3)  # the create script's answer has come: now the job is being followed
                proxy.fall_silent()
                response = await posting
                proxy.heal()
                assert (response.status_code, response.json()["status"]) == (202, "queued")
                assert (await client.get(response.headers["location"])).json()["id"] == response.json()["id"]
