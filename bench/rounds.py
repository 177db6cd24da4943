"""Rounds: what is compared takes turns within one run, since a shared machine is never the same for long."""

import asyncio
import statistics
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping

import orjson

from bench.sizes import ROUNDS

Measure = Callable[[], Awaitable[Mapping[str, float]]]


async def interleaved(measures: Mapping[str, Measure], rounds: int = ROUNDS) -> dict[str, dict[str, float]]:
    """Measure everything by turns, `rounds` times. Returns the median of each figure by what was measured."""
    results: dict[str, list[Mapping[str, float]]] = {name: [] for name in measures}
    for _ in range(rounds):
        for name, measure in measures.items():
            results[name].append(await measure())
    return {name: medians(of_rounds) for name, of_rounds in results.items()}


async def in_process(module: str, *arguments: str) -> Mapping[str, float]:
    """Measure in a process of its own, which prints the figures as JSON in its last line."""
    command = [sys.executable, "-m", module, *arguments]
    run = await asyncio.to_thread(subprocess.run, command, stdout=subprocess.PIPE, check=True)
    figures: Mapping[str, float] = orjson.loads(run.stdout.splitlines()[-1])
    return figures


def medians(rounds: list[Mapping[str, float]]) -> dict[str, float]:
    """Return the median of each figure over the rounds."""
    return {figure: statistics.median(one[figure] for one in rounds) for figure in rounds[0]}


def percentile(values: list[float], percent: int) -> float:
    """Return a percentile of some values, which may be few."""
    return sorted(values)[min(len(values) - 1, len(values) * percent // 100)]
