"""The worker: woken at once, claims what it can take, holds leases, and lets go of what is another's."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from signal import SIGTERM
from typing import Any, cast
from urllib.parse import urlsplit

import orjson
import pytest
from arq.connections import ArqRedis
from arq.constants import in_progress_key_prefix, job_key_prefix
from arq.jobs import serialize_job
from arq.worker import Retry, func
from redis.exceptions import (
    AuthenticationError,
    ConnectionError,  # noqa: A004
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)
from redis.exceptions import TimeoutError as NoAnswer

from nlp2filters.settings import Settings
from nlp2filters.storage import arq_format, scripts
from nlp2filters.storage.arq_format import all_key, ready_key, turns_key, wake_key
from nlp2filters.storage.connection import connect
from nlp2filters.storage.leases import Claim, Leases
from nlp2filters.storage.redis_keys import Keys
from nlp2filters.worker import leased_worker, markers
from nlp2filters.worker.leased_worker import LeasedWorker, Slots
from tests.peers import proxy as proxies
from tests.peers.proxy import Proxy

Work = Callable[[dict[str, Any], str], Awaitable[None]]


class Bench:
    """A queue of one test, and workers on it."""

    def __init__(self, url: str, redis: ArqRedis, keys: Keys) -> None:
        self.url, self.redis = url, redis
        self.queue_name, self.open_key = keys.queue("embedding"), keys.open
        self.abandoned: list[str] = []

    async def put(self, *ids: str, function: str = "work") -> None:
        """Add entries that are due, as a commit does."""
        group = arq_format.group("")
        async with self.redis.pipeline(transaction=True) as pipe:
            for id_ in ids:
                data = serialize_job(function, (id_,), {}, None, 0, serializer=arq_format.dumps)
                pipe.set(job_key_prefix + id_, data)
                pipe.zadd(all_key(self.queue_name), {id_: 1})
                pipe.zadd(ready_key(self.queue_name, group), {id_: 1})
            pipe.zadd(turns_key(self.queue_name), {group: 0})
            pipe.zadd(wake_key(self.queue_name), {"0": 0})
            await pipe.execute()

    @asynccontextmanager
    async def worker(self, work: Work, **options: Any) -> AsyncIterator[LeasedWorker]:
        async def on_abandoned(ctx: dict[str, Any], id_: str) -> None:
            self.abandoned.append(id_)

        pool = connect(Settings(redis_url=self.url), patience_s=None)
        worker = LeasedWorker(
            functions=[func(cast(Any, work), name="work")],
            queue_name=self.queue_name,
            open_key=self.open_key,
            redis_pool=pool,
            handle_signals=False,
            keep_result=0,
            job_serializer=arq_format.dumps,
            job_deserializer=arq_format.loads,
            ctx={"on_abandoned": on_abandoned},
            **{"max_tries": 1000, **options},
        )
        others = asyncio.all_tasks()
        running = asyncio.create_task(worker.main())
        try:
            yield worker
        finally:
            running.cancel()
            for task in worker.tasks.values():
                task.cancel()
            await asyncio.gather(running, *worker.tasks.values(), return_exceptions=True)
            shielded = asyncio.all_tasks() - others
            for task in shielded:
                task.cancel()
            await asyncio.gather(*shielded, return_exceptions=True)
            await pool.aclose()

    async def until_waiting(self, workers: int = 1) -> None:
        """Until so many workers wait for markers."""
        async with asyncio.timeout(20):
            while (await self.redis.info("clients"))["blocked_clients"] < workers:
                await asyncio.sleep(0.002)

    async def until_empty(self) -> None:
        async with asyncio.timeout(20):
            while await self.redis.zcard(all_key(self.queue_name)):
                await asyncio.sleep(0.01)


@pytest.fixture
def bench(redis_url: str, redis: ArqRedis, keys: Keys) -> Bench:
    return Bench(redis_url, redis, keys)


class Log:
    """Notes who ran, and lets a test wait for it."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self._changed = asyncio.Event()

    def note(self, id_: str) -> None:
        self.ran.append(id_)
        self._changed.set()

    async def until(self, count: int) -> None:
        async with asyncio.timeout(20):
            while len(self.ran) < count:
                self._changed.clear()
                await self._changed.wait()

    async def work(self, ctx: dict[str, Any], id_: str) -> None:
        self.note(id_)


async def test_a_job_is_run_once_and_leaves_nothing(bench: Bench) -> None:
    log = Log()
    async with bench.worker(log.work):
        await bench.put("a")
        await bench.until_empty()
    assert log.ran == ["a"]
    assert not await bench.redis.exists(job_key_prefix + "a", in_progress_key_prefix + "a")


