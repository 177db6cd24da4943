"""Event streams of one web process: 1,000 clients at once on one job, then many open streams with events for all.

The clients are bare sockets in this process, and what publishes is another one; the web process is the Procfile's.
"""

import asyncio
import resource
import statistics
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence

import orjson
from redis.asyncio import BlockingConnectionPool, Redis

from bench import machine
from bench.peers.environments import ROOT
from bench.report import Report, Table
from bench.rounds import medians, percentile
from bench.service import System, ours
from bench.sizes import ROUNDS, size
from bench.stream_client import StreamClient
from bench.text import number
from nlp2filters.clock import now_ms
from nlp2filters.core import jobs
from nlp2filters.core.jobs import Job
from nlp2filters.storage.commits import EventDraft
from nlp2filters.storage.redis_keys import Keys
from nlp2filters.storage.store import Store

AT_ONCE = size(1_000, 100)
OPEN = size(5_000, 300)
PER_JOB = 5
EVENTS_PER_S = 500
MEASURED_S = size(10, 3)
PATIENCE_S = 60
OPEN_FILES = 20_000
# The same as `append_event` of the commits.
PUBLISH = """
local id = redis.call('XADD', KEYS[1], '*', 'event', 'progress', 'data', ARGV[1])
redis.call('PUBLISH', KEYS[1], id .. '\\nprogress\\n' .. ARGV[1])
"""


async def main() -> Report:
    allow_many_files()
    at_once, many = [], []
    for _ in range(ROUNDS):
        async with ours(workers=()) as web:
            at_once.append(await _at_once(web))
        async with ours(workers=()) as web:
            many.append(await measure(web, OPEN))
    first, second = medians(at_once), medians(many)
    rows = [
        [f"{AT_ONCE:,} clients at once on one job: all answered after", f"{first['answered_s']:.2f} s"],
        ["… CPU of the web process", f"{first['cpu_s']:.2f} s"],
        [f"{OPEN:,} streams of {OPEN // PER_JOB:,} jobs: memory of each", f"{number(second['kb'])} KB"],
        ["… CPU of the web process to open each", f"{number(second['open_cpu_ms'])} ms"],
        ["… connections to Redis", f"{second['connections']:.0f}"],
        [f"{EVENTS_PER_S} events/s: from publishing to the client, p50", f"{number(second['p50_ms'])} ms"],
        ["… p99", f"{number(second['p99_ms'])} ms"],
        ["… CPU of the web process", f"{second['core']:.0%} of a core"],
        ["events that arrived, and streams that got `done`", f"{second['arrived']:.0%}, {second['done']:.0%}"],
    ]
    return Report({"streams": Table(["", ""], rows)}, second)


