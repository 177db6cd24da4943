"""Embedding with the real model."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from nlp2filters.embedding.embedder import DIMENSIONS, Embedder
from nlp2filters.errors import ModelUnavailable


@pytest.fixture
async def embedder(model_folder: Path) -> AsyncIterator[Embedder]:
    embedder = await Embedder.load(model_folder, workers=2)
    yield embedder
    await embedder.close()


async def test_vectors_have_unit_length(embedder: Embedder) -> None:
    vectors = await embedder.embed(["hello world", "", "ünï©ödé 🚗", "a " * 2000])
    assert vectors.shape == (4, DIMENSIONS)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


async def test_pieces_stand_where_their_words_do(embedder: Embedder) -> None:
    text = "Ünïted Zaxbys 🚗 4.5"
    spans, vectors = await embedder.pieces(text)
    assert vectors.shape == (len(spans), DIMENSIONS)
    said = [text[start:end] for start, end in spans]
    assert said[0] == "Ünïted"
    assert "".join(said).replace(" ", "") == text.replace(" ", "")


async def test_pieces_of_nothing_and_of_too_much(embedder: Embedder) -> None:
    assert (await embedder.pieces(""))[1].shape == (0, DIMENSIONS)
    spans, vectors = await embedder.pieces("word " * 900)
    assert len(spans) == len(vectors) == 254


async def test_a_piece_is_read_in_its_text(embedder: Embedder) -> None:
    (_, river), (_, money) = [await embedder.pieces(f"the bank of {of}") for of in ("the river", "england")]
    assert not np.allclose(river[1], money[1], atol=0.05)


async def test_nothing_gives_nothing(embedder: Embedder) -> None:
    assert (await embedder.embed([])).shape == (0, DIMENSIONS)


async def test_a_text_has_one_vector_whatever_its_neighbours(embedder: Embedder) -> None:
    texts = [f"{'word ' * (i % 40)}number {i}" for i in range(100)]
    together = await embedder.embed(texts)
    alone = np.vstack([await embedder.embed([text]) for text in texts[::10]])
    np.testing.assert_allclose(together[::10], alone, atol=1e-5)


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        ("how much it costs", "price"),
        ("fuel consumption", "miles per gallon"),
        ("where it was made", "country of origin"),
        ("film maker", "director"),
        ("how long it lasts", "duration"),
    ],
)
async def test_a_paraphrase_is_nearest(embedder: Embedder, text: str, nearest: str) -> None:
    names = ["price", "miles per gallon", "country of origin", "director", "duration", "colour", "weight"]
    vectors = await embedder.embed([text, *names])
    assert names[int(np.argmax(vectors[1:] @ vectors[0]))] == nearest


async def test_the_loop_goes_on_meanwhile(embedder: Embedder) -> None:
    work = asyncio.ensure_future(embedder.embed(["some words to embed"] * 200))
    ticks = 0
    while not work.done():
        await asyncio.sleep(0)
        ticks += 1
    assert ticks > 100


async def test_who_waits_is_not_queued_behind_the_background(embedder: Embedder) -> None:
    texts = [f"{number} " + "word " * 200 for number in range(20)]
    background = [asyncio.create_task(embedder.embed([text], background=True)) for text in texts]
    await asyncio.sleep(0)  # All of them are queued.
    await embedder.embed(["short"])
    assert not all(task.done() for task in background)
    await asyncio.gather(*background)


async def test_the_background_gives_the_same_vectors(embedder: Embedder) -> None:
    texts = ["hello world", "a " * 300, "ünï©ödé 🚗"]
    vectors, others = await embedder.embed(texts), await embedder.embed(texts, background=True)
    np.testing.assert_allclose(vectors, others, atol=1e-5)


async def test_broken_weights_are_an_error_at_once(model_folder: Path, tmp_path: Path) -> None:
    broken = tmp_path / "model"
    shutil.copytree(model_folder, broken)
    weights = max(broken.iterdir(), key=lambda file: file.stat().st_size)
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ModelUnavailable, match="cannot be loaded"):
        await Embedder.load(broken)
