"""The whole service, from POST to `done`: ours beside the older system, which does nothing but pass jobs on.

One web process and one worker for each queue, in each system. First single jobs, then many at once; the CPU time of
every process and the commands of Redis are those of the second part.
"""

import asyncio
import statistics
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

import orjson

from bench import commands, llm
from bench.chart import bars
from bench.compute import compute_ms
from bench.http import HTTP
from bench.report import Report, Table
from bench.rounds import interleaved, percentile
from bench.service import System, flask_rq, ours
from bench.sizes import size
from bench.text import number

LONE = size(60, 15)
MANY = size(400, 40)
AT_ONCE = 32
WARM_UP = size(60, 10)
# The older system's page asked four times a second, as is done here when many jobs wait: more often would slow it down.
# For a single job, asking at once flatters it.
POLL_S, POLL_BUSY_S = 0.003, 0.25

TEXTS = (
    "japanese cars with at least 30 mpg, lightest first",
    "american or european cars with 8 cylinders built after 1975",
    "more than 150 horsepower but under 3500 pounds",
    "not from japan, between 20 and 25 miles per gallon",
    "the 10 fastest cars with 4 cylinders",
    "heavy european cars from 1972, by horsepower",
)
Job = Callable[[HTTP, int, float], Awaitable[None]]

BUILTIN, WITH_LLM, NOOP, OLDER = "ours, built-in parser", "ours, with an LLM", "ours, no-op", "Flask + RQ, no-op"
INT8 = "ours, built-in parser, int8 weights"


async def follow(body: Callable[[int], Mapping[str, Any]], http: HTTP, number: int, pause_s: float) -> None:
    """Submit a job to our service, and read its events to the end."""
    status, answer = await http.request("POST", "/v1/jobs", body(number))
    assert status == 202, answer
    await http.follow(f"/v1/jobs/{orjson.loads(answer)['id']}/events")


async def poll(http: HTTP, number: int, pause_s: float) -> None:
    """Submit a job to the older system, and ask until there is a result."""
    status, answer = await http.request("POST", "/embedding/echo", {"text": f"text {number}"})
    assert status == 202, answer
    path = f"/embedding/result/{orjson.loads(answer)['job_id']}"
    while b"result" not in (await http.request("GET", path))[1]:
        await asyncio.sleep(pause_s)


def filters(texts: Sequence[str], strategy: str = "builtin") -> Job:
    """Return jobs that turn a text into a filter; no two texts are the same."""

    def body(number: int) -> Mapping[str, Any]:
        text = f"{texts[number % len(texts)]}, limit {number % 900 + 1}"
        return {"catalog": "cars", "text": text, "strategy": strategy}

    return partial(follow, body)


# The LLM always gives the same answer, which quotes the first text.
BY_PARSER, BY_LLM = filters(TEXTS), filters(TEXTS[:1], "auto")
NOTHING: Job = partial(follow, lambda _: {"kind": "noop"})


async def main() -> Report:
    async with AsyncExitStack() as stack:
        service = await stack.enter_async_context(ours())
        url = await stack.enter_async_context(llm.serving())
        asking = await stack.enter_async_context(ours(llm.settings(url)))
        int8 = await stack.enter_async_context(ours({"EMBEDDING_WEIGHTS": "int8"}))
        older = await stack.enter_async_context(flask_rq())
        systems: Mapping[str, tuple[System, Job]] = {
            BUILTIN: (service, BY_PARSER),
            INT8: (int8, BY_PARSER),
            WITH_LLM: (asking, BY_LLM),
            NOOP: (service, NOTHING),
            OLDER: (older, poll),
        }
        for system, job in systems.values():
            await _many(system, job, WARM_UP)
        calls: dict[str, Counter[str]] = {name: Counter() for name in systems}
        measures = {name: partial(_measure, *one, calls[name]) for name, one in systems.items()}
        medians = await interleaved(measures)
        compute = await asyncio.to_thread(compute_ms, TEXTS)
        one_job = await commands.of_one_job(service, partial(_one, service, BY_PARSER))
    figures = {f"{_key(name)}.{figure}": value for name, one in medians.items() for figure, value in one.items()}
    figures["compute_ms"] = compute
    return Report(
        {
            "end-to-end": _latencies(medians, compute),
            "cpu": _cpu(medians),
            "commands": _commands({name: calls[name] for name in (BUILTIN, WITH_LLM, NOOP)}),
            "one-job": commands.table(one_job),
        },
        {**figures, "builtin.round_trips": float(len(one_job))},
        {"end-to-end": bars("POST to done, idle service, p50 in ms", {n: m["p50_ms"] for n, m in medians.items()})},
    )


