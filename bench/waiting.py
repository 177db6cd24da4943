"""Jobs that wait for an LLM: one llm worker with 200 slots, beside a bare loop of asyncio and httpx that only calls it.

1,000 jobs wait in the llm queue, their drafts done; the LLM is a process that answers each call with a stream after
half a second. So 2.5 s are ideal. The bare loop sends the same requests over the same number of connections and reads
the same streams, with nothing kept and nothing checked. CPU is that of the worker's, or the loop's, process alone.
"""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial

import httpx
import orjson

from bench import llm, machine
from bench.machine import redis_server
from bench.report import Report, Table
from bench.rounds import interleaved
from bench.sizes import size
from bench.text import number
from nlp2filters import demo
from nlp2filters.clock import now_ms
from nlp2filters.core import interpretation, jobs
from nlp2filters.core.interpretation import Interpretation
from nlp2filters.core.llm import prompt
from nlp2filters.core.llm.answer_schema import answer_schema
from nlp2filters.core.query import Query
from nlp2filters.llm.api import ModelOptions
from nlp2filters.llm.openai import OpenAIChat
from nlp2filters.settings import Settings
from nlp2filters.storage.connection import connect
from nlp2filters.storage.redis_keys import Keys
from nlp2filters.storage.store import Store

BARE, OURS = "bare asyncio + httpx", "the llm worker"
JOBS = size(1_000, 200)
SLOTS = size(200, 100)
ANSWER_AFTER_S = 0.5
IDEAL_S = JOBS / SLOTS * ANSWER_AFTER_S
REQUEST = {
    **{"text": "japanese cars with at least 30 mpg", "catalog": "cars", "dialects": ["sql"], "strategy": "auto"},
    **{"timezone": "UTC", "now": None, "scope": None, "webhook": None},
}


async def main() -> Report:
    async with llm.serving(ANSWER_AFTER_S) as url:
        measures = {BARE: partial(_bare, url), OURS: partial(_worker, url)}
        medians = await interleaved(measures)
    rows = [
        [name, number(one["wall_s"]), number(one["wall_s"] / IDEAL_S), number(one["cpu_ms"])]
        for name, one in medians.items()
    ]
    table = Table(
        [f"{JOBS:,} calls of {ANSWER_AFTER_S} s, {SLOTS} at once", "seconds", "× ideal", "CPU ms per job"], rows
    )
    figures = {**medians[OURS], "ideal_s": IDEAL_S, "bare.wall_s": medians[BARE]["wall_s"]}
    return Report({"waiting": table}, {**figures, "bare.cpu_ms": medians[BARE]["cpu_ms"]})


async def _bare(url: str) -> Mapping[str, float]:
    """Seconds and CPU seconds of the bare loop, in a process of its own."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "bench.waiting", url, stdout=subprocess.PIPE)
    output, _ = await process.communicate()
    wall_s, cpu_s = output.split()
    return {"wall_s": float(wall_s), "cpu_ms": 1000 * float(cpu_s) / JOBS}


async def _call_all(url: str) -> None:
    query, catalog = Query.from_request(REQUEST, now_ms()), demo.catalog_of(orjson.loads(b'"cars"'))
    messages = prompt.messages(query, catalog, Interpretation())
    request = OpenAIChat(ModelOptions(model="m")).request(messages, answer_schema(catalog), (), stream=True)
    body, turns = orjson.dumps(request), asyncio.Semaphore(SLOTS)
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=SLOTS)

    async def call(client: httpx.AsyncClient) -> None:
        async with turns, client.stream("POST", f"{url}/chat/completions", content=body) as response:
            async for _ in response.aiter_lines():
                pass

    async with httpx.AsyncClient(limits=limits, timeout=30) as client:
        began, cpu = time.perf_counter(), time.process_time()
        await asyncio.gather(*[call(client) for _ in range(JOBS)])
        print(time.perf_counter() - began, time.process_time() - cpu)


async def _worker(url: str) -> Mapping[str, float]:
    """Seconds and CPU seconds of a worker, from its start until the last job has ended."""
    with redis_server() as redis_url:
        redis = connect(Settings(redis_url=redis_url))
        store = Store(redis, Keys(), retention_s=600)
        try:
            for number in range(JOBS):
                await _queue_for_llm(store, f"job_{number}")
            async with _llm_worker(redis_url, url) as process:
                await _until(store.stats.workers, lambda workers: workers["llm"] == 1, 0.005)
                began, cpu_s = time.perf_counter(), machine.cpu_s(process.pid)
                await _until(store.stats.job_counts, lambda counts: counts.get("succeeded") == JOBS, 0.05)
                wall_s, cpu_s = time.perf_counter() - began, machine.cpu_s(process.pid) - cpu_s
                return {"wall_s": wall_s, "cpu_ms": 1000 * cpu_s / JOBS}
        finally:
            await redis.aclose()


@asynccontextmanager
async def _llm_worker(redis_url: str, url: str) -> AsyncIterator[asyncio.subprocess.Process]:
    settings = {"REDIS_URL": redis_url, "OPENAI_BASE_URL": url, "LLM_MODEL": "m", "LLM_CONCURRENCY": str(SLOTS)}
    command = [sys.executable, "-m", "nlp2filters", "worker", "llm"]
    process = await asyncio.create_subprocess_exec(*command, env={**os.environ, **settings}, stdout=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        await process.wait()


async def _queue_for_llm(store: Store, job_id: str) -> None:
    """Write a job that has its draft. Each has an owner of its own, so that all slots may be used."""
    draft = orjson.dumps(interpretation.to_json(Interpretation()))
    job = jobs.create(job_id, "filters", f"owner-{job_id}", now_ms(), deadline_s=600)
    await store.jobs.create(job, orjson.dumps(REQUEST))
    job = await store.jobs.apply(job, lambda job: jobs.begin(job, "embedding", "w", now_ms()))
    await store.jobs.apply(job, lambda job: jobs.advance(job, job.attempt, now_ms()), fields={"draft": draft})


async def _until(
    read: Callable[[], Awaitable[Mapping[str, int]]], reached: Callable[[Mapping[str, int]], bool], pause_s: float
) -> None:
    while not reached(await read()):
        await asyncio.sleep(pause_s)


if __name__ == "__main__":
    asyncio.run(_call_all(sys.argv[1]))
