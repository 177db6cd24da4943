"""Heartbeats: who is alive, who has survived, and when silence proves a death."""

import asyncio

from arq.connections import ArqRedis

from nlp2filters.core.stage_runs import Suspect
from nlp2filters.storage.heartbeat import Heartbeat
from nlp2filters.storage.redis_keys import Keys

TIMEOUT_S = 0.2


def heartbeat(redis: ArqRedis, keys: Keys, worker: str) -> Heartbeat:
    return Heartbeat(redis, keys, "llm", worker, timeout_s=TIMEOUT_S)


async def judged(judge: Heartbeat, suspect: Suspect) -> tuple[frozenset[Suspect], bool]:
    """The first verdict that leaves nothing open."""
    async with asyncio.timeout(20):
        while True:
            survivors, rest_is_dead = await judge.judge([suspect])
            if survivors or rest_is_dead:
                return survivors, rest_is_dead
            await asyncio.sleep(0.01)


async def test_a_worker_is_alive_while_it_beats(redis: ArqRedis, keys: Keys) -> None:
    async with heartbeat(redis, keys, "w1") as judge:
        name = keys.workers("llm")
        until = await redis.zscore(name, "w1")
        async with asyncio.timeout(20):
            while await redis.zscore(name, "w1") == until:
                await asyncio.sleep(0.01)
        assert await redis.zscore(name, "w1") > await judge.now()
    assert await redis.zscore(name, "w1") is None


async def test_a_heartbeat_after_the_lease_proves_survival(redis: ArqRedis, keys: Keys) -> None:
    async with heartbeat(redis, keys, "judge") as judge, heartbeat(redis, keys, "w1"):
        suspect = Suspect("w1", await judge.now())
        assert await judged(judge, suspect) == (frozenset({suspect}), True)


async def test_silence_proves_a_death_in_the_end(redis: ArqRedis, keys: Keys) -> None:
    async with heartbeat(redis, keys, "judge") as judge:
        await heartbeat(redis, keys, "w1")._beat()  # its last
        suspect = Suspect("w1", await judge.now())
        assert await judge.judge([suspect]) == (frozenset(), False)  # it may be frozen for a moment only
        assert await judged(judge, suspect) == (frozenset(), True)


async def test_who_was_out_of_touch_itself_judges_nobody(redis: ArqRedis, keys: Keys) -> None:
    """An outage of Redis makes everybody silent. Whoever reaches it first again must not take the others for dead."""
    judge = heartbeat(redis, keys, "judge")
    await judge._beat()
    suspect = Suspect("w1", await judge.now())
    await asyncio.sleep(2 * TIMEOUT_S)  # nobody beats
    await judge._beat()
    assert await judge.judge([suspect]) == (frozenset(), False)
    async with heartbeat(redis, keys, "w1"):
        assert await judge.judge([suspect]) == (frozenset({suspect}), True)


async def test_nobody_suspected(redis: ArqRedis, keys: Keys) -> None:
    assert await heartbeat(redis, keys, "judge").judge([]) == (frozenset(), True)
