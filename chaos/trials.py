"""The trials: each breaks the service in one way under load and says what of its promises held.

Each gets a `Stand` that works, and leaves one that works.
"""

import asyncio
import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import orjson
from redis import Redis
from redis.exceptions import OutOfMemoryError

from chaos.fleet import Fleet
from chaos.load import KEYS, Load, Outcome, re_runs_s
from chaos.server import RedisProcess
from nlp2filters.llm.breaker import MAX_PAUSE_S
from nlp2filters.settings import LEASE_S
from nlp2filters.worker.attempt import CHECKPOINT_TIMEOUT_S
from tests.peers import llm as llm_peer
from tests.peers import proxy as proxies
from tests.peers import webhook as webhook_peer
from tests.peers.llm import LLM
from tests.peers.proxy import Proxy
from tests.peers.webhook import Receiver
from tests.service import ROOT

QUIET_S = 30  # longer than a lease and a webhook's second attempt
SECRET = "whsec_" + "Y2hhb3MtY2hhb3MtY2hhb3MtY2hhb3MtY2hhb3M="
ANSWER: dict[str, Any] = {
    "conditions": [], "sort": [], "limit": None, "text": "", "ignored": [], "clarification": None,
}  # fmt: skip
LLM_TIMEOUT_S = 12
MAX_MEMORY = 20_000_000


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
    """The environment of a trial. Proxies connect the fleet to Redis and to the LLM."""

    fleet: Fleet
    redis: RedisProcess
    redis_proxy: Proxy
    llm: LLM
    llm_proxy: Proxy
    hook: Receiver

    def load(self, *, webhook: bool = False) -> Load:
        """Load on this fleet."""
        return Load(self.fleet, self.redis.url, self.hook.url if webhook else None)

    def answer_after(self, seconds: float) -> None:
        """The LLM takes so long from now on, and forgets what it was asked."""
        self.llm.script(llm_peer.Reply(content=json.dumps(ANSWER), delay_s=seconds))


@contextmanager
def stand(appendfsync: str = "always", root: Path = ROOT, **settings: str) -> Iterator[Stand]:
    """A fleet with a Redis, an LLM that takes a quarter of a second, and a receiver of webhooks of its own.

    `root` is the checkout whose code the fleet runs. `settings` are those of the service, by their variables.
    """
    redis = RedisProcess(appendfsync)
    with (
        tempfile.TemporaryDirectory() as folder,
        llm_peer.running() as llm,
        webhook_peer.running() as hook,
        proxies.running(redis.port) as redis_proxy,
        proxies.running(httpx.URL(llm.url).port or 0) as llm_proxy,
    ):
        environment = {
            "OPENAI_BASE_URL": f"http://127.0.0.1:{llm_proxy.port}/v1",
            "LLM_MODEL": "chaos",
            "LLM_TIMEOUT_S": str(LLM_TIMEOUT_S),
            "LLM_SKIP_CERTAIN": "false",  # the demo's texts are certain and come again and again, but each is to ask
            "LLM_CACHE_S": "0",
            "WEBHOOK_SECRET": SECRET,
            "WEBHOOK_ALLOW_PRIVATE": "true",
            "MAX_ATTEMPTS": "20",  # a job may well be hit more than three times here
            "LOG_LEVEL": "WARNING",
            **settings,
        }
        fleet = Fleet(Path(folder), f"redis://127.0.0.1:{redis_proxy.port}/0", environment, root=root)
        it = Stand(fleet, redis, redis_proxy, llm, llm_proxy, hook)
        it.answer_after(0.25)
        try:
            fleet.start()
            fleet.wait_until_ready()
            yield it
        finally:
            fleet.stop()
            redis.close()


