"""The trial of jobs that are split into parts: their workers are killed, and no part runs again after its commit."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from itertools import cycle
from typing import Any

import orjson
from redis import Redis

from chaos.load import KEYS
from chaos.trials import Finding, Stand, nothing_lost
from tests.kinds.wordcount import runs_key

# Sets `EXTRA_KINDS` of the fleet.
KINDS = "tests.kinds.lines"
WORDS_PER_LINE = 200  # each takes a while to embed
KILL_INTERVAL_S = 2.0


async def parts(it: Stand, jobs: int, lines: int, count: int) -> list[Finding]:
    """Kill the workers, one after the other, while they embed the lines of long texts."""
    load = it.load()
    await load.submit_lines(
        [" ".join(f"{job} {line} {word}" for word in range(WORDS_PER_LINE)) for line in range(lines)]
        for job in range(jobs)
    )
    victims, kills = cycle(name for name in it.fleet.names if name.startswith("embedding")), 0
    while kills < count and await _unfinished(it, load.accepted):
        await asyncio.sleep(KILL_INTERVAL_S)
        await asyncio.to_thread(it.fleet.kill, next(victims))
        kills += 1
    outcomes = await load.outcomes()
    with Redis(port=it.redis.port, decode_responses=True) as redis:
        commits, runs, late = _account(redis, load.accepted)
        keys_left = len(list(redis.scan_iter(f"{KEYS.prefix}:parts:*")))
    wrong = [part for part in runs if commits[part] != 1]
    again = f"{late} did; {sum(runs.values()) - len(runs)} ran again before it"
    return [
        *nothing_lost(f"{jobs} jobs of {lines} parts each, {kills} kills of their workers", outcomes),
        Finding("… each part is committed once", len(commits), f"{len(wrong)} not", not wrong),
        Finding("… none runs after its commit", sum(runs.values()), again, not late),
        Finding("… nothing is left of them", jobs, f"{keys_left} keys", not keys_left),
    ]


async def _unfinished(it: Stand, job_ids: Sequence[str]) -> bool:
    def check() -> bool:
        with Redis(port=it.redis.port) as redis:
            return any(redis.hget(KEYS.job(id_), "result") is None for id_ in job_ids)

    return await asyncio.to_thread(check)


def _account(redis: Any, job_ids: Sequence[str]) -> tuple[Counter[tuple[str, str]], Counter[tuple[str, str]], int]:
    """Count the commits and the runs of each part, and the runs that began after the commit."""
    commits: dict[tuple[str, str], list[int]] = {}
    runs: Counter[tuple[str, str]] = Counter()
    late = 0
    for job_id in job_ids:
        for entry_id, fields in redis.xrange(KEYS.events(job_id)):
            if fields["event"] == "line":
                commits.setdefault((job_id, orjson.loads(fields["data"])["digest"]), []).append(_ms(entry_id))
        for entry_id, run in redis.xrange(runs_key(KEYS, job_id)):
            part = (job_id, run["digest"])
            runs[part] += 1
            late += part in commits and _ms(entry_id) > commits[part][0]
    return Counter({part: len(times) for part, times in commits.items()}), runs, late


def _ms(entry_id: str) -> int:
    return int(entry_id.partition("-")[0])
