"""Load: jobs submitted to a fleet by clients that try again, and what became of them."""

import asyncio
import itertools
import random
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson
from redis.asyncio import Redis

from chaos.fleet import Fleet
from nlp2filters import demo
from nlp2filters.core.kinds import INFERENCE_PATH, JOBS_PATH
from nlp2filters.core.statuses import TERMINAL
from nlp2filters.storage.redis_keys import Keys

FINISH_TIMEOUT_S = 180
KEYS = Keys("n2f")
TEXTS = [(name, text) for name in demo.NAMES for text in demo.catalog(name).examples]


@dataclass
class Load:
    """`text` is submitted instead of the demo's. `accepted` are the ids of jobs that were answered with 202, `refused`
    counts the answers 503 and 504.
    """

    fleet: Fleet
    redis_url: str
    webhook: str | None = None
    text: str | None = None
    accepted: list[str] = field(default_factory=list)
    refused: int = 0

    async def submit(self, count: int, seconds: float) -> None:
        """Submit so many jobs, spread over the time."""
        async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
            texts = itertools.cycle(TEXTS)
            for _ in range(count):
                await self._submit(client, *next(texts))
                await asyncio.sleep(seconds / count)

    async def submit_tables(self, tables: Iterable[bytes]) -> None:
        """Upload tables of which catalogs are to be inferred, one after the other."""
        headers = {"Content-Type": "text/csv", "Prefer": "respond-async"}
        async with httpx.AsyncClient(timeout=30, trust_env=False) as client:
            for table in tables:
                await self._post(client, INFERENCE_PATH, content=table, headers=headers)

    async def submit_lines(self, texts: Iterable[Iterable[str]]) -> None:
        """Submit texts that are embedded line by line, one after the other."""
        async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
            for lines in texts:
                await self._post(client, JOBS_PATH, json={"kind": "lines", "text": "\n".join(lines)})

    async def _submit(self, client: httpx.AsyncClient, catalog: str, text: str) -> None:
        body: dict[str, Any] = {"catalog": catalog, "text": self.text or text}
        if self.webhook:
            body["webhook"] = {"url": self.webhook}
        await self._post(client, JOBS_PATH, json=body)

    async def _post(
        self, client: httpx.AsyncClient, path: str, *, headers: Mapping[str, str] | None = None, **options: Any
    ) -> None:
        # With this key, it is safe to send the request again, whatever became of it.
        headers = {**(headers or {}), "Idempotency-Key": uuid.uuid4().hex}
        while True:
            url = random.choice(self.fleet.urls)
            try:
                response = await client.post(f"{url}{path}", headers=headers, **options)
            except httpx.TransportError:
                await asyncio.sleep(0.1)
                continue
            if response.status_code == 202:
                self.accepted.append(response.json()["id"])
                return
            self.refused += response.status_code in (503, 504)
            await asyncio.sleep(0.1)

    async def busy_worker(self, stage: str) -> int:
        """The process id of a worker that runs the stage of one of the jobs; waits for one."""
        while not (pids := await self.workers_of(stage)):
            await asyncio.sleep(0.01)
        return pids[0]

    async def wait_for_call(self) -> None:
        """Submit jobs until the LLM is being called for one: while its breaker is open, it is not."""
        while not await self.workers_of("llm"):
            await self.submit(1, 0.1)

    async def workers_of(self, stage: str) -> list[int]:
        """The process ids of the workers that run the stage of one of the latest jobs."""
        async with Redis.from_url(self.redis_url) as redis:
            records = [await _record(redis, job_id) for job_id in reversed(self.accepted[-100:])]
        runs = [record["stages"].get(stage) for record in records if record]
        return [int(run["worker"].split(":")[1]) for run in runs if run and run["status"] == "running"]

    async def outcomes(self) -> list["Outcome"]:
        """Return the outcome of every accepted job, once all have ended or the time is up."""
        redis = Redis.from_url(self.redis_url)
        try:
            async with asyncio.timeout(FINISH_TIMEOUT_S):
                for job_id in self.accepted:
                    while (await _record(redis, job_id) or {"status": "lost"})["status"] not in {*TERMINAL, "lost"}:
                        await asyncio.sleep(0.1)
        except TimeoutError:
            pass  # the outcomes tell
        found = [await _outcome(redis, job_id) for job_id in self.accepted]
        await redis.aclose()
        return found

    async def degraded(self) -> int:
        """Count the accepted jobs that ended with the draft because the LLM gave no answer."""
        redis = Redis.from_url(self.redis_url)
        raws: list[Any] = [await redis.hget(KEYS.job(job_id), "result") for job_id in self.accepted]
        await redis.aclose()
        return sum(orjson.loads(raw)["degraded"] for raw in raws if raw)

    async def everything(self) -> list["Outcome"]:
        """Return the outcome of every job in Redis, including those whose 202 never arrived."""
        redis = Redis.from_url(self.redis_url)
        ids = [key.decode().rpartition(":")[2] async for key in redis.scan_iter("n2f:job:*")]
        found = [await _outcome(redis, job_id) for job_id in ids]
        await redis.aclose()
        return found


@dataclass(frozen=True)
class Outcome:
    """The end of one job. `begun` has stage, attempt and time (ms) of every beginning of a stage, in order."""

    job_id: str
    status: str
    done_events: int
    begun: list[tuple[str, int, int]]


async def _record(redis: Redis, job_id: str) -> dict[str, Any] | None:
    raw: Any = await redis.hget(KEYS.job(job_id), "record")  # type: ignore[misc]
    record: dict[str, Any] | None = orjson.loads(raw) if raw else None
    return record


async def _outcome(redis: Redis, job_id: str) -> Outcome:
    record = await _record(redis, job_id)
    entries = await redis.xrange(KEYS.events(job_id))
    begun = []
    for entry_id, fields in entries:
        if fields[b"event"] != b"status":
            continue
        job = orjson.loads(fields[b"data"])["job"]
        run = job["stages"][job["stage"]]
        if run["status"] == "running":
            begun.append((job["stage"], run["attempt"], int(entry_id.partition(b"-")[0])))
    done = sum(fields[b"event"] == b"done" for _, fields in entries)
    return Outcome(job_id, record["status"] if record else "lost", done, begun)


def re_runs_s(outcomes: Iterable[Outcome], killed: Iterable[tuple[int, str]]) -> list[float]:
    """Seconds from the first kill of a stage's worker during an attempt to the beginning of the next attempt."""
    kills, found = list(killed), []
    for outcome in outcomes:
        for (stage, attempt, at), (next_stage, next_attempt, again) in itertools.pairwise(outcome.begun):
            if stage != next_stage or next_attempt != attempt + 1:
                continue
            meanwhile = [when for when, name in kills if name.startswith(stage) and at <= when <= again]
            if meanwhile:
                found.append((again - meanwhile[0]) / 1000)
    return found
