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


def ratio(name: str, other: str) -> Callable[[Figures], float]:
    """Set a figure in relation to another one of the same run."""
    return lambda figures: figures[name] / figures[other]


GOALS = (
    Goal("CPU per filter job, built-in parser, all processes", 14, "ms", of("pipeline.builtin.cpu_ms")),
    Goal("POST to `done`, beside the work by itself", 1.6, "×", ratio("pipeline.builtin.p50_ms", "pipeline.compute_ms")),
    Goal("POST to `done`, beside the older system's no-op", 0.5, "×", ratio("pipeline.builtin.p50_ms", "pipeline.older.p50_ms")),
    Goal("no-op stages, POST to `done`", 5, "ms", of("pipeline.noop.p50_ms")),
    Goal(
        "no-op throughput, beside the older system's",
        *(15, "×", ratio("pipeline.noop.jobs_per_s", "pipeline.older.jobs_per_s"), True),
    ),
    Goal("the worker alone, beside SAQ", 3, "×", ratio("workers.ours.jobs_per_s", "workers.saq.jobs_per_s"), True),
    Goal("idle pick-up, beside SAQ", 1, "×", ratio("workers.ours.pickup_p50_ms", "workers.saq.pickup_p50_ms")),
    Goal(
        "`POST /v1/jobs`, beside a bare route with a round trip to Redis",
        *(0.5, "×", ratio("submitting.ours.requests_per_s", "submitting.bare.requests_per_s"), True),
    ),
    Goal("p99 of `POST /v1/jobs` at half load, beside its p50", 5, "×", ratio("submitting.ours.p99_ms", "submitting.ours.p50_ms")),
    Goal("commands of Redis that `Prefer: wait` sends while it waits", 0, "", of("submitting.wait_commands")),
    Goal("5,000 streams: connections to Redis", 3, "", of("streams.connections")),
    Goal("5,000 streams: publish to client, p99", 50, "ms", of("streams.p99_ms")),
    Goal("5,000 streams: memory of each", 25, "KB", of("streams.kb")),
    Goal("embedding for 64 jobs, beside the best raw arrangement", 0.9, "×", ratio("embedding.ours.texts_per_s", "embedding.best_raw_per_s"), True),
    Goal("embedding for a lone job, beside a lone call", 1.2, "×", ratio("embedding.ours.lone_ms", "embedding.raw_lone_ms")),
    Goal("longest stall of the event loop", 20, "ms", of("embedding.stall_ms")),
    Goal("1,000 LLM calls with 200 slots, beside the ideal", 1.5, "×", ratio("waiting.wall_s", "waiting.ideal_s")),
    Goal("CPU per job of the llm worker", 3, "ms", of("waiting.cpu_ms")),
    Goal("waiting jobs, 0 to 100,000: slope of jobs/s", -0.1, "", of("growth.depth.slope"), True),
    Goal("owners, 1 to 10,000: slope of jobs/s", -0.1, "", of("growth.owners.slope"), True),
    Goal("web ready", 1, "s", of("starting.web_ready_s")),
    Goal("worker ready", 2.5, "s", of("starting.worker_ready_s")),
    Goal("import of `nlp2filters.app`, CPU", 0.5, "s", of("starting.import_cpu_s")),
    Goal("memory of web", 100, "MB", of("starting.web_mb")),
    Goal("memory of the llm worker", 90, "MB", of("starting.llm_mb")),
    Goal("memory of the delivery worker", 70, "MB", of("starting.delivery_mb")),
)  # fmt: skip
