"""The tables of docs/scaling.md that follow from the figures: what a number of jobs a minute needs."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from bench.goals import Figures
from bench.text import number
from tools.dialects_table import markdown

RATES = (10, 1_000, 100_000)
# A process that is busy for more of its time makes jobs wait: peaks need room, too.
BUSY = 0.6
# From pipelines of one web process and one worker for each queue.
PROCESSES = ("web", "embedding", "llm")
# The least that a process may be given, and as many as it may take by default.
MIN_CONNECTIONS, CONNECTIONS = 2, 10
# Seconds of RETENTION_S: the default, and shorter ones.
RETENTIONS = {"a day": 86_400, "an hour": 3_600, "10 minutes": 600}
KB, MINUTE_S = 1024, 60


@dataclass(frozen=True)
class HostedRedis:
    """A hosted plan: its memory in MB and the connections that it allows."""

    name: str
    mb: float
    connections: int


# Heroku Key-Value Store, technical characterization, October 2024.
HOSTED = (
    HostedRedis("mini", 25, 20),
    HostedRedis("premium-0", 50, 40),
    HostedRedis("premium-1", 100, 80),
    HostedRedis("premium-2", 250, 200),
    HostedRedis("premium-3", 500, 400),
    HostedRedis("premium-5", 1_024, 1_000),
    HostedRedis("premium-7", 7 * 1_024, 10_000),
    HostedRedis("premium-10", 25 * 1_024, 40_000),
    HostedRedis("premium-14", 100 * 1_024, 65_000),
)
# A Standard-1X dyno of Heroku for each process; list price as of May 2026.
DYNO_USD = 25


def sections(figures: Figures) -> Mapping[str, str]:
    """Return the tables by the names of their sections, those for which there are figures."""
    try:
        cpu_ms = {name: figures[f"pipeline.builtin.cpu_ms.{name}"] for name in PROCESSES}
        redis_ms, job_kb = figures["ceiling.filter.redis_ms"], figures["growth.kb.finished"]
    except KeyError:
        return {}
    needs = [_needs(rate, cpu_ms, redis_ms) for rate in RATES]
    header = ["jobs a minute", *PROCESSES, "dynos, USD a month", "connections", "cores of Redis"]
    memory = [_memory(rate, job_kb) for rate in RATES]
    return {
        "plan": markdown(header, needs),
        "retention": markdown(["jobs a minute", *(f"kept for {name}" for name in RETENTIONS)], memory),
    }


def _needs(rate: int, cpu_ms: Mapping[str, float], redis_ms: float) -> list[str]:
    per_s = rate / MINUTE_S
    counts = [max(1, math.ceil(per_s * ms / 1_000 / BUSY)) for ms in cpu_ms.values()]
    processes = sum(counts) + 1  # the delivery worker
    connections = f"{processes * MIN_CONNECTIONS:,} to {processes * CONNECTIONS:,}"
    cores = number(per_s * redis_ms / 1_000)
    return [f"{rate:,}", *map(str, counts), f"{processes * DYNO_USD:,}", connections, cores]


def _memory(rate: int, job_kb: float) -> list[str]:
    cells = []
    for seconds in RETENTIONS.values():
        mb = rate * seconds / MINUTE_S * job_kb / KB
        # Redis refuses new jobs at 90 % of its memory.
        plan = next((plan.name for plan in HOSTED if plan.mb * 0.9 >= mb), "none")
        cells.append(f"{mb / 1024:,.1f} GB ({plan})" if mb >= 1024 else f"{number(mb)} MB ({plan})")
    return [f"{rate:,}", *cells]
