"""The trials: each breaks the service in one way under load and says what of its promises held."""

import asyncio
import json
import random
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import orjson
from redis import Redis

from chaos.fleet import Fleet
from chaos.load import KEYS, Load, Outcome, re_runs_s
from chaos.server import RedisProcess
from nlp2filters.leasing import LEASE_S
from tests.peers import llm as llm_peer
from tests.peers import webhook as webhook_peer
from tests.peers.llm import LLM
from tests.peers.webhook import Receiver

QUIET_S = 30  # longer than a lease and a webhook's second attempt
SECRET = "whsec_" + "Y2hhb3MtY2hhb3MtY2hhb3MtY2hhb3MtY2hhb3M="
ANSWER: dict[str, Any] = {
    "conditions": [], "alternatives": [], "sort": [], "limit": None, "text": "", "ignored": [], "clarification": None,
}  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """One promise: how often it was tried, the worst that was seen, and whether it held.

    `timed`: it depends on how busy the machine is.
    """

    promise: str
    trials: int
    worst: str
    held: bool
    timed: bool = False


@dataclass(frozen=True)
class Stand:
    """What a trial runs on."""

    fleet: Fleet
    redis: RedisProcess
    llm: LLM
    hook: Receiver

    def load(self, *, webhook: bool = False) -> Load:
        """Load on this fleet."""
        return Load(self.fleet, self.redis.url, self.hook.url if webhook else None)


@contextmanager
def stand(appendfsync: str = "always", **environment: str) -> Iterator[Stand]:
    """A fleet with a Redis, an LLM that takes a quarter of a second, and a receiver of webhooks of its own."""
    with tempfile.TemporaryDirectory() as folder, llm_peer.running() as llm, webhook_peer.running() as hook:
        llm.script(llm_peer.Reply(content=json.dumps(ANSWER), delay_s=0.25))
        redis = RedisProcess(appendfsync)
        environment = {
            "OPENAI_BASE_URL": llm.url,
            "LLM_MODEL": "chaos",
            "WEBHOOK_SECRET": SECRET,
            "WEBHOOK_ALLOW_PRIVATE": "true",
            "MAX_ATTEMPTS": "20",  # a job may well be hit more than three times here
            "LOG_LEVEL": "WARNING",
            **environment,
        }
        fleet = Fleet(Path(folder), redis.url, environment)
        try:
            fleet.start()
            fleet.wait_until_ready()
            yield Stand(fleet, redis, llm, hook)
        finally:
            fleet.stop()
            redis.close()


async def kills(jobs: int, count: int) -> list[Finding]:
    """SIGKILL of random processes while jobs come and go."""
    with stand() as it:
        load, seconds = it.load(webhook=True), 1.2 * count

        async def killing() -> None:
            for _ in range(count):
                await asyncio.sleep(seconds / count)
                await asyncio.to_thread(it.fleet.kill, random.choice(it.fleet.names))

        await asyncio.gather(load.submit(jobs, seconds), killing())
        outcomes = await load.outcomes()
        calls = _llm_calls(len(it.llm.requests), await load.everything())
        ids = await _webhooks(it, {outcome.job_id for outcome in outcomes})
        again = re_runs_s(outcomes, it.fleet.killed)
    p95 = statistics.quantiles(again, n=20)[-1] if len(again) > 1 else max(again, default=0.0)
    unlike = [job_id for job_id, found in ids.items() if len(found) != 1]
    return [
        *_nothing_lost(f"{count} kills of any process", outcomes),
        Finding("one webhook id per job", len(ids), f"{len(unlike)} with none or two", not unlike),
        calls,
        Finding("a killed worker's job runs again, p95 ≤ 12 s", len(again), f"p95 {p95:.1f} s", p95 <= 12, timed=True),
        Finding(
            "… and at most after 15 s",
            len(again),
            f"{max(again, default=0):.1f} s",
            max(again, default=0) <= 15,
            timed=True,
        ),
    ]


async def deaths(point: str, count: int) -> list[Finding]:
    """Processes that kill themselves at a named point of the code, again and again, until the fault is mended."""
    with stand(FAULTS=f"{point}:0.2") as it:
        load, died = it.load(webhook=True), 0
        while died < count:
            submitting = asyncio.create_task(load.submit(10, 1))
            while not submitting.done():
                died += it.fleet.revive()
                await asyncio.sleep(0.05)
        died += it.fleet.revive() + await asyncio.to_thread(it.fleet.heal)
        outcomes = await load.outcomes()
        calls = _llm_calls(len(it.llm.requests), await load.everything())
        ids = await _webhooks(it, {outcome.job_id for outcome in outcomes})
    unlike = [job_id for job_id, found in ids.items() if len(found) != 1]
    return [
        *_nothing_lost(f"{died} deaths at {point}", outcomes),
        Finding("… and one webhook id", len(ids), f"{len(unlike)} with none or two", not unlike),
        calls,
    ]