async def kills(it: Stand, jobs: int, count: int) -> list[Finding]:
    """SIGKILL of random processes while jobs come and go."""
    it.answer_after(0.25)
    load, seconds = it.load(webhook=True), 1.2 * count
    victims = random.choices(it.fleet.names, k=count)
    before = await _llm_runs(load)

    async def killing() -> None:
        for name in victims:
            await asyncio.sleep(seconds / count)
            await asyncio.to_thread(it.fleet.kill, name)

    await asyncio.gather(load.submit(jobs, seconds), killing())
    outcomes = await load.outcomes()
    calls = _llm_calls(it, before, await _llm_runs(load), count)
    ids = await webhook_ids(it, {outcome.job_id for outcome in outcomes})
    again = re_runs_s(outcomes, it.fleet.killed)
    p95 = statistics.quantiles(again, n=20)[-1] if len(again) > 1 else max(again, default=0.0)
    slowest = max(again, default=0)
    return [
        *nothing_lost(f"{count} kills of any process", outcomes),
        one_webhook_id(ids),
        *calls,
        Finding("a killed worker's job runs again, p95 ≤ 12 s", len(again), f"p95 {p95:.1f} s", p95 <= 12, timed=True),
        Finding("… and at most after 15 s", len(again), f"{slowest:.1f} s", slowest <= 15, timed=True),
    ]


async def deaths(it: Stand, faults: Mapping[str, float], count: int, *, alone: bool = False) -> list[Finding]:
    """Processes that kill themselves at named points of the code, `count` times at each, until the fault is mended.

    Who is started after that many deaths at a point passes it alive: with a backlog of jobs nobody would get further.
    `alone`: the fleet's workers have one LLM call in flight each, so that a kill costs no more than one.
    """
    it.answer_after(0.25)
    load = it.load(webhook=True)
    before, killed = await _llm_runs(load), len(it.fleet.killed)
    it.fleet.inject(_as_setting(faults))
    while left := {point: share for point, share in faults.items() if it.fleet.deaths(point) < count}:
        it.fleet.arm(_as_setting(left))
        submitting = asyncio.create_task(load.submit(10, 1))
        while not submitting.done():
            it.fleet.revive()
            await asyncio.sleep(0.05)
    it.fleet.revive()
    await asyncio.to_thread(it.fleet.inject, "")
    outcomes = await load.outcomes()
    kills = len(it.fleet.killed) - killed if alone else None
    calls = _llm_calls(it, before, await _llm_runs(load), kills)
    ids = await webhook_ids(it, {outcome.job_id for outcome in outcomes})
    died = ", ".join(f"{it.fleet.deaths(point)} at {point}" for point in faults)
    told = f"{died}, one LLM call in flight per worker" if alone else died
    return [*nothing_lost(f"deaths: {told}", outcomes), one_webhook_id(ids), *calls]


async def tables(it: Stand, jobs: int, count: int) -> list[Finding]:
    """Kill workers while they read tables."""
    load = it.load()
    rows = b"".join(b"%d,item %d,%d.5\n" % (number, number % 50, number % 97) for number in range(60_000))
    await load.submit_tables(b"id,item %d,size\n" % number + rows for number in range(jobs))
    kills = 0
    while kills < count:
        busy = set(await load.workers_of("embedding"))  # The records still name those that were killed.
        for name in [name for name, process in it.fleet.processes.items() if process.pid in busy]:
            it.fleet.kill(name)
            kills += 1
        await asyncio.sleep(0.05)
    outcomes = await load.outcomes()
    return nothing_lost(f"{kills} kills of workers that read tables", outcomes)


def _as_setting(faults: Mapping[str, float]) -> str:
    return ", ".join(f"{point}:{probability}" for point, probability in faults.items())


async def webhook_ids(it: Stand, wanted: set[str]) -> dict[str, set[str]]:
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


async def freezes(it: Stand, count: int) -> list[Finding]:
    """SIGSTOP of a worker for longer than its lease, then SIGCONT: the late writer changes nothing."""
    load = it.load()
    it.answer_after(2)
    for _ in range(count):
        await load.submit(20, 0.5)
        name = it.fleet.name_of(await load.busy_worker("llm"))
        it.fleet.freeze(name)
        await asyncio.sleep(LEASE_S + 3)
        it.fleet.thaw(name)
    outcomes = await load.outcomes()
    late = sum(attempt > 1 for outcome in outcomes for _, attempt, _ in outcome.begun)
    return [
        *nothing_lost(f"{count} workers frozen past their lease", outcomes),
        Finding("frozen workers' jobs were taken over", late, f"{late} jobs", late > 0),
    ]


