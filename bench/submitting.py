"""`POST /v1/jobs` beside a bare Starlette route with one round trip to Redis: throughput, and latency at half of it."""

import asyncio
import sys
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

from bench.http import HTTP
from bench.report import Report, Table
from bench.rounds import interleaved, percentile
from bench.service import System, ours, system
from bench.sizes import size
from bench.text import number

CONNECTIONS = 32
REQUESTS = size(4_000, 300)
HALF_LOAD_S = size(4.0, 1.0)
# Enough for every request that may wait when the server falls behind for a moment.
BODY = {"catalog": "cars", "text": "japanese cars with at least 30 mpg, lightest first"}
WAITED_S = 2
OURS, BARE = "`POST /v1/jobs`", "bare Starlette, one `INCR`"


async def main() -> Report:
    async with AsyncExitStack() as stack:
        web = await stack.enter_async_context(ours(workers=()))
        bare = await stack.enter_async_context(system(_bare, "/"))
        targets: Mapping[str, tuple[System, str]] = {OURS: (web, "/v1/jobs"), BARE: (bare, "/")}
        for target in targets.values():
            await _throughput(*target, REQUESTS // 10)
        medians = await interleaved({name: partial(_measure, *target) for name, target in targets.items()})
        wait_commands = await _wait_commands(web)
    columns = {
        "requests/s": "requests_per_s",
        "CPU ms each": "cpu_ms",
        "at half load: p50 ms": "p50_ms",
        "p99 ms": "p99_ms",
    }
    rows = [[name, *(number(one[figure]) for figure in columns.values())] for name, one in medians.items()]
    figures = {
        f"{key}.{figure}": value
        for key, name in (("ours", OURS), ("bare", BARE))
        for figure, value in medians[name].items()
    }
    return Report({"submitting": Table(["route", *columns], rows)}, {**figures, "wait_commands": wait_commands})


def _bare(port: int) -> Mapping[str, list[str]]:
    uvicorn = ["-m", "uvicorn", "--port", str(port), "--no-access-log", "--log-level", "error"]
    return {"web": [sys.executable, *uvicorn, "bench.bare_web:app"]}


async def _measure(target: System, path: str) -> Mapping[str, float]:
    cpu_s = target.cpu_s()["web"]
    requests_per_s = await _throughput(target, path, REQUESTS)
    cpu_ms = 1000 * (target.cpu_s()["web"] - cpu_s) / REQUESTS
    latencies = await _at_rate(target, path, requests_per_s / 2)
    return {
        "requests_per_s": requests_per_s,
        "cpu_ms": cpu_ms,
        "p50_ms": percentile(latencies, 50),
        "p99_ms": percentile(latencies, 99),
    }


async def _throughput(target: System, path: str, count: int) -> float:
    numbers = iter(range(count))
    async with HTTP(target.port) as http:

        async def run() -> None:
            for _ in numbers:
                await _post(http, path)

        began = time.perf_counter()
        await asyncio.gather(*(run() for _ in range(CONNECTIONS)))
        return count / (time.perf_counter() - began)


async def _at_rate(target: System, path: str, rate: float) -> list[float]:
    """Send requests at an even rate, whether answers come or not. Returns the milliseconds that each took."""
    loop, latencies, tasks = asyncio.get_running_loop(), list[float](), set[asyncio.Task[Any]]()
    async with HTTP(target.port) as http:

        async def send(due: float) -> None:
            await _post(http, path)
            latencies.append(1000 * (loop.time() - due))

        began = loop.time()
        for at in range(int(rate * HALF_LOAD_S)):
            due = began + at / rate
            await asyncio.sleep(max(0, due - loop.time()))
            tasks.add(task := asyncio.create_task(send(loop.time())))
            task.add_done_callback(tasks.discard)
        await asyncio.gather(*tasks)
    return latencies


async def _post(http: HTTP, path: str) -> None:
    status, answer = await http.request("POST", path, BODY)
    assert status == 202, answer


async def _wait_commands(web: System) -> float:
    """Return the commands that are sent while a request waits for a job that nobody works on, besides its own."""

    async def sent(prefer: str) -> int:
        before = (await web.redis.info("stats"))["total_commands_processed"]
        async with HTTP(web.port) as http:
            await http.request("POST", "/v1/jobs", BODY, prefer)
        return int((await web.redis.info("stats"))["total_commands_processed"] - before)

    # The first second has the commands that a waiting request sends at all; the rest would be polling.
    short, long = await sent("Prefer: wait=1"), await sent(f"Prefer: wait={1 + WAITED_S}")
    return float(max(0, long - short))