async def _webhooks(it: Stand, wanted: set[str]) -> dict[str, set[str]]:
    """The webhook ids that came for each job; waits until every job has one, or none comes for long."""
    ids: dict[str, set[str]] = {job_id: set() for job_id in wanted}
    while not all(ids.values()):
        try:
            received = await asyncio.to_thread(it.hook.next, QUIET_S)
        except Exception:  # the queue is empty
            break
        job_id = orjson.loads(received.body)["data"]["job_id"]
        if job_id in ids:
            ids[job_id].add(received.headers["webhook-id"])
    return ids


async def freezes(count: int) -> list[Finding]:
    """SIGSTOP of a worker for longer than its lease, then SIGCONT: the late writer changes nothing."""
    with stand() as it:
        load = it.load()
        it.llm.script(llm_peer.Reply(content=json.dumps(ANSWER), delay_s=2))
        for _ in range(count):
            await load.submit(20, 0.5)
            name = it.fleet.name_of(await load.busy_worker("llm"))
            it.fleet.freeze(name)
            await asyncio.sleep(LEASE_S + 3)
            it.fleet.thaw(name)
        outcomes = await load.outcomes()
    late = sum(attempt > 1 for outcome in outcomes for _, attempt, _ in outcome.begun)
    return [
        *_nothing_lost(f"{count} workers frozen past their lease", outcomes),
        Finding("frozen workers' jobs were taken over", late, f"{late} jobs", late > 0),
    ]


async def redis_kills(count: int, appendfsync: str) -> list[Finding]:
    """SIGKILL of Redis under load."""
    with stand(appendfsync) as it:
        load, seconds = it.load(), 2.0 * count

        async def killing() -> None:
            for _ in range(count):
                await asyncio.sleep(seconds / count)
                await asyncio.to_thread(it.redis.kill)
                await asyncio.to_thread(it.redis.start)

        await asyncio.gather(load.submit(20 * count, seconds), killing())
        outcomes = await load.outcomes()
    return _nothing_lost(f"{count} kills of Redis, appendfsync {appendfsync}", outcomes)


async def redis_emptied() -> list[Finding]:
    """Redis comes back without its data: what was is gone, what comes works."""
    with stand() as it:
        before, after = it.load(), it.load()
        await before.submit(20, 1)
        await before.outcomes()
        it.redis.kill()
        it.redis.empty()
        it.redis.start()
        async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
            url = it.fleet.urls[0]
            answers = [(await client.get(f"{url}/v1/jobs/{job_id}")).status_code for job_id in before.accepted]
        await after.submit(20, 1)
        outcomes = await after.outcomes()
    gone = answers.count(404)
    return [
        Finding("Redis comes back empty: old jobs are answered with 404", 20, f"{gone} of them", gone == 20),
        *_nothing_lost("Redis came back empty, jobs after that", outcomes),
    ]


async def soak(minutes: float) -> list[Finding]:
    """Load with a kill a minute: memory and connections of those that live on stay flat."""
    with stand() as it:
        load = it.load()
        lasting = [name for name in it.fleet.names if name.endswith("-0")]
        await load.submit(300, 20)
        first = it.fleet.memory_kb(lasting), _connections(it)
        for _ in range(max(1, round(minutes))):
            await load.submit(int(600 * min(1, minutes)), 60 * min(1, minutes))
            it.fleet.kill(random.choice([name for name in it.fleet.names if name not in lasting]))
        await asyncio.sleep(2)
        last = it.fleet.memory_kb(lasting), _connections(it)
        outcomes = await load.outcomes()
    growth = max(last[0][name] / first[0][name] - 1 for name in lasting)
    connections = abs(last[1] / first[1] - 1)
    return [
        *_nothing_lost(f"{minutes:g} minutes of load, a kill a minute", outcomes),
        Finding("memory stays flat within 10 %", len(lasting), f"{growth:+.1%}", growth <= 0.1, timed=True),
        Finding("… and connections to Redis", 1, f"{first[1]} → {last[1]}", connections <= 0.1, timed=True),
    ]


def _connections(it: Stand) -> int:
    with Redis(port=it.redis.port) as client:
        return int(client.info("clients")["connected_clients"])


async def rolling_restarts(rounds: int) -> list[Finding]:
    """Every process is told to stop and replaced, one after the other, under load."""
    took: list[float] = []
    with stand() as it:
        load = it.load()

        async def restarting() -> None:
            for _ in range(rounds):
                for name in it.fleet.names:
                    took.append(await asyncio.to_thread(it.fleet.restart, name))
                    await asyncio.sleep(0.5)

        restarts = asyncio.create_task(restarting())
        while not restarts.done():
            await load.submit(10, 1)
        await restarts
        outcomes = await load.outcomes()
    used_up = sum(attempt > 1 for outcome in outcomes for _, attempt, _ in outcome.begun)
    return [
        *_nothing_lost(f"{rounds} rolling restarts of everything", outcomes),
        Finding(
            "a process that is told to stop ends within 25 s",
            len(took),
            f"{max(took):.1f} s",
            max(took) <= 25,
            timed=True,
        ),
        Finding("jobs that were begun again after a restart (told, no promise)", len(outcomes), str(used_up), True),
    ]


