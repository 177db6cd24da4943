"""Embedding for 64 jobs at once beside raw calls of the same network, and how long the event loop is held up.

Each arrangement takes turns in a process of its own, which the model is loaded into once.
"""

import asyncio
import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import orjson
from fastembed import TextEmbedding

from bench.report import Report, Table
from bench.rounds import in_process, medians
from bench.sizes import ROUNDS, size
from bench.text import number
from nlp2filters.core.embedding_model import MODEL
from nlp2filters.embedding.embedder import Embedder
from nlp2filters.embedding.weights import MINILM

AT_ONCE = 64
BATCHES = size(4, 1)
LONE = size(100, 20)
# A raw call on two threads needs two cores, as two embedding workers do; ours has one thread by default.
THREADS = (1, 2)
BATCH_SIZES = (1, 8, 64)
TEXTS = [
    f"wireless headphones number {at} under ${at % 90 + 10}, not Beats, released this year" for at in range(AT_ONCE)
]
TICK_S = 0.001
OURS = "ours, 64 jobs at once, 1 thread"


async def main() -> Report:
    figures = medians([await in_process("bench.embedding") for _ in range(ROUNDS)])
    raw = {name: value for name, value in figures.items() if name.startswith("raw, ")}
    best = max((name for name in raw if name.endswith("1 thread")), key=lambda name: raw[name])
    rows = [[name, number(value), ""] for name, value in raw.items()]
    rows.append([OURS, number(figures["ours.texts_per_s"]), number(figures["stall_ms"])])
    lone = [["raw call", number(figures["raw_lone_ms"])], ["ours", number(figures["ours.lone_ms"])]]
    return Report(
        {
            "embedding": Table(["arrangement", "texts/s", "longest stall of the loop, ms"], rows),
            "embedding-lone": Table(["a lone text", "p50 ms"], lone),
        },
        {**figures, "best_raw_per_s": raw[best]},
    )


async def measure() -> Mapping[str, float]:
    """Measure every arrangement once, the raw ones before and ours after."""
    folder, figures = MINILM.locate(progress=False), dict[str, float]()
    for threads in THREADS:
        model = TextEmbedding(MODEL, specific_model_path=str(folder), threads=threads)
        list(model.embed(TEXTS[:8]))
        for batch in BATCH_SIZES:
            label = f"raw, batches of {batch}, {threads} thread{'s' if threads > 1 else ''}"
            figures[label] = _per_second(lambda model=model, batch=batch: list(model.embed(TEXTS, batch_size=batch)))  # type: ignore[misc]
        if threads == 1:
            figures["raw_lone_ms"] = _lone_raw(model)
    async with await Embedder.load(folder) as embedder:
        await embedder.embed(TEXTS[:8])
        figures["ours.lone_ms"] = await _lone_ours(embedder)
        stalls: list[float] = []
        ticking = asyncio.create_task(_tick(stalls))
        began = time.perf_counter()
        for _ in range(BATCHES):
            await asyncio.gather(*(embedder.embed([text]) for text in TEXTS))
        figures["ours.texts_per_s"] = BATCHES * AT_ONCE / (time.perf_counter() - began)
        ticking.cancel()
        figures["stall_ms"] = max(stalls)
    return figures


def _per_second(call: Callable[[], Sequence[object]]) -> float:
    began = time.perf_counter()
    for _ in range(BATCHES):
        assert np.asarray(call()).shape == (AT_ONCE, 384)
    return BATCHES * AT_ONCE / (time.perf_counter() - began)


def _lone_raw(model: TextEmbedding) -> float:
    spent = []
    with ThreadPoolExecutor(1) as executor:
        for at in range(LONE):
            began = time.perf_counter()
            executor.submit(lambda at=at: list(model.embed([TEXTS[at % AT_ONCE]]))).result()  # type: ignore[misc]
            spent.append(1000 * (time.perf_counter() - began))
    return statistics.median(spent)


async def _lone_ours(embedder: Embedder) -> float:
    spent = []
    for at in range(LONE):
        began = time.perf_counter()
        await embedder.embed([TEXTS[at % AT_ONCE]])
        spent.append(1000 * (time.perf_counter() - began))
    return statistics.median(spent)


async def _tick(stalls: list[float]) -> None:
    """Note by how many milliseconds each short sleep is late."""
    while True:
        began = time.perf_counter()
        await asyncio.sleep(TICK_S)
        stalls.append(1000 * (time.perf_counter() - began - TICK_S))


if __name__ == "__main__":
    print(orjson.dumps(dict(asyncio.run(measure()))).decode(), flush=True)
    os._exit(0)
