"""The embedding model's weights, float32 and int8: CPU time, memory, size, and how near their vectors are.

Each edition takes turns in a process of its own, and embeds the texts of the project's own cases. It embeds as the
workers do, on one thread.
"""

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import orjson
from numpy.typing import NDArray

from bench.machine import memory_kb
from bench.report import Report, Table
from bench.rounds import in_process, interleaved
from bench.sizes import size
from bench.text import number
from nlp2filters.core.linking import Lexicon
from nlp2filters.embedding.embedder import Embedder
from nlp2filters.embedding.weights import MINILM_BY_WEIGHTS
from nlp2filters.evaluation.cases import read_collections

CASES = Path(__file__).parent.parent / "tests" / "cases"
LONE, BATCH = size(200, 40), 32
COLUMNS = {
    "lone_ms": "a lone text, CPU ms",
    "pieces_ms": "its word pieces, CPU ms",
    "batch_ms": "each of 32 texts, CPU ms",
    "load_s": "loading, CPU s",
    "rss_mb": "memory, MB",
    "disk_mb": "files, MB",
}
NEARNESS = ("mean", "1 % quantile", "least")


async def main() -> Report:
    measures = {weights: partial(in_process, "bench.weights", weights) for weights in MINILM_BY_WEIGHTS}
    figures = await interleaved(measures)
    rows = [[weights, *(number(of_weights[name]) for name in COLUMNS)] for weights, of_weights in figures.items()]
    nearness = await _nearness()
    return Report(
        {
            "weights": Table(["weights", *COLUMNS.values()], rows),
            "weights-nearness": Table(
                ["int8 beside float32, cosine", "vectors", *NEARNESS],
                [[what, f"{len(cosines):,}", *map(_cosine, _summary(cosines))] for what, cosines in nearness.items()],
            ),
        },
        {f"{weights}.{name}": value for weights, values in figures.items() for name, value in values.items()},
    )


async def measure(weights: str) -> Mapping[str, float]:
    """Measure an edition in this process."""
    folder, texts = MINILM_BY_WEIGHTS[weights].locate(progress=False), _texts()
    before, began = memory_kb(os.getpid()) / 1024, time.process_time()
    async with await Embedder.load(folder) as embedder:
        load_s = time.process_time() - began
        await embedder.embed(texts[:BATCH])
        await embedder.pieces(texts[0])
        figures = {
            "lone_ms": await _cpu_ms(embedder.embed, [[text] for text in texts[:LONE]]),
            "pieces_ms": await _cpu_ms(embedder.pieces, texts[:LONE]),
            "batch_ms": await _cpu_ms(embedder.embed, [texts[at : at + BATCH] for at in range(0, LONE, BATCH)]) / BATCH,
        }
        rss_mb = memory_kb(os.getpid()) / 1024 - before
    disk_mb = sum(file.stat().st_size for file in folder.iterdir()) / 1e6
    return {**figures, "load_s": load_s, "rss_mb": rss_mb, "disk_mb": disk_mb}


async def _cpu_ms(call: Callable[..., Awaitable[object]], arguments: Sequence[object]) -> float:
    """Return the CPU milliseconds of a call, all threads together."""
    began = time.process_time()
    for argument in arguments:
        await call(argument)
    return 1000 * (time.process_time() - began) / len(arguments)


async def _nearness() -> Mapping[str, NDArray[np.float64]]:
    """Return the cosine of each int8 vector with the float32 one, by what was embedded."""
    texts, names = _texts(), _names()
    vectors: list[Sequence[NDArray[np.float32]]] = []
    for model in MINILM_BY_WEIGHTS.values():
        async with await Embedder.load(model.locate(progress=False)) as embedder:
            pieces = [(await embedder.pieces(text))[1] for text in texts]
            vectors.append((await embedder.embed(texts), await embedder.embed(names), np.concatenate(pieces)))
    kinds = zip(("texts", "names and values of catalogs", "word pieces of the texts"), *vectors, strict=True)
    return {kind: _cosines(some, others) for kind, some, others in kinds}


def _texts() -> list[str]:
    lines = [line for file in sorted(CASES.glob("*.jsonl")) for line in file.read_bytes().splitlines()]
    return list(dict.fromkeys(orjson.loads(line)["text"] for line in lines))


def _names() -> list[str]:
    """Return the names and values of the catalogs of the cases, as they are embedded."""
    catalogs = [
        collection.catalog
        for file in sorted(CASES.glob("catalogs*.json"))
        for collection in read_collections(file.read_bytes()).values()
    ]
    return list(dict.fromkeys(name for catalog in catalogs for name in Lexicon.of(catalog).indexed))


def _cosines(some: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float64]:
    products = np.einsum("ij,ij->i", some.astype(float), others)
    return np.asarray(products / np.linalg.norm(some, axis=1) / np.linalg.norm(others, axis=1), float)


def _summary(cosines: NDArray[np.float64]) -> tuple[float, float, float]:
    return float(cosines.mean()), float(np.quantile(cosines, 0.01)), float(cosines.min())


def _cosine(value: float) -> str:
    return f"{value:.4f}"


if __name__ == "__main__":
    print(orjson.dumps(dict(asyncio.run(measure(sys.argv[1])))).decode(), flush=True)
