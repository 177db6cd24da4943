"""ARQ's worker as it comes against ours, on one Redis: idle pick-up, throughput, idle commands, take-over."""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

from arq.connections import ArqRedis
from arq.constants import in_progress_key_prefix, job_key_prefix
from arq.jobs import serialize_job
from arq.worker import Worker, func

from bench.machine import redis_server
from nlp2filters.settings import Settings
from nlp2filters.storage import arq_format
from nlp2filters.storage.arq_format import wake_key
from nlp2filters.storage.connection import connect
from nlp2filters.worker.leased_worker import LeasedWorker

ROUNDS = 3
PICKUPS = 40
JOBS = 2_000
IDLE_S = 10.0

KINDS: dict[str, tuple[type[Worker], dict[str, Any]]] = {
    "arq, as it comes": (Worker, {}),
    "arq, max_jobs 100, poll 0.02": (Worker, {"max_jobs": 100, "poll_delay": 0.02}),
    "ours, max_jobs 100": (LeasedWorker, {"max_jobs": 100}),
}


async def main() -> None:
    with redis_server() as url:
        print("| worker | idle pick-up p50 ms | p95 ms | no-op jobs/s | idle commands/s | take-over s |")
        print("|---|---|---|---|---|---|")
        measured: dict[str, list[tuple[float, ...]]] = {name: [] for name in KINDS}
        for _ in range(ROUNDS):
            for name in KINDS:
                measured[name].append(await _measure(url, name))
        for name, rounds in measured.items():
            medians = [statistics.median(column) for column in zip(*rounds, strict=True)]
            print(f"| {name} | " + " | ".join(f"{value:.1f}" for value in medians) + " |")


async def _measure(url: str, name: str) -> tuple[float, ...]:
    redis = connect(Settings(redis_url=url))
    try:
        pickups = await _pickups(url, redis, name)
        rate = await _throughput(url, redis, name)
        idle = await _idle_commands(url, redis, name)
        takeover = await _takeover(url, redis, name)
    finally:
        await redis.aclose()
    return statistics.median(pickups), statistics.quantiles(pickups, n=20)[-1], rate, idle, takeover


@asynccontextmanager
async def _worker(url: str, name: str, work: Callable[..., Awaitable[None]], **more: Any) -> AsyncIterator[None]:
    cls, options = KINDS[name]
    pool = connect(Settings(redis_url=url))
    worker = cls(
        functions=[func(cast(Any, work), name="work", timeout=more.pop("timeout", 300))],
        queue_name="bench",
        redis_pool=pool,
        handle_signals=False,
        keep_result=0,
        log_results=False,
        job_serializer=arq_format.dumps,
        job_deserializer=arq_format.loads,
        **{**options, **({"open_key": "bench:open"} if cls is LeasedWorker else {}), **more},
    )
    running = asyncio.create_task(worker.main())
    try:
        yield
    finally:
        running.cancel()
        await asyncio.gather(running, *worker.tasks.values(), return_exceptions=True)
        await pool.aclose()


async def _put(redis: ArqRedis, *ids: str) -> None:
    async with redis.pipeline(transaction=False) as pipe:
        for id_ in ids:
            pipe.set(job_key_prefix + id_, serialize_job("work", (id_,), {}, None, 0, serializer=arq_format.dumps))
            pipe.zadd("bench", {id_: int(time.time() * 1000)})
        pipe.zadd(wake_key("bench"), {"0": 0})
        await pipe.execute()


async def _pickups(url: str, redis: ArqRedis, name: str) -> list[float]:
    """Milliseconds from before the entry is written to the first line of the job, of an idle worker."""
    begun: asyncio.Queue[float] = asyncio.Queue()

    async def work(ctx: dict[str, Any], id_: str) -> None:
        begun.put_nowait(time.perf_counter())

    taken = []
    async with _worker(url, name, work):
        for i in range(PICKUPS):
            await asyncio.sleep(0.05 + 0.007 * (i % 7))
            put = time.perf_counter()
            await _put(redis, f"p{i}")
            taken.append(1000 * (await begun.get() - put))
    return taken


async def _throughput(url: str, redis: ArqRedis, name: str) -> float:
    """No-op jobs per second of one worker that finds them all waiting."""
    done, all_done = 0, asyncio.Event()

    async def work(ctx: dict[str, Any], id_: str) -> None:
        nonlocal done
        done += 1
        if done == JOBS:
            all_done.set()

    await _put(redis, *[f"t{i}" for i in range(JOBS)])
    began = time.perf_counter()
    async with _worker(url, name, work):
        await all_done.wait()
        return JOBS / (time.perf_counter() - began)


async def _idle_commands(url: str, redis: ArqRedis, name: str) -> float:
    """Redis commands per second of a worker that has nothing to do."""

    async def work(ctx: dict[str, Any], id_: str) -> None: ...

    async with _worker(url, name, work):
        await asyncio.sleep(1)
        before = (await redis.info("stats"))["total_commands_processed"]
        await asyncio.sleep(IDLE_S)
        return float((await redis.info("stats"))["total_commands_processed"] - before - 1) / IDLE_S


async def _takeover(url: str, redis: ArqRedis, name: str) -> float:
    """Seconds until a job whose worker was killed at its start runs again, with a job timeout of 10 s."""
    again = asyncio.Event()

    async def work(ctx: dict[str, Any], id_: str) -> None:
        again.set()

    await _put(redis, "dead")
    killed = time.perf_counter()
    lease_s = 10 if KINDS[name][0] is LeasedWorker else 10 + 10  # ARQ: job timeout + 10 s
    await redis.set(in_progress_key_prefix + "dead", "dead", px=lease_s * 1000)
    async with _worker(url, name, work, timeout=10):
        await again.wait()
    return time.perf_counter() - killed