async def redis_kills(it: Stand, count: int) -> list[Finding]:
    """SIGKILL of Redis under load."""
    it.answer_after(0.25)
    load, seconds = it.load(), 2.0 * count

    async def killing() -> None:
        for _ in range(count):
            await asyncio.sleep(seconds / count)
            await asyncio.to_thread(it.redis.kill)
            await asyncio.to_thread(it.redis.start)

    await asyncio.gather(load.submit(20 * count, seconds), killing())
    outcomes = await load.outcomes()
    return nothing_lost(f"{count} kills of Redis, appendfsync {it.redis.appendfsync}", outcomes)


async def redis_emptied(it: Stand) -> list[Finding]:
    """Redis comes back without its data: what was is gone, what comes works."""
    it.answer_after(0.25)
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
        *nothing_lost("Redis came back empty, jobs after that", outcomes),
    ]


async def silences(it: Stand, count: int) -> list[Finding]:
    """Nothing passes to Redis or from it, nor is anybody told: for a few seconds, and for longer than a lease."""
    it.answer_after(1)
    load, answers, wrong = it.load(), list[tuple[int, bool, float]](), 0
    for seconds in [3.0] * (count - 1) + [LEASE_S + 2]:
        # Jobs of which we follow some, and some that are at the LLM when it begins.
        await load.submit(20, 2)
        followed = load.accepted[-10:]
        following = [asyncio.create_task(_follow(job_id, it.fleet.urls)) for job_id in followed]
        await load.wait_for_call()
        it.redis_proxy.fall_silent()
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            answers += await asyncio.gather(*[_submission(url) for url in it.fleet.urls])
        it.redis_proxy.heal()
        wrong += _wrong(it, followed, await asyncio.gather(*following))
    outcomes = await load.outcomes()
    refused = sum(status in (503, 504) and retry_after for status, retry_after, _ in answers)
    slowest = max(took for _, _, took in answers)
    return [
        *nothing_lost(f"{count} silences of Redis, one longer than a lease", outcomes),
        Finding(
            "… POST is answered with 503 or 504 and Retry-After",
            len(answers),
            f"{refused} were",
            refused == len(answers),
        ),
        Finding("… within 2 s", len(answers), f"{slowest:.2f} s", slowest <= 2, timed=True),
        Finding("… streams go on, no gap, no duplicate", 10 * count, f"{wrong} with one", not wrong),
    ]


async def bad_network(it: Stand, count: int) -> list[Finding]:
    """Connections to Redis are cut, lead nowhere, or are slow."""
    it.answer_after(0.25)
    load, proxy = it.load(), it.redis_proxy
    troubles: list[Callable[[], None]] = [proxy.cut, proxy.half_open, lambda: proxy.slow_down(0.05)]
    for trouble in troubles * count:
        submitting = asyncio.create_task(load.submit(20, 2))
        await load.wait_for_call()
        trouble()
        await submitting
        proxy.heal()
    outcomes = await load.outcomes()
    return nothing_lost(f"connections to Redis cut, half-open, slow, {count} times each", outcomes)


async def bad_llm_network(it: Stand, count: int) -> list[Finding]:
    """Connections to the LLM are cut, lead nowhere, fall silent, or are slow, with calls in flight."""
    it.answer_after(1)
    load, proxy = it.load(), it.llm_proxy
    troubles: list[Callable[[], None]] = [proxy.cut, proxy.half_open, proxy.fall_silent, lambda: proxy.slow_down(0.3)]
    for trouble in troubles * count:
        await load.submit(10, 0.5)
        await load.wait_for_call()
        trouble()
        await load.submit(10, 0.5)
        if trouble == proxy.fall_silent:
            await asyncio.sleep(LLM_TIMEOUT_S + 1)
        proxy.heal()
    outcomes = await load.outcomes()
    drafts = await load.degraded()
    await _wait_until_asked(it)
    after = it.load()
    await after.submit(10, 0.5)
    await after.outcomes()
    still = await after.degraded()
    return [
        *nothing_lost(f"connections to the LLM cut, half-open, silent, slow, {count} times each", outcomes),
        Finding("… where it gave no answer, the draft stands (told, no promise)", len(outcomes), str(drafts), True),
        Finding("… and when it is back, it is asked again", 10, f"{still} degraded", still == 0),
    ]


