"""Event streams of one web process: 1,000 clients at once on one job, then 5,000 open streams with events for all.

The clients are bare sockets in this process; the web process is the Procfile's, with a Redis of its own.
"""

import asyncio
import os
import re
import resource
import socket
import statistics
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import orjson
from redis.asyncio import BlockingConnectionPool, Redis

from bench.machine import redis_server
from nlp2filters.clock import now_ms
from nlp2filters.core import jobs
from nlp2filters.core.jobs import Job
from nlp2filters.storage.commits import EventDraft
from nlp2filters.storage.redis_keys import Keys
from nlp2filters.storage.store import Store

AT_ONCE = 1_000
OPEN = 5_000
PER_JOB = 5
EVENTS_PER_S = 500
MEASURED_S = 10
PATIENCE_S = 60
OPEN_FILES = 20_000
_SENT_AT = re.compile(rb'"sent_ns":(\d+)')


class Client(asyncio.Protocol):
    """One stream, read as bytes: the status, how it ended, and how long its events took."""

    def __init__(self, path: str, port: int) -> None:
        self._request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: text/event-stream\r\n\r\n".encode()
        self._tail = b""
        self.status = ""
        self.began = asyncio.Event()
        self.ended = asyncio.Event()
        self.done = False
        self.latencies_ms: list[float] = []

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        now_ns = time.time_ns()
        if not self.status:
            self.status = data[9:12].decode()
        self._tail = self._tail[-64:] + data
        self.latencies_ms += [(now_ns - int(sent)) / 1e6 for sent in _SENT_AT.findall(self._tail)]
        if b"event: snapshot" in self._tail or self.status != "200":
            self.began.set()
        self.done = self.done or b"event: done" in self._tail
        if self.done or self._tail.endswith(b"\r\n0\r\n\r\n") or self.status != "200":
            self.ended.set()
        self._tail = b"" if self.latencies_ms else self._tail

    def connection_lost(self, exc: Exception | None) -> None:
        self.began.set()
        self.ended.set()