async def streams(count: int) -> list[Finding]:
    """Clients that follow jobs on a web process which is killed go on at the other, without gap or duplicate."""
    with stand() as it:
        load = it.load()
        first, second = it.fleet.urls
        it.llm.script(llm_peer.Reply(content=json.dumps(ANSWER), delay_s=1.5))
        await load.submit(count, 0.2)
        async with httpx.AsyncClient(timeout=30, trust_env=False, limits=httpx.Limits(max_connections=count)) as client:
            following = [asyncio.create_task(_follow(client, job_id, [first, second])) for job_id in load.accepted]
            await asyncio.sleep(0.7)
            it.fleet.kill("web-0")
            seen = await asyncio.gather(*following)
        with Redis(port=it.redis.port) as client:
            said = [
                [entry_id.decode() for entry_id, _ in client.xrange(KEYS.events(job_id))] for job_id in load.accepted
            ]
    wrong = [ids for ids, all_ids in zip(seen, said, strict=True) if ids != all_ids[-len(ids) :]]
    return [Finding("streams resume elsewhere, no gap, no duplicate", count, f"{len(wrong)} with one", not wrong)]


async def _follow(client: httpx.AsyncClient, job_id: str, urls: list[str]) -> list[str]:
    """The id of every event of a job, in the order seen, over as many connections as it takes."""
    ids: list[str] = []
    done, attempt = False, 0
    while not done:
        headers = {"Last-Event-ID": ids[-1]} if ids else {}
        url = urls[min(attempt, len(urls) - 1)]
        attempt += 1
        try:
            async with client.stream("GET", f"{url}/v1/jobs/{job_id}/events", headers=headers) as response:
                async for line in response.aiter_lines():
                    name, _, value = line.partition(": ")
                    if name == "id":
                        ids.append(value)
                    done = done or (name, value) == ("event", "done")
        except httpx.TransportError:
            await asyncio.sleep(0.05)
    return ids


async def full_memory() -> list[Finding]:
    """A Redis that is full, with jobs on their way: new ones are refused, the others end once there is room."""
    with stand() as it:
        load = it.load()
        await load.submit(20, 1)
        await load.outcomes()
        it.llm.script(llm_peer.Reply(content=json.dumps(ANSWER), delay_s=1))
        on_their_way = it.load()
        await on_their_way.submit(10, 0.1)
        await asyncio.sleep(0.3)
        with Redis(port=it.redis.port) as client:
            client.config_set("maxmemory", client.info()["used_memory"] // 2)
        url = it.fleet.urls[0]
        async with httpx.AsyncClient(timeout=5, trust_env=False) as http:
            post = await http.post(f"{url}/v1/jobs", json={"catalog": "cars", "text": "8 cylinders"})
            reads = [await http.get(f"{url}/v1/jobs/{job_id}/result") for job_id in load.accepted]
        with Redis(port=it.redis.port) as client:
            client.config_set("maxmemory", 0)
        outcomes = [*await load.outcomes(), *await on_their_way.outcomes()]
    refused = post.status_code == 503 and "retry-after" in post.headers
    readable = sum(read.status_code == 200 for read in reads)
    return [
        Finding("a full Redis: POST is answered with 503 and Retry-After", 1, str(post.status_code), refused),
        Finding("… and finished jobs can be read", len(reads), f"{readable} readable", readable == len(reads)),
        *_nothing_lost("a Redis that was full", outcomes),
    ]


def _llm_calls(calls: int, outcomes: list[Outcome]) -> Finding:
    """A call is made again only where a death cut it off, so that there is one for each attempt at the most."""
    attempts = sum(stage == "llm" for outcome in outcomes for stage, _, _ in outcome.begun)
    worst = f"{calls} calls for {len(outcomes)} jobs, {attempts} attempts"
    return Finding("at most one LLM call per attempt", len(outcomes), worst, calls <= attempts)


def _nothing_lost(what: str, outcomes: list[Outcome]) -> list[Finding]:
    lost = [outcome for outcome in outcomes if outcome.status != "succeeded"]
    twice = [outcome for outcome in outcomes if outcome.done_events != 1]
    statuses = ", ".join(sorted({outcome.status for outcome in lost}))
    return [
        Finding(f"no accepted job is lost: {what}", len(outcomes), f"{len(lost)} lost {statuses}".strip(), not lost),
        Finding("… and each has exactly one final event", len(outcomes), f"{len(twice)} without", not twice),
    ]