async def _wait_until_asked(it: Stand) -> None:
    """Wait until the LLM answers again: after an outage it is not asked for a while."""
    deadline = time.monotonic() + MAX_PAUSE_S + LLM_TIMEOUT_S
    while time.monotonic() < deadline:
        trial = it.load()
        await trial.submit(1, 0.5)
        await trial.outcomes()
        if not await trial.degraded():
            return


async def _submission(url: str) -> tuple[int, bool, float]:
    """A submission's status, whether it says when to come again, and the seconds that the answer took."""
    began = time.monotonic()
    async with httpx.AsyncClient(timeout=20, trust_env=False) as client:
        response = await client.post(f"{url}/v1/jobs", json={"catalog": "cars", "text": "8 cylinders"})
    return response.status_code, "retry-after" in response.headers, time.monotonic() - began


async def soak(it: Stand, minutes: float) -> list[Finding]:
    """Load with a kill a minute: memory and connections of those that live on stay flat."""
    it.answer_after(0.25)
    load = it.load()
    lasting = [name for name in it.fleet.names if name.endswith("-0")]

    async def minute() -> tuple[dict[str, int], int]:
        """One with a kill: what those that live on have at its end."""
        await load.submit(int(600 * min(1, minutes)), 60 * min(1, minutes))
        it.fleet.kill(random.choice([name for name in it.fleet.names if name not in lasting]))
        await asyncio.sleep(2)
        return it.fleet.memory_kb(lasting), it.fleet.connections(lasting, it.redis_proxy.port)

    first = await minute()
    for _ in range(max(1, round(minutes))):
        last = await minute()
    outcomes = await load.outcomes()
    growth = max(last[0][name] / first[0][name] - 1 for name in lasting)
    connections = abs(last[1] / first[1] - 1)
    return [
        *nothing_lost(f"{minutes:g} minutes of load, a kill a minute", outcomes),
        Finding("memory stays flat within 10 %", len(lasting), f"{growth:+.1%}", growth <= 0.1, timed=True),
        Finding("… and connections to Redis", 1, f"{first[1]} → {last[1]}", connections <= 0.1, timed=True),
    ]


async def rolling_restarts(it: Stand, rounds: int) -> list[Finding]:
    """Every process is told to stop and replaced, one after the other, under load."""
    outcomes, took = await _rolled(it, rounds, newer=False)
    used_up = sum(attempt > 1 for outcome in outcomes for _, attempt, _ in outcome.begun)
    return [
        *nothing_lost(f"{rounds} rolling restarts of everything", outcomes),
        Finding(
            "a process that is told to stop ends within 25 s",
            len(took),
            f"{max(took):.1f} s",
            max(took) <= 25,
            timed=True,
        ),
        Finding("jobs that were begun again after a restart (told, no promise)", len(outcomes), str(used_up), True),
    ]


async def upgrade(it: Stand) -> list[Finding]:
    """Every process is replaced by one of the next version, one after the other, under load."""
    outcomes, _ = await _rolled(it, 1, newer=True)
    with Redis(port=it.redis.port) as client:
        records = [client.hget(KEYS.job(outcome.job_id), "record") for outcome in outcomes]
    versions = sorted({orjson.loads(record)["v"] for record in records if record})
    return [
        *nothing_lost("old and new versions side by side", outcomes),
        Finding("… jobs of both were there", len(outcomes), f"versions {versions}", len(versions) > 1),
    ]


async def upgrade_from_older(it: Stand) -> list[Finding]:
    """Every process of an older revision is replaced by one of this checkout, one after the other, under load."""
    outcomes, _ = await _rolled(it, 1, newer=False)
    return nothing_lost("an older revision and this one side by side", outcomes)


