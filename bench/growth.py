"""What stays flat, and what does not: against waiting jobs, owners, the size of a catalog, workers and open streams."""

import asyncio
import math
import statistics
import time
import uuid
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import orjson

from bench import streams
from bench.chart import lines
from bench.http import HTTP
from bench.parsing import wide_catalog
from bench.pipeline import BY_PARSER, POLL_S, follow
from bench.report import Report, Table
from bench.service import NOOP_KIND, System, ours, worker
from bench.sizes import size
from bench.text import number
from nlp2filters.clock import now_ms
from nlp2filters.core import jobs, kinds
from nlp2filters.storage.redis_keys import Keys
from nlp2filters.storage.store import Store

DEPTHS = size((1_000, 10_000, 100_000), (300, 1_000))
OWNERS = size((1, 10, 100, 1_000, 10_000), (1, 100))
OWNED_JOBS = size(10_000, 300)
DRAINED = size(4_000, 200)
POSTS = size(200, 20)
FIELDS = size((10, 100, 1_000, 10_000), (10, 100))
VALUES = size((10, 100, 1_000, 10_000), (10, 100))
LONE = size(30, 5)
WORKERS = size((1, 2, 3, 4), (1, 2))
NAP_S = 0.1
NAPS_PER_WORKER = size(240, 40)
STREAMS = size((100, 1_000, 5_000), (50, 100))
FINISHED = size(300, 30)
# An index of 10,000 names takes a minute or so.
INDEXED_S = 300
REQUEST = orjson.dumps({"kind": "noop", "seconds": 0.0, "webhook": None})

Points = Sequence[tuple[float, float]]


async def main() -> Report:
    streams.allow_many_files()
    kinds.load([NOOP_KIND])
    depth = {size_: await _with_waiting(size_, owners=100) for size_ in DEPTHS}
    owners = {count: await _with_waiting(OWNED_JOBS, owners=count) for count in OWNERS}
    async with ours() as service:
        fields = [(count, await _latency(service, wide_catalog(count, 2))) for count in FIELDS]
        values = [(count, await _latency(service, wide_catalog(1, count))) for count in VALUES]
        memory = await _memory(service)
    by_workers = [(count, await _naps_per_s(count)) for count in WORKERS]
    by_streams = {}
    for count in STREAMS:
        async with ours(workers=()) as web:
            by_streams[count] = await streams.measure(web, count)
    series: Sequence[tuple[str, str, Points]] = (
        ("waiting jobs", "jobs/s of a worker", _points(depth, "jobs_per_s")),
        ("waiting jobs", "`POST /v1/jobs`, p50 ms", _points(depth, "post_ms")),
        (f"owners of {OWNED_JOBS:,} waiting jobs", "jobs/s of a worker", _points(owners, "jobs_per_s")),
        ("fields of the catalog", "POST to `done`, p50 ms", fields),
        ("values of one field", "POST to `done`, p50 ms", values),
        (f"workers, jobs that wait {NAP_S} s", "jobs/s", by_workers),
        ("open streams", "publish to client, p99 ms", _points(by_streams, "p99_ms")),
        ("open streams", "KB of each", _points(by_streams, "kb")),
    )
    rows = [[what, unit, _path(points), f"{slope(points):+.2f}"] for what, unit, points in series]
    kilobytes = {"a waiting job": statistics.median(one["kb"] for one in depth.values()), **memory}
    return Report(
        {
            "growth": Table(["against", "figure", "course", "slope"], rows),
            "memory": Table(["memory of Redis", "KB"], [[name, number(kb)] for name, kb in kilobytes.items()]),
        },
        {
            "depth.slope": slope(_points(depth, "jobs_per_s")),
            "owners.slope": slope(_points(owners, "jobs_per_s")),
            "kb.waiting": kilobytes["a waiting job"],
            "kb.finished": memory["a finished filter job, until `RETENTION_S` is over"],
        },
        {
            "depth": lines("Against waiting jobs", "waiting jobs", {
                "jobs/s of a worker": _points(depth, "jobs_per_s"),
            }),
            "catalogs": lines("POST to done, p50 in ms", "fields, or values of one field", {
                "fields": fields, "values": values,
            }),
            "worker-count": lines(f"Jobs/s, each waiting {NAP_S} s", "workers", {"jobs/s": by_workers}, log_x=False),
            "stream-count": lines("Against open streams", "open streams", {
                "publish to client, p99 ms": _points(by_streams, "p99_ms"), "KB of each": _points(by_streams, "kb"),
            }),
        },
        rounds=None,
    )  # fmt: skip


def slope(points: Points) -> float:
    """Fit a power of x to the points by least squares of their logarithms; returns the exponent."""
    x, y = ([math.log(max(one[at], 1e-9)) for one in points] for at in (0, 1))
    return statistics.linear_regression(x, y).slope


def _points(results: Mapping[int, Mapping[str, float]], figure: str) -> Points:
    return [(float(at), one[figure]) for at, one in results.items()]


