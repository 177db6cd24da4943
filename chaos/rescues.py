"""Trials of late writers, long outages, orphans, many faults at once, and one owner or receiver that is too much."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx
import orjson
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from chaos.load import KEYS, Load, Outcome
from chaos.trials import Finding, Stand, nothing_lost, one_webhook_id, webhook_ids
from nlp2filters.clock import now_ms
from nlp2filters.core import kinds
from nlp2filters.settings import LEASE_S
from nlp2filters.storage.api_keys import ApiKeys
from tests.peers import webhook as webhook_peer

OUTAGE_S = 17.0
RESCUED_WITHIN_S = 60
FAULTS_PER_S = 2.5
SINGLE_JOBS = 10


async def thaws(it: Stand, count: int) -> list[Finding]:
    """Freeze a worker in one stage, and thaw it while another works on the next: it changes nothing any more."""
    load = it.load(webhook=True)
    load.text = "more than 200 horsepower, " * 100  # it takes a while to embed
    it.answer_after(8)
    for _ in range(count):
        submitting = asyncio.create_task(load.submit(100, 5))
        name, frozen_at = await _freeze_at_work(it, load, "embedding"), time.monotonic()
        await submitting
        # The other worker has claimed the jobs by now, and the LLM is still busy with them.
        await asyncio.sleep(frozen_at + LEASE_S + 3 - time.monotonic())
        it.fleet.thaw(name)
    outcomes = await load.outcomes()
    ids = await webhook_ids(it, {outcome.job_id for outcome in outcomes})
    overtaken = sum(stage == "embedding" and attempt > 1 for outcome in outcomes for stage, attempt, _ in outcome.begun)
    return [
        *nothing_lost(f"{count} workers frozen in one stage and thawed in the next", outcomes),
        one_webhook_id(ids),
        Finding("… jobs were overtaken", overtaken, f"{overtaken} jobs", overtaken > 0, timed=True),
    ]


async def _freeze_at_work(it: Stand, load: Load, stage: str) -> str:
    """Freeze a worker in mid-attempt; returns its name."""
    while True:
        pid = await load.busy_worker(stage)
        it.fleet.freeze(it.fleet.name_of(pid))
        await asyncio.sleep(0.1)  # Redis gets what it had already sent.
        if pid in await load.workers_of(stage):
            return it.fleet.name_of(pid)
        it.fleet.thaw(it.fleet.name_of(pid))  # it was faster than the signal


async def outages(it: Stand, count: int) -> list[Finding]:
    """Redis out of reach for longer than a lease, with calls at the LLM: it uses up no attempt, and no second call."""
    load = it.load()
    it.answer_after(8)
    for _ in range(count):
        await load.submit(20, 1)
        await load.busy_worker("llm")
        it.redis_proxy.fall_silent()
        await asyncio.sleep(OUTAGE_S)
        it.redis_proxy.heal()
    outcomes = await load.outcomes()
    calls, jobs = len(it.llm.requests), len(outcomes)
    tries = [_tries(run) for record in _records(it, outcomes) for run in record["stages"].values()]
    return [
        *nothing_lost(f"{count} outages of Redis of {OUTAGE_S:.0f} s, longer than a lease", outcomes),
        Finding("… no attempt was used up", jobs, f"{max(tries)} at most that count", max(tries) <= 1),
        Finding("… LLM calls", jobs, str(calls), calls <= jobs),
    ]


def _tries(run: dict[str, Any]) -> int:
    return int(run["attempt"]) - int(run["handed_back"])


def _records(it: Stand, outcomes: list[Outcome]) -> list[dict[str, Any]]:
    with Redis(port=it.redis.port) as client:
        raws: list[Any] = [client.hget(KEYS.job(outcome.job_id), "record") for outcome in outcomes]
    return [orjson.loads(raw) for raw in raws if raw]


async def orphans(it: Stand) -> list[Finding]:
    """Remove everything of a queue by hand while jobs wait in it, one stage after the other."""
    it.answer_after(0.25)
    findings = []
    for stage in sorted(kinds.required_queues()):
        load = it.load(webhook=True)
        workers = [name for name in it.fleet.names if name.startswith(stage)]
        for name in workers:
            it.fleet.freeze(name)
        await load.submit(20, 0.5)
        await _until_entries(it, stage, 20)
        with Redis(port=it.redis.port) as client:
            client.delete(*client.keys(f"{KEYS.queue(stage)}*"))
        began = time.monotonic()
        for name in workers:
            it.fleet.thaw(name)
        outcomes = await load.outcomes()
        ids = await webhook_ids(it, {outcome.job_id for outcome in outcomes})
        took = time.monotonic() - began
        findings += [
            *nothing_lost(f"20 jobs whose entries in the queue `{stage}` were removed by hand", outcomes),
            one_webhook_id(ids),
            Finding("… found and finished within 60 s", 20, f"{took:.0f} s", took <= RESCUED_WITHIN_S, timed=True),
        ]
    return findings


async def _until_entries(it: Stand, stage: str, count: int) -> None:
    with Redis(port=it.redis.port) as client:
        while client.zcard(f"{KEYS.queue(stage)}:all") < count:
            await asyncio.sleep(0.02)


async def mixed(it: Stand, jobs: int, faults: int) -> list[Finding]:
    """Every kind of fault, in any order and at once, while jobs come and go."""
    it.answer_after(0.25)
    load, seconds = it.load(webhook=True), faults / FAULTS_PER_S
    made: Counter[str] = Counter()

    async def frozen(name: str) -> None:
        it.fleet.freeze(name)
        await asyncio.sleep(random.choice((0.5, 2, LEASE_S + 3)))
        it.fleet.thaw(name)

    async def redis_killed() -> None:
        await asyncio.to_thread(it.redis.kill)
        await asyncio.to_thread(it.redis.start)

    async def redis_frozen() -> None:
        it.redis.freeze()
        await asyncio.sleep(random.uniform(0.5, 3))
        it.redis.thaw()

    busy: set[str] = set()  # one fault at a time for each process

    async def fault() -> None:
        kind = random.choice(("kill", "kill", "stop", "freeze", "kill Redis", "freeze Redis", "cut"))
        name = "redis" if "Redis" in kind else random.choice(it.fleet.names)
        if kind == "cut":
            it.redis_proxy.cut()
        elif name in busy:
            return
        else:
            busy.add(name)
            try:
                await _act(kind, name)
            finally:
                busy.discard(name)
        made[kind] += 1

    async def _act(kind: str, name: str) -> None:
        actions: dict[str, Callable[[], Any]] = {
            "kill": lambda: asyncio.to_thread(it.fleet.kill, name),
            "stop": lambda: asyncio.to_thread(it.fleet.restart, name),
            "freeze": lambda: frozen(name),
            "kill Redis": redis_killed,
            "freeze Redis": redis_frozen,
        }
        await actions[kind]()

    async def faulting() -> None:
        under_way: set[asyncio.Task[None]] = set()
        while made.total() < faults:
            task = asyncio.create_task(fault())
            under_way.add(task)
            task.add_done_callback(under_way.discard)
            await asyncio.sleep(1 / FAULTS_PER_S)
        await asyncio.gather(*under_way)

    await asyncio.gather(load.submit(jobs, seconds), faulting())
    outcomes = await load.outcomes()
    ids = await webhook_ids(it, {outcome.job_id for outcome in outcomes})
    kinds = ", ".join(f"{count} {kind}" for kind, count in made.most_common())
    return [*nothing_lost(f"{made.total()} mixed faults: {kinds}", outcomes), one_webhook_id(ids)]


async def owners(it: Stand, waiting: int) -> list[Finding]:
    """One owner's jobs wait by the hundred, each with a slow LLM call; another owner asks for single ones."""
    redis = AsyncRedis.from_url(it.redis.url)
    keys = {owner: await bearer(redis, owner) for owner in ("anna", "ben")}
    it.answer_after(0.5)
    it.llm.delays = {"horsepower": 5.0}
    requests = [{"custom_id": str(i), "catalog": "cars", "text": "more than 200 horsepower"} for i in range(100)]
    findings = []
    try:
        alone = {strategy: await _slowest(it, keys["ben"], strategy) for strategy in ("builtin", "auto")}
        async with httpx.AsyncClient(timeout=60, trust_env=False, headers=keys["anna"]) as client:
            url = f"{it.fleet.urls[0]}/v1/batches"
            batches = [
                (await client.post(url, json={"requests": requests})).raise_for_status().json()["id"]
                for _ in range(waiting // 100)
            ]
            for strategy, usual in alone.items():
                beside = await _slowest(it, keys["ben"], strategy)
                what = f"{waiting} jobs of one owner wait, another's single ones ({strategy})"
                promise = f"{what} end within 2 s or 3 × their time alone"
                seen = f"{beside:.2f} s, alone {usual:.2f} s"
                findings.append(Finding(promise, SINGLE_JOBS, seen, beside <= max(2, 3 * usual), timed=True))
            for batch in batches:
                await client.post(f"{url}/{batch}/cancel")
    finally:
        it.llm.delays = {}
        await redis.delete(KEYS.api_keys)
        await redis.aclose()
    return findings


async def bearer(redis: AsyncRedis, owner: str) -> dict[str, str]:
    """The header of a new API key of the owner."""
    _, key = await ApiKeys(redis, KEYS).create(owner, owner, ("jobs:read", "jobs:write"), now_ms())
    return {"Authorization": f"Bearer {key}"}


async def _slowest(it: Stand, key: dict[str, str], strategy: str) -> float:
    """Seconds that the slowest of some single jobs took, one after the other."""
    took = []
    body = {"catalog": "cars", "text": "8 cylinders", "strategy": strategy}
    async with httpx.AsyncClient(timeout=60, trust_env=False, headers={**key, "Prefer": "wait=25"}) as client:
        for number in range(SINGLE_JOBS):
            began = time.monotonic()
            response = await client.post(f"{it.fleet.urls[number % 2]}/v1/jobs", json=body)
            took.append(time.monotonic() - began if response.status_code == 200 else 60)
    return max(took)


async def hanging_receiver(it: Stand, count: int) -> list[Finding]:
    """A receiver of webhooks hangs while many jobs are to tell it of their end; others are told at once."""
    it.answer_after(0.1)
    with webhook_peer.running() as hanging:
        hanging.script(webhook_peer.slow)
        first = Load(it.fleet, it.redis.url, hanging.url)
        await first.submit(count, count / 40)
        await first.outcomes()
        it.hook.script(webhook_peer.ok)
        load, waited = it.load(webhook=True), []
        for _ in range(SINGLE_JOBS):
            await load.submit(1, 0)
            await load.outcomes()
            began = time.monotonic()
            await asyncio.to_thread(it.hook.next, 60)
            waited.append(time.monotonic() - began)
    promise = f"{count} webhooks to a receiver that hangs: another's is told within 2 s"
    return [Finding(promise, SINGLE_JOBS, f"{max(waited):.2f} s", max(waited) <= 2, timed=True)]