def allow_many_files() -> None:
    """Let this process and its children open as many files as there are streams."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))


async def _at_once(web: System) -> Mapping[str, float]:
    (job,) = await _create(web, 1)
    began, cpu_s = time.perf_counter(), web.cpu_s()["web"]
    clients = await asyncio.gather(*(_open(web, job) for _ in range(AT_ONCE)))
    await _all(clients, "began")
    answered_s, spent_s = time.perf_counter() - began, web.cpu_s()["web"] - cpu_s
    await _end(web, [job])
    await _all(clients, "ended")
    assert all(client.done for client in clients), Counter(client.status for client in clients)
    for client in clients:
        client.transport.close()
    return {"answered_s": answered_s, "cpu_s": spent_s}


async def measure(web: System, streams: int) -> Mapping[str, float]:
    """Open so many streams, publish events at an even rate, end all jobs."""
    followed, clients = await _create(web, streams // PER_JOB), list[StreamClient]()
    before_kb, cpu_s, began = machine.memory_kb(web.processes["web"]), web.cpu_s()["web"], time.perf_counter()
    for first in range(0, streams, 50):
        opening = (followed[at % len(followed)] for at in range(first, first + 50))
        clients += await asyncio.gather(*(_open(web, job) for job in opening))
        await asyncio.sleep(max(0, began + first / 1_000 - time.perf_counter()))  # 1,000 in a second
    await _all(clients, "began")
    open_cpu_s, cpu_s = web.cpu_s()["web"] - cpu_s, web.cpu_s()["web"]
    kb = (machine.memory_kb(web.processes["web"]) - before_kb) / len(clients)
    connections = await _connections(web)
    expected = EVENTS_PER_S * MEASURED_S * PER_JOB
    await _publish(web, [job.id for job in followed])
    patience = time.perf_counter() + PATIENCE_S
    while sum(len(one.latencies_ms) for one in clients) < expected and time.perf_counter() < patience:
        await asyncio.sleep(0.2)
    core = (web.cpu_s()["web"] - cpu_s) / MEASURED_S
    latencies = [latency for client in clients for latency in client.latencies_ms]
    await _end(web, followed)
    await _all(clients, "ended")
    for client in clients:
        client.transport.close()
    return {
        **{"kb": kb, "open_cpu_ms": 1000 * open_cpu_s / len(clients), "connections": connections, "core": core},
        **{"p50_ms": statistics.median(latencies), "p99_ms": percentile(latencies, 99)},
        **{"arrived": len(latencies) / expected, "done": sum(client.done for client in clients) / len(clients)},
    }


async def _create(web: System, count: int) -> list[Job]:
    """Create jobs that nobody works on."""
    ids = [f"job_{uuid.uuid4().hex}" for _ in range(count)]
    followed = [jobs.create(id_, "filters", "anonymous", now_ms(), deadline_s=600) for id_ in ids]
    store = Store(web.redis, Keys(), retention_s=600)
    for first in range(0, count, 20):
        some = followed[first : first + 20]
        await asyncio.gather(*(store.jobs.create(job, b'{"webhook": null}') for job in some))
    return followed


async def _end(web: System, followed: Sequence[Job]) -> None:
    store, done = Store(web.redis, Keys(), retention_s=600), [EventDraft("done", {"result": None})]
    for first in range(0, len(followed), 20):
        some = followed[first : first + 20]
        await asyncio.gather(
            *(store.jobs.apply(job, lambda job: jobs.cancel(job, now_ms()), events=done) for job in some)
        )


async def _open(web: System, job: Job) -> StreamClient:
    path = f"/v1/jobs/{job.id}/events"
    loop = asyncio.get_running_loop()
    _, client = await loop.create_connection(lambda: StreamClient(path, web.port), "127.0.0.1", web.port)
    return client


async def _connections(web: System) -> float:
    """Count the connections to Redis that the web process has: ours have no name."""
    ours_, all_ = await web.redis.client_id(), await web.redis.client_list()
    own_pool = len(web.redis.connection_pool._available_connections) + len(
        web.redis.connection_pool._in_use_connections
    )
    assert any(int(one["id"]) == ours_ for one in all_)
    return float(len(all_) - own_pool)


async def _publish(web: System, ids: Sequence[str]) -> None:
    """Let another process add events at an even rate, job by job."""
    command = [sys.executable, "-m", "bench.streams", web.redis_url, str(EVENTS_PER_S), str(EVENTS_PER_S * MEASURED_S)]
    process = await asyncio.create_subprocess_exec(*command, stdin=subprocess.PIPE, cwd=ROOT)
    await process.communicate(orjson.dumps(list(ids)))
    assert process.returncode == 0


async def _all(clients: Sequence[StreamClient], event: str) -> None:
    try:
        async with asyncio.timeout(PATIENCE_S):
            for client in clients:
                await getattr(client, event).wait()
    except TimeoutError:
        pass


async def publish(url: str, rate: int, count: int) -> None:
    """Add events as a commit does. Runs in a process of its own."""
    keys, loop, ids, writing = Keys(), asyncio.get_running_loop(), orjson.loads(sys.stdin.read()), set()
    pool = BlockingConnectionPool.from_url(url, max_connections=20, timeout=None)
    async with Redis.from_pool(pool) as redis:
        script = redis.register_script(PUBLISH)

        async def say(stream: str) -> None:
            await script([stream], [orjson.dumps({"sent_ns": time.time_ns(), "fill": "x" * 300})])

        began = loop.time()
        for at in range(count):
            await asyncio.sleep(max(0, began + at / rate - loop.time()))
            writing.add(task := asyncio.create_task(say(keys.events(ids[at % len(ids)]))))
            task.add_done_callback(writing.discard)
        await asyncio.gather(*writing)


if __name__ == "__main__":
    asyncio.run(publish(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
