"""Whose turn it is: owners, receivers and lanes share a worker's slots."""

import secrets
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
from arq.connections import ArqRedis

from nlp2filters.clock import now_ms
from nlp2filters.core import deliveries, jobs
from nlp2filters.core.parts import Split, digest_of
from nlp2filters.core.statuses import Outcome
from nlp2filters.storage import arq_format, scripts
from nlp2filters.storage.parts_table import AT_ONCE
from nlp2filters.storage.redis_keys import Keys
from nlp2filters.storage.store import Store


@dataclass
class Claimer:
    """Claims as a worker does, and tells for whom."""

    store: Store
    slots: dict[str, int]
    owner: int = 1000
    receiver: int = 1000
    stage: str = "embedding"
    running: list[tuple[str, str, str]] = field(default_factory=list)

    async def claim(self, count: int | None = None) -> list[str]:
        """The groups of what was claimed, in order; up to `count` in the main lane."""
        redis, token = self.store.redis, secrets.token_hex(4)
        ask: dict[str, Any] = {
            "slots": {"main": count} if count is not None else self.slots,
            "owner_slots": self.owner,
            "receiver_slots": self.receiver,
            "running": Counter(group for _, group, _ in self.running),
        }
        keys = [self.store.keys.queue(self.stage), self.store.keys.open]
        script = redis.register_script(scripts.CLAIM)
        claimed, *_ = await script(keys=keys, args=[60_000, token, orjson.dumps(ask), 0])
        taken = [(entry.decode(), group.decode()) for entry, group, *_ in claimed]
        self.running += [(entry, group, token) for entry, group in taken]
        return [group for _, group in taken]

    async def release(self) -> None:
        """What runs has ended."""
        keys = [self.store.keys.queue(self.stage), self.store.keys.open]
        script = self.store.redis.register_script(scripts.RELEASE)
        for entry, _, token in self.running:
            await script(keys=keys, args=[entry, token, ""])
        self.running = []


@pytest.fixture
def store(redis: ArqRedis, keys: Keys) -> Store:
    return Store(redis, keys, retention_s=60)


async def submit(store: Store, owner: str, count: int = 1, **options: Any) -> None:
    for _ in range(count):
        id_ = f"job_{secrets.token_hex(6)}"
        await store.jobs.create(jobs.create(id_, "filters", owner, now_ms(), deadline_s=30, **options), b"{}")


async def ended(store: Store, owner: str, url: str, count: int = 1) -> None:
    """Jobs whose webhooks are to be told."""
    for _ in range(count):
        id_ = f"job_{secrets.token_hex(6)}"
        notify: tuple[Outcome, ...] = ("canceled",)
        job = jobs.create(id_, "filters", owner, now_ms(), deadline_s=30, notify=notify, webhook=url)
        await store.jobs.create(job, b"{}")
        await store.jobs.apply(job, lambda job: jobs.cancel(job, now_ms()))


def owners(groups: list[str]) -> list[str]:
    return [group.split(arq_format.SEPARATOR)[1] for group in groups]


async def test_the_latecomer_is_next_however_many_wait(store: Store) -> None:
    await submit(store, "anna", 300)
    claimer = Claimer(store, {"main": 10})
    await claimer.claim()
    await claimer.release()
    await submit(store, "ben")
    assert "ben" in owners(await claimer.claim(2))


async def test_owners_take_turns(store: Store) -> None:
    await submit(store, "anna", 50)
    await submit(store, "ben", 50)
    await submit(store, "clara", 5)
    claimed = owners(await Claimer(store, {"main": 30}).claim())
    assert Counter(claimed[:15]) == {"anna": 5, "ben": 5, "clara": 5}
    assert Counter(claimed) == {"anna": 13, "ben": 12, "clara": 5}


async def test_who_comes_with_many_does_not_shut_out_who_was_there(store: Store) -> None:
    """A newcomer takes its turn; it has saved up none while it had nothing to ask."""
    await submit(store, "anna", 60)
    claimer = Claimer(store, {"main": 20})
    await claimer.claim()
    await submit(store, "ben", 60)
    claimed = Counter(owners(await claimer.claim(20)))
    assert abs(claimed["anna"] - claimed["ben"]) <= 1


async def test_one_owner_cannot_have_all_slots(store: Store) -> None:
    claimer = Claimer(store, {"main": 10}, owner=8)
    await submit(store, "anna", 50)
    assert owners(await claimer.claim()) == ["anna"] * 8
    assert await claimer.claim(2) == []
    await submit(store, "ben", 5)
    assert owners(await claimer.claim(2)) == ["ben"] * 2
    await claimer.release()
    assert len(await claimer.claim()) == 10


