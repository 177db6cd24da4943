"""Jobs that wait for an LLM: one llm worker with 200 slots, beside a bare loop of asyncio and httpx that only calls it.

1,000 jobs wait in the llm queue, their drafts done; the LLM is a socket in this process that answers each call with a
stream after half a second. So 2.5 s are ideal. The bare loop sends the same requests over the same number of
connections and reads the same streams, with nothing kept and nothing checked. CPU is that of the worker's, or the
loop's, process alone.
"""

import asyncio
import os
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import orjson

from bench.machine import redis_server
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

JOBS = 1_000
SLOTS = 200
ROUNDS = 3
ANSWER_AFTER_S = 0.5
IDEAL_S = JOBS / SLOTS * ANSWER_AFTER_S
REQUEST = {
    **{"text": "japanese cars with at least 30 mpg", "catalog": "cars", "dialects": ["sql"], "strategy": "auto"},
    **{"timezone": "UTC", "now": None, "scope": None, "webhook": None},
}
ANSWER: dict[str, Any] = {
    "conditions": [
        {"field": "Origin", "op": "=", "value": "Japan", "quote": "japanese", "group": 0, "confidence": 0.99},
        {
            "field": "Miles_per_Gallon",
            "op": ">=",
            "value": 30,
            "quote": "at least 30 mpg",
            "group": 0,
            "confidence": 0.9,
        },
    ],
    **{"sort": [], "limit": None, "text": "", "ignored": [], "clarification": None},
}
# A token has four characters or so; servers send a few in one event.
PIECE = 20


def _response() -> bytes:
    text = orjson.dumps(ANSWER).decode()
    deltas: list[dict[str, Any]] = [{"content": text[at : at + PIECE]} for at in range(0, len(text), PIECE)]
    choices: list[dict[str, Any]] = [{"index": 0, "delta": delta} for delta in deltas]
    choices.append({"index": 0, "delta": {}, "finish_reason": "stop"})
    events = [b"data: %s\n\n" % orjson.dumps({"model": "m", "choices": [choice]}) for choice in choices]
    body = b"".join([*events, b"data: [DONE]\n\n"])
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    return head + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)


class LLM(asyncio.Protocol):
    """A connection of the LLM: each request is answered after half a second."""

    RESPONSE = _response()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._received = b""

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0) if end else 0
        if end and len(body) >= length:
            self._received = b""
            asyncio.get_running_loop().call_later(ANSWER_AFTER_S, self._transport.write, self.RESPONSE)


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(LLM, "127.0.0.1", 0, backlog=SLOTS)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    measured: dict[str, list[tuple[float, float]]] = {"bare asyncio + httpx": [], "the llm worker": []}
    for _ in range(ROUNDS):
        measured["bare asyncio + httpx"].append(await _bare(url))
        measured["the llm worker"].append(await _worker(url))
    print(f"| {JOBS} calls of {ANSWER_AFTER_S} s, {SLOTS} at once | seconds | × ideal | CPU ms per job |")
    print("|---|---|---|---|")
    for name, rounds in measured.items():
        wall_s, cpu_s = (statistics.median(column) for column in zip(*rounds, strict=True))
        print(f"| {name} | {wall_s:.2f} | {wall_s / IDEAL_S:.2f} | {1000 * cpu_s / JOBS:.2f} |")
    server.close()


async def _bare(url: str) -> tuple[float, float]:
    """Seconds and CPU seconds of the bare loop, in a process of its own."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "bench.waiting", url, stdout=subprocess.PIPE)
    output, _ = await process.communicate()
    wall_s, cpu_s = output.split()
    return float(wall_s), float(cpu_s)


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


async def _worker(url: str) -> tuple[float, float]:
    """Seconds and CPU seconds of a worker, from its start until the last job has ended."""
    with redis_server() as redis_url:
        redis = connect(Settings(redis_url=redis_url))
        store = Store(redis, Keys(), retention_s=600)
        try:
            for number in range(JOBS):
                await _queue_for_llm(store, f"job_{number}")
            async with _llm_worker(redis_url, url) as process:
                await _until(store.stats.workers, lambda workers: workers["llm"] == 1, 0.005)
                began, cpu_s = time.perf_counter(), _cpu_s(process.pid)
                await _until(store.stats.job_counts, lambda counts: counts.get("succeeded") == JOBS, 0.05)
                return time.perf_counter() - began, _cpu_s(process.pid) - cpu_s
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
    while not reached(await read()):  # noqa: ASYNC110
        await asyncio.sleep(pause_s)


def _cpu_s(pid: int) -> float:
    """CPU seconds of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    asyncio.run(_call_all(sys.argv[1]))
