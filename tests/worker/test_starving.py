"""Texts that take much work: they cost their own job, and no other."""

import asyncio
import os
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from arq.connections import ArqRedis
from redis.asyncio import Redis as AsyncRedis

from nlp2filters.cli.keys import DEFAULT_SCOPES
from nlp2filters.clock import now_ms
from nlp2filters.core import jobs
from nlp2filters.core.jobs import Job
from nlp2filters.storage.api_keys import ApiKeys
from nlp2filters.storage.redis_keys import Keys
from nlp2filters.storage.store import Store
from nlp2filters.worker.parsing.catalogs import CatalogParsers
from nlp2filters.worker.parsing.pool import Pool
from nlp2filters.worker.stages import run_stage
from tests import contexts
from tests.core import hostile
from tests.service import ANSWERING, Service, started

REQUEST = {
    "text": "coches japoneses",
    "catalog": "cars",
    "dialects": ["sql"],
    "strategy": "auto",
    "locale": "es",
    "timezone": "UTC",
    "now": None,
    "scope": None,
}
HEAVY_TEXT = ("a b c d e f g h i j k l m n o p q r s t u v w x y z " * 100)[:4_000]


async def submitted(store: Store, number: int, owner: str) -> Job:
    job = jobs.create(f"job_{number}", "filters", owner, now_ms(), deadline_s=300)
    await store.jobs.create(job, orjson.dumps(REQUEST))
    return job


async def test_a_job_whose_text_takes_too_long_fails_at_once_and_alone(redis: ArqRedis, keys: Keys) -> None:
    store = Store(redis, keys, retention_s=60)
    async with Pool(2, warm=2, wall_limit_s=5) as pool:
        worker = contexts.embedding(store, object(), CatalogParsers(pool))
        first = await submitted(store, 0, "anna")
        await run_stage(worker, "embedding", first.id)
        assert (await store.jobs.get(first.id)).stage == "llm"

        stuck, beside = await submitted(store, 1, "anna"), await submitted(store, 2, "ben")
        idle = pool._idle[-1]  # the next call is its
        os.kill(idle.pid, signal.SIGSTOP)
        running = asyncio.create_task(run_stage(worker, "embedding", stuck.id))
        async with asyncio.timeout(30):
            while idle in pool._idle:
                await asyncio.sleep(0.01)
        await run_stage(worker, "embedding", beside.id)
        assert (await store.jobs.get(beside.id)).stage == "llm"
        assert not (await store.jobs.get(stuck.id)).done
        await running
        failed = await store.jobs.get(stuck.id)
        assert (failed.status, failed.stages["embedding"].attempt) == ("failed", 1)
        assert failed.error
        assert failed.error["type"] == "/problems/text-too-complex"
        entries = await redis.xrange(keys.events(stuck.id))
        assert [fields[b"event"] for _, fields in entries].count(b"done") == 1

        again = await submitted(store, 3, "anna")
        await run_stage(worker, "embedding", again.id)
        assert (await store.jobs.get(again.id)).stage == "llm"


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with started(tmp_path, *ANSWERING, PARSER_PROCESSES="1") as service:
        yield service


async def client_of(service: Service, owner: str) -> httpx.AsyncClient:
    async with AsyncRedis.from_url(service.environment["REDIS_URL"]) as redis:
        _, key = await ApiKeys(redis, Keys()).create(owner, owner, DEFAULT_SCOPES, now_ms())
    headers = {"Authorization": f"Bearer {key}"}
    return httpx.AsyncClient(base_url=service.url, timeout=60, trust_env=False, headers=headers)


async def submit(client: httpx.AsyncClient, text: str, catalog: str | Mapping[str, Any]) -> str:
    response = await client.post("/v1/jobs", json={"catalog": catalog, "text": text})
    assert response.status_code == 202, response.text
    job_id: str = response.json()["id"]
    return job_id


async def ended(client: httpx.AsyncClient, job_id: str) -> dict[str, Any]:
    async with asyncio.timeout(100):
        while True:
            job: dict[str, Any] = (await client.get(f"/v1/jobs/{job_id}")).json()
            if job["finished_at"]:
                return job
            await asyncio.sleep(0.1)


async def test_eight_heavy_texts_of_one_owner_starve_nobody(service: Service) -> None:
    """In the order of events, and no lease is lost."""
    anna, ben = await client_of(service, "anna"), await client_of(service, "ben")
    async with anna, ben:
        await ended(ben, await submit(ben, "japanese cars", "cars"))
        fields = hostile.FIELDS["keywords with one label"](9_000)
        heavy = [await submit(anna, HEAVY_TEXT, {"name": f"things {number}", "fields": fields}) for number in range(8)]
        light = await ended(ben, await submit(ben, "japanese cars with at least 30 mpg", "cars"))
        others = [await ended(anna, job_id) for job_id in heavy]
    assert (light["status"], light["stages"]["embedding"]["attempt"]) == ("succeeded", 1)
    assert [(job["status"], job["stages"]["embedding"]["attempt"]) for job in others] == [("succeeded", 1)] * 8
    after = [job for job in others if job["stages"]["embedding"]["finished_at"] > light["finished_at"]]
    assert len(after) >= 3
    assert not [line for line in service.log_lines("embedding") if "lease" in line]


def test_a_worker_that_is_told_to_stop_leaves_no_child(service: Service) -> None:
    service.result(service.submit("japanese cars"))
    worker = service.processes["embedding"].pid
    children = Path(f"/proc/{worker}/task/{worker}/children").read_text().split()
    assert len(children) == 1
    assert service.stop()["embedding"] == 0
    for child in children:
        with pytest.raises(ProcessLookupError):
            os.kill(int(child), 0)