async def _rolled(it: Stand, rounds: int, *, newer: bool) -> tuple[list[Outcome], list[float]]:
    """Return the outcomes of the jobs, and the seconds that each process took to stop. Web processes go first."""
    it.answer_after(0.25)
    load, took = it.load(), list[float]()
    await load.submit(10, 0.5)

    async def restarting() -> None:
        for _ in range(rounds):
            for name in it.fleet.names:
                took.append(await asyncio.to_thread(it.fleet.restart, name, newer=newer))
                await asyncio.sleep(0.5)

    restarts = asyncio.create_task(restarting())
    while not restarts.done():
        await load.submit(10, 1)
    await restarts
    return await load.outcomes(), took


async def streams(it: Stand, count: int) -> list[Finding]:
    """Clients that follow jobs on a web process which is killed go on at the other, without gap or duplicate."""
    load = it.load()
    it.answer_after(1.5)
    await load.submit(count, 0.2)
    following = [asyncio.create_task(_follow(job_id, it.fleet.urls)) for job_id in load.accepted]
    await asyncio.sleep(0.7)
    it.fleet.kill("web-0")
    wrong = _wrong(it, load.accepted, await asyncio.gather(*following))
    return [Finding("streams resume elsewhere, no gap, no duplicate", count, f"{wrong} with one", not wrong)]


def _wrong(it: Stand, job_ids: Sequence[str], seen: Sequence[list[str]]) -> int:
    """Count the followers who did not see exactly the last part of their job's events."""
    with Redis(port=it.redis.port) as client:
        said = [[entry_id.decode() for entry_id, _ in client.xrange(KEYS.events(job_id))] for job_id in job_ids]
    return sum(not ids or ids != all_ids[-len(ids) :] for ids, all_ids in zip(seen, said, strict=True))


async def _follow(job_id: str, urls: Sequence[str]) -> list[str]:
    """The id of every event of a job, in the order seen, over as many connections as it takes: first at the first
    address, then at the second.
    """
    ids: list[str] = []
    done, attempt = False, 0
    async with httpx.AsyncClient(timeout=30, trust_env=False) as client:
        while not done:
            headers = {"Last-Event-ID": ids[-1]} if ids else {}
            url = urls[min(attempt, len(urls) - 1)]
            attempt += 1
            try:
                async with client.stream("GET", f"{url}/v1/jobs/{job_id}/events", headers=headers) as response:
                    done = response.status_code == 204  # what came last was the end
                    async for line in response.aiter_lines():
                        name, _, value = line.partition(": ")
                        if name == "id":
                            ids.append(value)
                        done = done or (name, value) == ("event", "done")
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.05)
    return ids