def _path(points: Points) -> str:
    return " → ".join(f"{x:,.0f}: {number(y)}" for x, y in points)


async def _with_waiting(count: int, owners: int) -> Mapping[str, float]:
    """Let jobs of some owners wait; measure their memory, how fast others are accepted, and how fast a worker is."""
    async with ours(workers=()) as service:
        before = (await service.redis.info("memory"))["used_memory"]
        await _fill(service, count, owners)
        kb = ((await service.redis.info("memory"))["used_memory"] - before) / count / 1024
        post_ms = await _post_ms(service)
        async with worker(service, "embedding"):
            jobs_per_s = await _drained_per_s(service, min(DRAINED, 4 * count // 5))
    return {"kb": kb, "post_ms": post_ms, "jobs_per_s": jobs_per_s}


async def _fill(service: System, count: int, owners: int) -> None:
    store, numbers = Store(service.redis, Keys(), retention_s=3_600), iter(range(count))

    async def fill() -> None:
        for at in numbers:
            job = jobs.create(f"job_{uuid.uuid4().hex}", "noop", f"owner-{at % owners}", now_ms(), deadline_s=3_600)
            await store.jobs.create(job, REQUEST)

    await asyncio.gather(*(fill() for _ in range(20)))


async def _post_ms(service: System) -> float:
    spent = []
    async with HTTP(service.port) as http:
        for _ in range(POSTS):
            began = time.perf_counter()
            status, answer = await http.request("POST", "/v1/jobs", {"kind": "noop"})
            spent.append(1000 * (time.perf_counter() - began))
            assert status == 202, answer
    return statistics.median(spent)


async def _drained_per_s(service: System, count: int) -> float:
    """Return how many of the first `count` jobs pass on to the second queue in a second, after the first tenth."""
    passed = partial(service.redis.zcard, f"{Keys().queue('llm')}:all")
    while (before := await passed()) < count // 10:
        await asyncio.sleep(0.005)
    began = time.perf_counter()
    while (after := await passed()) < count:
        await asyncio.sleep(0.005)
    return float(after - before) / (time.perf_counter() - began)


async def _latency(service: System, catalog: Mapping[str, Any]) -> float:
    """Return the median of the milliseconds from POST to `done`, once the catalog has its index."""
    text = f"{catalog['fields'][0]['name'].replace('_', ' ')} under 80, sorted by price"
    job = partial(follow, lambda number: {"catalog": catalog["name"], "text": f"{text}, limit {number + 1}"})
    async with HTTP(service.port) as http:
        content = {key: value for key, value in catalog.items() if key != "name"}
        status, answer = await http.request("PUT", f"/v1/catalogs/{catalog['name']}", content)
        assert status in (200, 201), answer
        await job(http, 0, POLL_S)
        async with asyncio.timeout(INDEXED_S):
            while await _building(service):
                await asyncio.sleep(0.2)
        for at in range(3):
            await job(http, 1_000 + at, POLL_S)
        spent = []
        for at in range(LONE):
            began = time.perf_counter()
            await job(http, at, POLL_S)
            spent.append(1000 * (time.perf_counter() - began))
    return statistics.median(spent)


async def _building(service: System) -> bool:
    """True while an index lacks chunks."""
    indexes = [key async for key in service.redis.scan_iter(match=f"{Keys().vectors('')}*")]
    for key in indexes:
        if await service.redis.hexists(key, "names"):  # type: ignore[misc]
            return True
    return False


async def _memory(service: System) -> dict[str, float]:
    """Return the KB that finished jobs take, and of which kinds of keys."""
    before = (await service.redis.info("memory"))["used_memory"]
    async with HTTP(service.port) as http:
        for at in range(FINISHED):
            await BY_PARSER(http, at, POLL_S)
    total = ((await service.redis.info("memory"))["used_memory"] - before) / FINISHED / 1024
    keys = {"its record": "n2f:job:*", "its stream of events": "n2f:events:job_*"}
    sizes = {}
    for name, pattern in keys.items():
        some = [key async for key in service.redis.scan_iter(match=pattern, count=1_000)][:50]
        used = [await service.redis.memory_usage(key) or 0 for key in some]
        sizes[f"… of which {name}"] = statistics.median(used) / 1024
    return {"a finished filter job, until `RETENTION_S` is over": total, **sizes}


async def _naps_per_s(workers: int) -> float:
    """Return the jobs per second of so many workers for each queue, whose stages only wait."""
    queues = ["embedding"] * workers + ["llm"] * workers
    count, body = NAPS_PER_WORKER * workers, {"kind": "noop", "seconds": NAP_S}
    async with ours(workers=queues) as service, HTTP(service.port) as http:
        began, numbers = time.perf_counter(), iter(range(count))

        async def run() -> None:
            for _ in numbers:
                await follow(lambda _: body, http, 0, POLL_S)

        await asyncio.gather(*(run() for _ in range(20 * workers)))
        return count / (time.perf_counter() - began)