async def test_an_idle_worker_is_woken(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a fallback of an hour, only the marker can be what wakes it."""
    monkeypatch.setattr(leased_worker, "POLL_FALLBACK_S", 3600.0)
    log = Log()
    async with bench.worker(log.work):
        for i in range(5):
            await bench.put(f"job{i}")
            await log.until(i + 1)


@asynccontextmanager
async def answers_held_up(
    monkeypatch: pytest.MonkeyPatch, hold: Callable[[Claim], Awaitable[None]]
) -> AsyncIterator[None]:
    """While inside, `hold` is awaited between each claim and its worker's getting the answer."""
    made = Leases.claim

    async def claim(self: Leases, *args: Any, **options: Any) -> Claim:
        answer = await made(self, *args, **options)
        await hold(answer)
        return answer

    with monkeypatch.context() as patch:
        patch.setattr(Leases, "claim", claim)
        yield


async def test_a_worker_that_stops_runs_what_it_was_given_meanwhile(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told to stop when Redis has carried out its claim, and nothing is running."""
    log, stopped = Log(), asyncio.Event()

    async def stop(answer: Claim) -> None:
        if answer.leases:
            worker.handle_sig_wait_for_completion(SIGTERM)
            for _ in range(100):
                await asyncio.sleep(0)

    async with answers_held_up(monkeypatch, stop), bench.worker(log.work, job_completion_wait=20) as worker:
        worker.on_stop = lambda _: stopped.set()
        await bench.until_waiting()
        await bench.put("a")
        async with asyncio.timeout(20):
            await stopped.wait()
    assert log.ran == ["a"]


async def test_a_worker_that_stops_while_it_waits_takes_nothing_with_it(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    log = Log()
    for number in range(20):
        stopped = asyncio.Event()
        async with bench.worker(log.work, job_completion_wait=20) as worker:
            await bench.until_waiting()
            worker.on_stop = lambda _, stopped=stopped: stopped.set()
            putting = asyncio.create_task(bench.put(f"job{number}"))
            for _ in range(number):
                await asyncio.sleep(0)
            worker.handle_sig_wait_for_completion(SIGTERM)
            async with asyncio.timeout(20):
                await stopped.wait()
            await putting
        assert not await bench.redis.exists(in_progress_key_prefix + f"job{number}")
    assert "Redis does not answer" not in caplog.text


@pytest.mark.parametrize(
    "slots",
    [
        pytest.param(Slots({"main": 10}, owner=1), id="of an owner"),
        pytest.param(Slots({"main": 1, "quick": 1}), id="of a lane"),
    ],
)
async def test_a_slot_that_becomes_free_during_a_wait_is_used_at_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, slots: Slots
) -> None:
    monkeypatch.setattr(leased_worker, "POLL_FALLBACK_S", 3600.0)
    log, release = Log(), asyncio.Event()

    async def work(ctx: dict[str, Any], id_: str) -> None:
        log.note(id_)
        if id_ == "a":
            await release.wait()

    async with bench.worker(work, slots=slots, lease_s=60.0) as worker:
        await bench.put("a")
        await log.until(1)
        await bench.put("b")
        async with asyncio.timeout(20):
            while not (worker._markers.awaited_lanes and (worker._skipped_some or not worker._free.get("main"))):
                await asyncio.sleep(0.002)
        await bench.until_waiting()
        release.set()
        await log.until(2)
    assert log.ran == ["a", "b"]


async def test_what_one_worker_must_pass_over_is_for_another(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """An owner's many jobs come at once, and wake one worker, in which the owner may have four of five slots."""
    monkeypatch.setattr(leased_worker, "POLL_FALLBACK_S", 3600.0)
    log, release = Log(), asyncio.Event()

    async def work(ctx: dict[str, Any], id_: str) -> None:
        log.note(id_)
        await release.wait()

    options: dict[str, Any] = {"slots": Slots({"main": 5}, owner=4), "lease_s": 60.0}
    async with bench.worker(work, **options), bench.worker(work, **options), bench.worker(work, **options):
        await bench.until_waiting(3)
        await bench.put(*[f"job{number}" for number in range(20)])
        await log.until(12)
        await bench.until_waiting(3)
        assert len(log.ran) == 12
        release.set()
        await log.until(20)


async def test_a_slot_that_becomes_free_during_a_claim_is_used_at_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The claim passes over an owner's entry since another one still runs, which has ended when the answer arrives."""
    monkeypatch.setattr(leased_worker, "POLL_FALLBACK_S", 3600.0)
    log, release, skipped = Log(), asyncio.Event(), 0

    async def work(ctx: dict[str, Any], id_: str) -> None:
        log.note(id_)
        if id_ == "a":
            await release.wait()

    async def end_the_other(answer: Claim) -> None:
        nonlocal skipped
        if answer.skipped_some and not release.is_set():
            skipped += 1
            release.set()
            async with asyncio.timeout(20):
                while worker.activity().running:
                    await asyncio.sleep(0)

    slots = Slots({"main": 10}, owner=1)
    async with answers_held_up(monkeypatch, end_the_other), bench.worker(work, slots=slots, lease_s=60.0) as worker:
        await bench.put("a")
        await log.until(1)
        await bench.until_waiting()
        await bench.put("b")
        await log.until(2)
    assert skipped == 1


async def test_never_more_at_once_than_there_are_slots(bench: Bench) -> None:
    running, most, log = 0, 0, Log()

    async def work(ctx: dict[str, Any], id_: str) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        log.note(id_)

    async with bench.worker(work, max_jobs=3):
        await bench.put(*[f"job{i}" for i in range(30)])
        await log.until(30)
    assert most <= 3


async def test_running_jobs_do_not_hide_waiting_ones(bench: Bench) -> None:
    """ARQ as it comes reads 100 entries from the head of the queue, where the running ones stay."""
    log, release = Log(), asyncio.Event()

    async def work(ctx: dict[str, Any], id_: str) -> None:
        log.note(id_)
        await release.wait()

    async with bench.worker(work, max_jobs=120), bench.worker(work, max_jobs=120):
        await bench.put(*[f"job{i}" for i in range(200)])
        await log.until(200)
        release.set()
        await bench.until_empty()
    assert len(set(log.ran)) == 200


async def test_two_workers_share_the_work_and_run_nothing_twice(bench: Bench) -> None:
    log = Log()
    async with bench.worker(log.work, max_jobs=5), bench.worker(log.work, max_jobs=5):
        await bench.put(*[f"job{i}" for i in range(100)])
        await bench.until_empty()
    assert sorted(log.ran) == sorted(f"job{i}" for i in range(100))


async def test_a_retry_is_deferred_and_then_run(bench: Bench) -> None:
    log = Log()

    async def work(ctx: dict[str, Any], id_: str) -> None:
        log.note(id_)
        if len(log.ran) < 3:
            raise Retry(defer=0.05)

    async with bench.worker(work):
        await bench.put("a")
        await bench.until_empty()
    assert log.ran == ["a"] * 3


async def test_the_jobs_of_a_dead_worker_are_taken_over(bench: Bench) -> None:
    await bench.put("a")
    claim = bench.redis.register_script(scripts.CLAIM)
    ask = {"slots": {"main": 10}, "owner_slots": 10, "receiver_slots": 10, "running": {}}
    claimed, *_ = await claim(keys=[bench.queue_name, bench.open_key], args=[300, "dead", orjson.dumps(ask), 0])
    assert [entry for entry, *_ in claimed] == [b"a"]
    log = Log()
    async with bench.worker(log.work):
        await bench.until_empty()
    assert log.ran == ["a"]


async def test_a_lease_is_renewed_for_as_long_as_the_job_runs(bench: Bench) -> None:
    log, release = Log(), asyncio.Event()

    async def work(ctx: dict[str, Any], id_: str) -> None:
        log.note(id_)
        await release.wait()

    async with bench.worker(work, lease_s=0.3), bench.worker(work, lease_s=0.3):
        await bench.put("a")
        await log.until(1)
        before = await bench.redis.zscore(bench.queue_name, "a")
        async with asyncio.timeout(10):
            while (await bench.redis.zscore(bench.queue_name, "a")) <= before + 600:  # two leases later
                await asyncio.sleep(0.05)
        release.set()
        await bench.until_empty()
    assert log.ran == ["a"]


async def test_a_worker_that_lost_its_lease_stops_and_takes_nothing_out(bench: Bench) -> None:
    log, stopped = Log(), asyncio.Event()

    async def work(ctx: dict[str, Any], id_: str) -> None:
        log.note(id_)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            stopped.set()
            raise

    async with bench.worker(work, lease_s=0.3):
        await bench.put("lost")
        await log.until(1)
        await bench.redis.set(in_progress_key_prefix + "lost", "another", px=60_000)
        async with asyncio.timeout(10):
            await stopped.wait()
    assert await bench.redis.get(in_progress_key_prefix + "lost") == b"another"
    assert await bench.redis.zscore(bench.queue_name, "lost") is not None


@pytest.fixture
def proxied(redis_url: str, redis: ArqRedis, keys: Keys) -> Iterator[tuple[Bench, Proxy]]:
    """A queue whose workers reach Redis by way of a proxy."""
    with proxies.running(urlsplit(redis_url).port or 0) as proxy:
        yield Bench(f"redis://127.0.0.1:{proxy.port}/0", redis, keys), proxy


async def test_an_outage_longer_than_the_lease_stops_nothing(
    proxied: tuple[Bench, Proxy], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody else could take the job up meanwhile. Its worker renews its lease, and what it does is not lost."""
    monkeypatch.setattr(leased_worker, "POLL_FALLBACK_S", 0.3)
    monkeypatch.setattr(markers, "ANSWER_TIMEOUT_S", 0.2)
    (bench, proxy), log, release = proxied, Log(), asyncio.Event()

    async def work(ctx: dict[str, Any], id_: str) -> None:
        log.note(id_)
        if id_ == "a":
            await release.wait()

    async with bench.worker(work, lease_s=1.0, max_jobs=1), bench.worker(work, lease_s=1.0, max_jobs=1):
        await bench.put("a")
        await log.until(1)
        for number in range(3):
            await bench.put(f"other{number}")  # the idle worker is in touch again
            await log.until(2 + number)
            proxy.fall_silent()
            async with asyncio.timeout(20):
                while await bench.redis.exists(in_progress_key_prefix + "a"):
                    await asyncio.sleep(0.02)
            proxy.heal()
            async with asyncio.timeout(20):
                while not await bench.redis.exists(in_progress_key_prefix + "a"):
                    await asyncio.sleep(0.02)
        release.set()
        await bench.until_empty()
    assert log.ran.count("a") == 1


async def test_a_job_that_is_anothers_is_stopped_once(bench: Bench) -> None:
    log, stops, handed_back = Log(), 0, asyncio.Event()

    async def work(ctx: dict[str, Any], id_: str) -> None:
        nonlocal stops
        log.note(id_)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            stops += 1
            await asyncio.sleep(0.5)  # several renewals; as a hand-back takes its time, and must not be cut off
            handed_back.set()
            raise

    async with bench.worker(work, lease_s=0.3):
        await bench.put("theirs")
        await log.until(1)
        await bench.redis.set(in_progress_key_prefix + "theirs", "another", px=60_000)
        async with asyncio.timeout(20):
            await handed_back.wait()
    assert stops == 1


async def test_a_short_silence_stops_no_job(proxied: tuple[Bench, Proxy], caplog: pytest.LogCaptureFixture) -> None:
    (bench, proxy), log, release = proxied, Log(), asyncio.Event()

    async def work(ctx: dict[str, Any], id_: str) -> None:
        log.note(id_)
        await release.wait()

    async with bench.worker(work, lease_s=10.0):
        await bench.put("a")
        await log.until(1)
        proxy.fall_silent()
        async with asyncio.timeout(20):
            while "could not renew" not in caplog.text:
                await asyncio.sleep(0.05)
        release.set()
        proxy.heal()
        await bench.until_empty()
    assert log.ran == ["a"]


async def test_an_idle_worker_whose_connections_lead_nowhere_makes_others(proxied: tuple[Bench, Proxy]) -> None:
    (bench, proxy), log = proxied, Log()
    async with bench.worker(log.work):
        await bench.put("a")
        await bench.until_empty()
        proxy.half_open()
        await bench.put("b")
        await log.until(2)
    assert log.ran == ["a", "b"]


async def test_a_worker_that_is_told_to_stop_does_not_wait_for_a_silent_redis(proxied: tuple[Bench, Proxy]) -> None:
    (bench, proxy), log = proxied, Log()

    async def work(ctx: dict[str, Any], id_: str) -> None:
        log.note(id_)
        await asyncio.Event().wait()

    async with bench.worker(work) as worker:
        await bench.put("left")
        await log.until(1)
        proxy.fall_silent()
        async with asyncio.timeout(20):
            await worker.close()
        assert not worker.tasks
    assert await bench.redis.zscore(bench.queue_name, "left") is not None
    proxy.heal()


async def test_what_was_tried_too_often_is_reported(bench: Bench) -> None:
    log = Log()

    async def work(ctx: dict[str, Any], id_: str) -> None:
        log.note(id_)
        raise Retry(defer=0.01)

    async with bench.worker(work, max_tries=2):
        await bench.put("a")
        await bench.until_empty()
    assert (log.ran, bench.abandoned) == (["a", "a"], ["a"])


async def test_an_entry_that_arq_gives_up_is_reported(bench: Bench) -> None:
    log = Log()
    await bench.put("unknown", function="no_such_function")
    await bench.put("expired", "garbled")
    await bench.redis.delete(job_key_prefix + "expired")
    await bench.redis.set(job_key_prefix + "garbled", b"\x80not json")
    async with bench.worker(log.work):
        await bench.until_empty()
    assert sorted(bench.abandoned) == ["expired", "garbled", "unknown"]


async def test_a_crash_in_a_job_stops_no_worker_and_drops_no_job(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leased_worker, "CRASH_RETRY_MS", 300)
    log = Log()

    async def work(ctx: dict[str, Any], id_: str) -> None:
        log.note(id_)
        if log.ran == ["bad"]:
            raise ValueError("on purpose")

    async with bench.worker(work):
        await bench.put("bad")
        await log.until(1)
        await bench.put("good")
        await bench.until_empty()
    assert sorted(log.ran) == ["bad", "bad", "good"]


async def test_what_crashes_each_time_is_given_up(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leased_worker, "CRASH_RETRY_MS", 1)
    log = Log()

    async def work(ctx: dict[str, Any], id_: str) -> None:
        log.note(id_)
        if id_ == "bad":
            raise KeyError("stages")

    async with bench.worker(work):
        await bench.put("bad", "good")
        await bench.until_empty()
    assert (sorted(log.ran), bench.abandoned) == (["bad"] * leased_worker.MAX_CRASHES + ["good"], ["bad"])
    assert [key async for key in bench.redis.scan_iter("arq:*:bad*")] == []


def test_a_crash_is_waited_out_for_a_minute() -> None:
    """A job outlives a restart of whatever crashed; it does not circle for hours."""
    waits_s = [leased_worker.CRASH_RETRY_MS * 2**number / 1000 for number in range(leased_worker.MAX_CRASHES - 1)]
    assert 60 <= sum(waits_s) <= 120


@pytest.mark.parametrize(
    "exc",
    [
        ConnectionError("Connection refused"),
        NoAnswer("Redis did not answer"),
        AuthenticationError("WRONGPASS"),
        OutOfMemoryError("OOM command not allowed"),
        ReadOnlyError("READONLY You can't write against a read only replica"),
        ResponseError("MISCONF Redis is configured to save RDB snapshots"),
    ],
    ids=lambda exc: type(exc).__name__,
)
async def test_a_redis_that_is_away_is_no_crash(bench: Bench, monkeypatch: pytest.MonkeyPatch, exc: RedisError) -> None:
    monkeypatch.setattr(leased_worker, "CRASH_RETRY_MS", 1)
    log = Log()

    async def work(ctx: dict[str, Any], id_: str) -> None:
        log.note(id_)
        if len(log.ran) <= 3 * leased_worker.MAX_CRASHES:
            raise exc

    async with bench.worker(work):
        await bench.put("a")
        await bench.until_empty()
    assert (len(log.ran), bench.abandoned) == (3 * leased_worker.MAX_CRASHES + 1, [])


async def test_what_cannot_even_be_given_up_is_set_aside(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leased_worker, "CRASH_RETRY_MS", 1)
    log = Log()

    async def work(ctx: dict[str, Any], id_: str) -> None:
        raise KeyError("stages")

    async def on_abandoned(ctx: dict[str, Any], id_: str) -> None:
        log.note(id_)
        raise KeyError("stages")

    async with bench.worker(work) as worker:
        worker.ctx["on_abandoned"] = on_abandoned
        await bench.put("unreadable")
        await bench.put("unknown", function="no_such_function")
        await bench.until_empty()
    assert (log.ran.count("unreadable"), log.ran.count("unknown")) == (1, leased_worker.MAX_CRASHES)


async def test_a_job_that_arq_timed_out_is_not_dropped(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leased_worker, "CRASH_RETRY_MS", 0)
    log = Log()

    async def work(ctx: dict[str, Any], id_: str) -> None:
        log.note(id_)
        if len(log.ran) == 1:
            await asyncio.Event().wait()

    async with bench.worker(work, job_timeout=0.1):
        await bench.put("slow")
        await bench.until_empty()
    assert log.ran == ["slow", "slow"]