async def full_memory(it: Stand) -> list[Finding]:
    """20 MB of maxmemory, really filled, with jobs at the LLM: new ones are refused, these end once there is room."""
    it.answer_after(0.25)
    load, on_their_way = it.load(), it.load()
    await load.submit(20, 1)
    await load.outcomes()
    it.answer_after(0.25)
    it.llm.talking.clear()
    with Redis(port=it.redis.port) as client:
        client.config_set("maxmemory", MAX_MEMORY)
        _fill(client, MAX_MEMORY * 3 // 4)
        await on_their_way.submit(20, 0.5)
        while len(it.llm.requests) < 20:
            await asyncio.sleep(0.05)
        _fill(client)
        full = used_memory(client)
    url = it.fleet.urls[0]
    async with httpx.AsyncClient(timeout=5, trust_env=False) as http:
        post = await _refused(http, url, it.redis.port, on_their_way)
        reads = [await http.get(f"{url}/v1/jobs/{job_id}/result") for job_id in load.accepted]
        it.llm.talking.set()
        until = time.monotonic() + 1 + CHECKPOINT_TIMEOUT_S  # then nobody waits any more for the answers to be kept
        with Redis(port=it.redis.port) as client:
            while time.monotonic() < until:
                _fill(client)  # buffers that Redis frees are room, too
                await asyncio.sleep(0.01)
        asked = [await http.get(f"{url}/v1/jobs/{job_id}") for job_id in on_their_way.accepted]
        waiting = sum(answer.json()["status"] == "running" for answer in asked)
    with Redis(port=it.redis.port) as client:
        client.delete(*client.keys("ballast:*"))
        client.config_set("maxmemory", 0)
    outcomes = await on_their_way.outcomes()
    refused = post.status_code == 503 and "retry-after" in post.headers
    readable = sum(read.status_code == 200 for read in reads)
    calls = len(it.llm.requests)
    return [
        Finding(
            f"a full Redis ({full / 1e6:.1f} MB): POST is answered with 503 and Retry-After",
            1,
            str(post.status_code),
            refused,
        ),
        Finding("… and finished jobs can be read", len(reads), f"{readable} readable", readable == len(reads)),
        Finding("… jobs whose work is done wait for room", len(asked), f"{waiting} waiting", waiting > 0),
        *nothing_lost("a Redis that was full", outcomes),
        Finding("… their work was done once: LLM calls", len(outcomes), str(calls), calls == len(outcomes)),
    ]


async def _refused(http: httpx.AsyncClient, url: str, port: int, load: Load) -> httpx.Response:
    """The answer to a submission when Redis is full. What it frees meanwhile is filled; who gets in counts as well."""
    with Redis(port=port) as client:
        for _ in range(50):
            _fill(client)
            post = await http.post(f"{url}/v1/jobs", json={"catalog": "cars", "text": "8 cylinders"})
            if post.status_code != 202:
                break
            load.accepted.append(post.json()["id"])
    return post


def used_memory(client: Redis) -> int:
    """Bytes that Redis uses."""
    memory: Any = client.info("memory")
    return int(memory["used_memory"])


def _fill(client: Redis, most: float = float("inf")) -> None:
    """Write until that much memory is used, or until no byte more goes in."""
    for size in (100_000, 1_000, 1):
        try:
            while used_memory(client) < most:
                client.set(f"ballast:{random.getrandbits(64)}", b"x" * size)
        except OutOfMemoryError:
            continue


async def _llm_runs(load: Load) -> tuple[int, int]:
    """Jobs that came to the llm stage, and how often it was begun, also of jobs whose 202 never arrived."""
    attempts = [sum(stage == "llm" for stage, _, _ in outcome.begun) for outcome in await load.everything()]
    return sum(count > 0 for count in attempts), sum(attempts)


def _llm_calls(it: Stand, before: tuple[int, int], after: tuple[int, int], kills: int | None) -> list[Finding]:
    """A call is made again only where a death cut it off: there is one for each attempt at the most.

    How many a kill costs is up to how many its worker had in flight; with `kills` they are compared.
    """
    jobs, attempts = (now - then for then, now in zip(before, after, strict=True))
    calls = len(it.llm.requests)
    worst = f"{calls} calls for {jobs} jobs, {attempts} attempts"
    found = [Finding("at most one LLM call per attempt", jobs, worst, calls <= attempts)]
    if kills is not None:
        more = calls - jobs
        found.append(
            Finding("… and no more of them beyond one per job than kills", kills, f"{more}", more <= kills, timed=True)
        )
    return found


def one_webhook_id(ids: dict[str, set[str]]) -> Finding:
    """One webhook id came for each job."""
    unlike = [job_id for job_id, found in ids.items() if len(found) != 1]
    return Finding("… and one webhook id", len(ids), f"{len(unlike)} with none or two", not unlike)


def nothing_lost(what: str, outcomes: list[Outcome]) -> list[Finding]:
    """Every job succeeded, with exactly one final event."""
    lost = [outcome for outcome in outcomes if outcome.status != "succeeded"]
    twice = [outcome for outcome in outcomes if outcome.done_events != 1]
    statuses = ", ".join(sorted({outcome.status for outcome in lost}))
    return [
        Finding(f"no accepted job is lost: {what}", len(outcomes), f"{len(lost)} lost {statuses}".strip(), not lost),
        Finding("… and each has exactly one final event", len(outcomes), f"{len(twice)} without", not twice),
    ]
