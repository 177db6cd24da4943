"""Embedding with int8 weights beside the real model's own."""

from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import orjson
import pytest

from nlp2filters.embedding.embedder import Embedder, Vectors

CASES = Path(__file__).parent.parent / "cases" / "comparison.jsonl"
TEXTS = [orjson.loads(line)["text"] for line in CASES.read_bytes().splitlines()][:40]


@pytest.fixture
async def int8(int8_folder: Path) -> AsyncIterator[Embedder]:
    async with await Embedder.load(int8_folder) as embedder:
        yield embedder


@pytest.fixture
async def float32(model_folder: Path) -> AsyncIterator[Embedder]:
    async with await Embedder.load(model_folder) as embedder:
        yield embedder


def cosines(some: Vectors, others: Vectors) -> Vectors:
    products = (some * others).sum(axis=1)
    return np.asarray(products / np.linalg.norm(some, axis=1) / np.linalg.norm(others, axis=1), np.float32)


async def test_texts_and_pieces_mean_nearly_the_same(int8: Embedder, float32: Embedder) -> None:
    of_texts = cosines(await int8.embed(TEXTS), await float32.embed(TEXTS))
    assert of_texts.mean() > 0.995
    assert of_texts.min() > 0.985
    spans, pieces = await int8.pieces(" ".join(TEXTS))
    same_spans, same_pieces = await float32.pieces(" ".join(TEXTS))
    assert spans == same_spans
    assert cosines(pieces, same_pieces).mean() > 0.985


async def test_a_vector_does_not_depend_on_the_other_texts_of_its_batch(int8: Embedder) -> None:
    odd = ["§ ¶ 🚗🚗🚗 ++++", "A" * 500, "zzzz " * 60]
    together = await int8.embed([*TEXTS, *odd])
    alone = np.vstack([await int8.embed([text]) for text in TEXTS])
    assert cosines(together[: len(TEXTS)], alone).min() > 0.9999