async def _measure(system: System, job: Job, calls: Counter[str]) -> Mapping[str, float]:
    async with HTTP(system.port) as http:
        lone = []
        for at in range(LONE):
            began = time.perf_counter()
            await job(http, at, POLL_S)
            lone.append(1000 * (time.perf_counter() - began))
            await asyncio.sleep(0.01)
    cpu_s, before, began = system.cpu_s(), await system.commands(), time.perf_counter()
    await _many(system, job, MANY)
    jobs_per_s = MANY / (time.perf_counter() - began)
    after = await system.commands()
    for name, (count, _) in after.items():
        calls[name] += count - before.get(name, (0, 0))[0]
    calls["jobs"] += MANY
    spent = {name: 1000 * (value - cpu_s[name]) / MANY for name, value in system.cpu_s().items()}
    return {
        "p50_ms": statistics.median(lone),
        "p95_ms": percentile(lone, 95),
        "jobs_per_s": jobs_per_s,
        **{f"cpu_ms.{name}": value for name, value in spent.items()},
        "cpu_ms": sum(spent.values()),
    }


async def _many(system: System, job: Job, count: int) -> None:
    """Run so many jobs, `AT_ONCE` of them at a time."""
    numbers = iter(range(count))
    async with HTTP(system.port) as http:

        async def run() -> None:
            for at in numbers:
                await job(http, at, POLL_BUSY_S)

        await asyncio.gather(*(run() for _ in range(AT_ONCE)))


async def _one(system: System, job: Job) -> None:
    async with HTTP(system.port) as http:
        await job(http, 0, POLL_S)


def _latencies(medians: Mapping[str, Mapping[str, float]], compute: float) -> Table:
    rows = [
        [name, *(number(one[figure]) for figure in ("p50_ms", "p95_ms", "jobs_per_s"))] for name, one in medians.items()
    ]
    rows.append(["the same parsing by itself, in one process", number(compute), "", number(1000 / compute)])
    return Table(["system", "p50 ms", "p95 ms", f"jobs/s, {AT_ONCE} at once"], rows)


def _cpu(medians: Mapping[str, Mapping[str, float]]) -> Table:
    names = ("web", "embedding", "llm", "redis")
    rows = [
        [name, *(number(one[f"cpu_ms.{process}"]) for process in names), number(one["cpu_ms"])]
        for name, one in medians.items()
    ]
    return Table(["CPU ms per job", "web", "embedding worker", "llm worker", "Redis", "all"], rows)


def _commands(calls: Mapping[str, Counter[str]]) -> Table:
    """List each command that a job takes, those of scripts included, per job."""
    per_job = {
        system: {name: n / one["jobs"] for name, n in one.items() if name != "jobs"} for system, one in calls.items()
    }
    names = sorted({name for one in per_job.values() for name in one}, key=lambda name: -per_job[BUILTIN].get(name, 0))
    rows = [
        [f"`{name.upper()}`", *(f"{one.get(name, 0):.1f}" for one in per_job.values())]
        for name in names
        if max(one.get(name, 0) for one in per_job.values()) >= 0.05
    ]
    rows.append(["all", *(f"{sum(one.values()):.1f}" for one in per_job.values())])
    return Table(["command", *calls], rows)


def _key(name: str) -> str:
    return {BUILTIN: "builtin", INT8: "int8", WITH_LLM: "llm", NOOP: "noop", OLDER: "older"}[name]