class Web:
    """The web process under test, and the jobs whose streams are opened."""

    def __init__(self, redis: Redis, port: int, process: subprocess.Popen[bytes]) -> None:
        self.redis, self.port, self.process = redis, port, process
        self.store = Store(redis, Keys(), retention_s=600)

    async def jobs(self, count: int) -> list[Job]:
        made = [
            jobs.create(f"job_{uuid.uuid4().hex}", "filters", "anonymous", now_ms(), deadline_s=600)
            for _ in range(count)
        ]
        await asyncio.gather(*(self.store.jobs.create(job, b'{"webhook": null}') for job in made))
        return made

    async def end(self, job: Job) -> None:
        await self.store.jobs.apply(
            job, lambda job: jobs.cancel(job, now_ms()), events=[EventDraft("done", {"result": None})]
        )

    async def open(self, job: Job) -> Client:
        loop = asyncio.get_running_loop()
        path = f"/v1/jobs/{job.id}/events"
        _, client = await loop.create_connection(lambda: Client(path, self.port), "127.0.0.1", self.port)
        return client

    @property
    def memory_kb(self) -> int:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1])  # type: ignore[index]

    @property
    def cpu_s(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    async def connections(self) -> int:
        """Connections to Redis that are not ours."""
        ours = await self.redis.client_list()
        own_port = {f"127.0.0.1:{connection._writer.get_extra_info('sockname')[1]}" for connection in _used(self.redis)}
        return sum(client["addr"] not in own_port for client in ours)


def _used(redis: Redis) -> Sequence[Any]:
    pool = redis.connection_pool
    return [one for one in (*pool._available_connections, *pool._in_use_connections) if one.is_connected]


@asynccontextmanager
async def _web(redis_url: str) -> AsyncIterator[Web]:
    """A web process with the Redis at `redis_url`, ready, while inside."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "nlp2filters.app:create_app", "--factory", "--port", str(port)]
    environment = {**os.environ, "REDIS_URL": redis_url, "LOG_LEVEL": "WARNING"}
    arguments = [*command, "--no-access-log", "--log-level", "error"]
    process = await asyncio.to_thread(subprocess.Popen, arguments, env=environment)
    try:
        pool = BlockingConnectionPool.from_url(redis_url, max_connections=20, timeout=None)
        async with Redis.from_pool(pool) as redis, httpx.AsyncClient(trust_env=False) as http:
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    try:
                        await http.get(f"http://127.0.0.1:{port}/readyz")
                        break
                    except httpx.TransportError:
                        await asyncio.sleep(0.1)
            yield Web(redis, port, process)
    finally:
        process.terminate()
        process.wait(30)


async def main() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    with redis_server() as url:
        async with _web(url) as web:
            await _at_once(web)
        async with _web(url) as web:
            await _many(web)


async def _at_once(web: Web) -> None:
    (job,) = await web.jobs(1)
    began, cpu_s = time.perf_counter(), web.cpu_s
    clients = await asyncio.gather(*(web.open(job) for _ in range(AT_ONCE)))
    await _all(clients, "began")
    opened_s, opened_cpu_s = time.perf_counter() - began, web.cpu_s - cpu_s
    connections = await web.connections()
    await web.end(job)
    await _all(clients, "ended")
    print(f"{AT_ONCE} clients at once on one job: {_outcome(clients)}; first byte of the last after {opened_s:.2f} s "
          f"({opened_cpu_s:.2f} s of CPU), {connections} connections to Redis")  # fmt: skip
    for client in clients:
        client.transport.close()


async def _many(web: Web) -> None:
    made = await web.jobs(OPEN // PER_JOB)
    before_kb, cpu_s, clients, began = web.memory_kb, web.cpu_s, list[Client](), time.perf_counter()
    for number in range(0, OPEN, 50):
        clients += await asyncio.gather(*(web.open(made[each % len(made)]) for each in range(number, number + 50)))
        await asyncio.sleep(max(0, began + number / AT_ONCE - time.perf_counter()))  # 1,000 in a second
    await _all(clients, "began")
    opened_s, opened_cpu_s = time.perf_counter() - began, web.cpu_s - cpu_s
    per_stream_kb = (web.memory_kb - before_kb) / OPEN
    connections, cpu_s = await web.connections(), web.cpu_s
    await _publish(web, made)
    expected, patience = EVENTS_PER_S * MEASURED_S * PER_JOB, time.perf_counter() + PATIENCE_S
    while sum(len(one.latencies_ms) for one in clients) < expected and time.perf_counter() < patience:  # noqa: ASYNC110
        await asyncio.sleep(0.2)
    cpu_share = (web.cpu_s - cpu_s) / MEASURED_S
    latencies = sorted(latency for client in clients for latency in client.latencies_ms)
    for some in range(0, len(made), 50):
        await asyncio.gather(*(web.end(job) for job in made[some : some + 50]))
    await _all(clients, "ended")
    p50, p99 = (statistics.quantiles(latencies, n=100)[number] for number in (49, 98)) if latencies else (0, 0)
    print(f"{OPEN} streams of {len(made)} jobs: {_outcome(clients)}; "
          f"open after {opened_s:.1f} s ({opened_cpu_s:.1f} s of CPU), "
          f"{per_stream_kb:.1f} KB each, {connections} connections to Redis; {EVENTS_PER_S} events/s: "
          f"{len(latencies)} of {expected} arrived, p50 {p50:.1f} ms, p99 {p99:.1f} ms, "
          f"{cpu_share:.0%} of a core")  # fmt: skip


async def _publish(web: Web, made: Sequence[Job]) -> None:
    """Add events as a commit does, at an even rate, job by job."""
    keys, loop = Keys(), asyncio.get_running_loop()
    began, writing = loop.time(), set()
    for number in range(EVENTS_PER_S * MEASURED_S):
        await asyncio.sleep(max(0, began + number / EVENTS_PER_S - loop.time()))
        writing.add(task := asyncio.create_task(_say(web.redis, keys.events(made[number % len(made)].id))))
        task.add_done_callback(writing.discard)
    await asyncio.gather(*writing)


async def _say(redis: Redis, stream: str) -> None:
    data = orjson.dumps({"sent_ns": time.time_ns(), "fill": "x" * 300})
    async with redis.pipeline(transaction=True) as pipe:
        pipe.xadd(stream, {"event": "progress", "data": data})
        pipe.publish(stream, "")
        await pipe.execute()


async def _all(clients: Sequence[Client], event: str) -> None:
    try:
        async with asyncio.timeout(PATIENCE_S):
            for client in clients:
                await getattr(client, event).wait()
    except TimeoutError:
        pass


def _outcome(clients: Sequence[Client]) -> str:
    statuses = ", ".join(
        f"{count} {status or 'no answer'}" for status, count in Counter(c.status for c in clients).items()
    )
    return f"{statuses}; {sum(client.done for client in clients)} got `done`"
