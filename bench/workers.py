"""One worker alone, with jobs that do nothing: ours beside its peers, each with a Redis and a process of its own."""

import asyncio
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import orjson

from bench.chart import bars
from bench.machine import redis_server
from bench.peers.environments import OWN, ROOT, python_of
from bench.report import Report, Table
from bench.rounds import interleaved
from bench.sizes import size
from bench.text import number

PICKUPS = size(40, 10)
IDLE_S = size(5.0, 1.0)
TIMEOUT_S = 120


@dataclass(frozen=True)
class Competitor:
    """A worker to measure: the environment and the program, with the number of waiting jobs that it is given."""

    environment: str
    program: str
    jobs: int
    arguments: tuple[str, ...] = ()


OURS, SAQ, TUNED = "ours, 100 slots", "SAQ, 100 slots", "arq, 100 slots, polls each 20 ms"
COMPETITORS = {
    OURS: Competitor(OWN, "arq_worker", size(5_000, 500), ("ours",)),
    TUNED: Competitor(OWN, "arq_worker", size(5_000, 500), ("tuned",)),
    "arq, as it comes": Competitor(OWN, "arq_worker", size(1_000, 200), ("stock",)),
    SAQ: Competitor("saq", "saq_worker", size(5_000, 500)),
    "streaq, 100 slots": Competitor("streaq", "streaq_worker", size(2_000, 300)),
    "TaskIQ, Redis list": Competitor("taskiq", "taskiq_worker", size(3_000, 300)),
    "RQ 1.16": Competitor("rq", "rq_worker", size(500, 30)),
}
COLUMNS = {
    "jobs/s": "jobs_per_s",
    "CPU µs per job": "cpu_us",
    "idle pick-up p50 ms": "pickup_p50_ms",
    "p95 ms": "pickup_p95_ms",
    "idle commands/s": "idle_commands_per_s",
}


async def main() -> Report:
    medians = await interleaved({name: partial(_measure, one) for name, one in COMPETITORS.items()})
    rows = [[name, *(number(one[figure]) for figure in COLUMNS.values())] for name, one in medians.items()]
    figures = {
        f"{key}.{figure}": medians[name][figure]
        for key, name in (("ours", OURS), ("saq", SAQ), ("arq", TUNED), ("rq", "RQ 1.16"))
        for figure in COLUMNS.values()
    }
    chart = bars("No-op jobs per second, one worker", {name: one["jobs_per_s"] for name, one in medians.items()})
    return Report({"workers": Table(["worker", *COLUMNS], rows)}, figures, {"workers": chart})


async def _measure(competitor: Competitor) -> Mapping[str, float]:
    return await asyncio.to_thread(_run, competitor)


def _run(competitor: Competitor) -> Mapping[str, float]:
    python, sizes = python_of(competitor.environment), [str(competitor.jobs), str(PICKUPS), str(IDLE_S)]
    with redis_server() as url:
        command = [str(python), "-m", "bench.peers", competitor.program, url, *sizes, *competitor.arguments]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        run = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True, cwd=ROOT, timeout=TIMEOUT_S)
    figures: dict[str, float] = orjson.loads(run.stdout.splitlines()[-1])
    return figures
