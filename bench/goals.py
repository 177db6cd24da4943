"""The goals: each a row with the figure that it is about, and the reason that is shown while it is not met."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

Figures: TypeAlias = Mapping[str, float]


@dataclass(frozen=True)
class Goal:
    """A limit on a figure, which is computed from those of all benchmarks (`benchmark.figure`)."""

    title: str
    limit: float
    unit: str
    figure: Callable[[Figures], float]
    at_least: bool = False
    reason: str = ""


def of(name: str) -> Callable[[Figures], float]:
    """Take a figure as it is."""
    return lambda figures: figures[name]


def ratio(benchmark: str, figure: str, other: str) -> Callable[[Figures], float]:
    """Set a figure of a benchmark in relation to another one of the same run."""
    return lambda figures: figures[f"{benchmark}.{figure}"] / figures[f"{benchmark}.{other}"]


LEAST = True
GOALS = (
    Goal(
        "CPU per filter job, built-in parser, all processes",
        *(14, "ms", of("pipeline.builtin.cpu_ms")),
        reason="the model and the parser take eight of them (int8 weights save three), the rest is HTTP and two queues",
    ),
    Goal(
        "POST to `done`, beside the work by itself",
        *(1.6, "×", ratio("pipeline", "builtin.p50_ms", "compute_ms")),
        reason="two stages in two processes, each of which commits, and a child process for the parser",
    ),
    Goal(
        "POST to `done`, beside the older no-op",
        *(0.5, "×", ratio("pipeline", "builtin.p50_ms", "older.p50_ms")),
        reason="real work takes as long here as none does there",
    ),
    Goal(
        "no-op stages, POST to `done`",
        *(5, "ms", of("pipeline.noop.p50_ms")),
        reason="seven scripts run in Redis one after the other, so that a killed process loses nothing",
    ),
    Goal(
        "no-op jobs/s, beside the older",
        *(15, "×", ratio("pipeline", "noop.jobs_per_s", "older.jobs_per_s"), LEAST),
        reason="the web process and the clients that follow their streams share two cores with the workers",
    ),
    Goal("the worker alone, beside SAQ", 3, "×", ratio("workers", "ours.jobs_per_s", "saq.jobs_per_s"), LEAST),
    Goal("idle pick-up, beside SAQ", 1, "×", ratio("workers", "ours.pickup_p50_ms", "saq.pickup_p50_ms")),
    Goal(
        "`POST /v1/jobs`, beside a bare route with a round trip to Redis",
        *(0.5, "×", ratio("submitting", "ours.requests_per_s", "bare.requests_per_s"), LEAST),
        reason="a request is checked completely, and a script of some 35 commands writes all of the job in one step",
    ),
    Goal(
        "its p99 at half load, beside its p50",
        *(5, "×", ratio("submitting", "ours.p99_ms", "ours.p50_ms")),
        reason="requests that come one by one share no round trip: at half of its rate, a process is busy for 80 % of"
        " its time; and Redis rewrites its file now and then, on one of the two cores",
    ),
    Goal("commands of Redis while `Prefer: wait` waits", 0, "", of("submitting.wait_commands")),
    Goal("5,000 streams: connections to Redis", 3, "", of("streams.connections")),
    Goal("5,000 streams: publish to client, p99", 50, "ms", of("streams.p99_ms")),
    Goal("5,000 streams: memory of each", 25, "KB", of("streams.kb")),
    Goal(
        "embedding for 64 jobs, beside the best raw arrangement",
        *(0.9, "×", ratio("embedding", "ours.texts_per_s", "best_raw_per_s"), LEAST),
        reason="texts share a batch of at most 8, so that none waits for long",
    ),
    Goal("embedding for a lone job, beside a lone call", 1.2, "×", ratio("embedding", "ours.lone_ms", "raw_lone_ms")),
    Goal("longest stall of the event loop", 20, "ms", of("embedding.stall_ms")),
    Goal("1,000 LLM calls with 200 slots, beside the ideal", 2, "×", ratio("waiting", "wall_s", "ideal_s")),
    Goal("CPU per job of the llm worker", 3, "ms", of("waiting.cpu_ms")),
    Goal("slope of a worker's jobs/s against waiting jobs", -0.1, "", of("growth.depth.slope"), LEAST),
    Goal("slope of a worker's jobs/s against owners", -0.1, "", of("growth.owners.slope"), LEAST),
    Goal("web ready", 1, "s", of("starting.web_ready_s")),
    Goal("worker ready", 2.5, "s", of("starting.worker_ready_s")),
    Goal(
        "import of `nlp2filters.app`, CPU",
        *(0.5, "s", of("starting.import_cpu_s")),
        reason="starlette, uvicorn, redis-py and ARQ take 0.2 of them, 200 dataclasses and models most of the rest",
    ),
    Goal("memory of web", 100, "MB", of("starting.web_mb")),
    Goal("memory of the llm worker", 90, "MB", of("starting.llm_mb")),
    Goal("memory of the delivery worker", 70, "MB", of("starting.delivery_mb")),
)