async def test_a_receiver_that_hangs_takes_its_share_only(store: Store) -> None:
    claimer = Claimer(store, {"main": 10}, owner=8, receiver=2, stage="delivery")
    await ended(store, "anna", "https://hangs.example/a", 20)
    await ended(store, "anna", "https://HANGS.example/b", 20)
    assert len(await claimer.claim()) == 2
    await ended(store, "anna", "https://well.example/")
    await ended(store, "ben", "https://hangs.example/c")
    (group,) = await claimer.claim(8)
    assert group.endswith("well.example")


async def test_an_owner_with_a_thousand_receivers_that_hang_does_not_shut_out_others(store: Store) -> None:
    claimer = Claimer(store, {"main": 10}, owner=8, receiver=2, stage="delivery")
    for number in range(1000):
        await ended(store, "anna", f"https://hangs{number}.example/")
    assert len(await claimer.claim()) == 8
    await ended(store, "ben", "https://well.example/")
    assert owners(await claimer.claim(2)) == ["ben"]


async def test_what_needs_no_llm_has_slots_of_its_own(store: Store) -> None:
    claimer = Claimer(store, {"main": 3, "quick": 2}, stage="llm")
    for quick in (False, True):
        for _ in range(5):
            id_ = f"job_{secrets.token_hex(6)}"
            job = jobs.create(id_, "filters", "anna", now_ms(), deadline_s=30, quick=quick)
            await store.jobs.create(job, b"{}")
            job = await store.jobs.apply(job, lambda job: jobs.begin(job, "embedding", "w", now_ms()))
            await store.jobs.apply(job, lambda job: jobs.advance(job, job.attempt, now_ms()))
    assert Counter(map(arq_format.lane_of, await claimer.claim())) == {"main": 3, "quick": 2}


async def split(store: Store, owner: str, count: int) -> None:
    """A job that has been split into so many parts."""
    await submit(store, owner)
    (job, *_), _ = await store.jobs.page(owner, 1, None)
    job = await store.jobs.apply(job, lambda job: jobs.begin(job, "embedding", "w", now_ms()))
    digests = [digest_of(job.id, str(number)) for number in range(count)]
    await store.jobs.apply(job, lambda job: jobs.split(job, job.attempt), split=Split(digests, digests))


async def test_parts_take_no_slots_of_other_jobs(store: Store) -> None:
    await split(store, "anna", 200)
    claimer = Claimer(store, {"main": 8, "parts": 2}, owner=6)
    assert Counter(map(arq_format.lane_of, await claimer.claim())) == {"parts": 2}
    await submit(store, "anna", 10)
    assert Counter(map(arq_format.lane_of, await claimer.claim(8))) == {"main": 4}
    await submit(store, "ben", 10)
    assert Counter(owners(await claimer.claim(4))) == {"ben": 4}


async def test_owners_take_turns_with_their_parts(store: Store) -> None:
    await split(store, "anna", 60)
    await split(store, "anna", 60)
    claimer = Claimer(store, {"parts": 2})
    await claimer.claim()
    await claimer.release()
    await split(store, "ben", 3)
    claimed = [owner for _ in range(3) for owner in owners(await claimer.claim())]
    assert Counter(claimed) == {"anna": 3, "ben": 3}


async def test_a_worker_of_an_earlier_version_takes_no_parts(store: Store) -> None:
    """It asks for the lanes that it knows, and leaves everything else where others find it."""
    await split(store, "anna", 3)
    assert await Claimer(store, {"main": 8, "slow": 2}).claim() == []
    assert len(await Claimer(store, {"parts": 8}).claim()) == 3


async def test_parts_do_not_fill_the_queue(store: Store, redis: ArqRedis, keys: Keys) -> None:
    """Whoever refuses jobs because of a backlog counts entries, of which a large job has a few at a time."""
    await split(store, "anna", 5_000)
    assert await redis.zcard(arq_format.all_key(keys.queue("embedding"))) == AT_ONCE


async def test_nothing_is_left_of_an_empty_queue(store: Store, redis: ArqRedis, keys: Keys) -> None:
    await submit(store, "anna", 3)
    claimer = Claimer(store, {"main": 10})
    await claimer.claim()
    await claimer.release()
    left = [key async for key in redis.scan_iter(match=f"{keys.queue('embedding')}*")]
    assert [key for key in left if b":wake:" not in key] == []


@pytest.mark.parametrize(
    ("url", "receiver"),
    [
        ("https://Hook.Example/path?x=1", "hook.example"),
        ("https://hook.example:8443", "hook.example:8443"),
        ("http://[::1]:80/", "[::1]:80"),
        ("https://hook.example?x", "hook.example"),
    ],
)
def test_deliveries_are_counted_by_host_and_port(url: str, receiver: str) -> None:
    assert deliveries.receiver_of(url) == receiver
