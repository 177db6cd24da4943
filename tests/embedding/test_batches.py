"""Batches of calls that wait together, with the real model."""

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastembed import TextEmbedding
from fastembed.common.onnx_model import OnnxOutputContext

from nlp2filters.core.embedding_model import MODEL
from nlp2filters.embedding.batches import Batches, Network

MOST = 4


class Recorded:
    """The network, which notes the texts of each batch, and waits at its first until it is let go."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self.batches: list[Sequence[str]] = []
        self.go = threading.Event()

    def onnx_embed(self, texts: list[str]) -> OnnxOutputContext:
        self.batches.append(texts)
        assert self.go.wait(60)
        return self._network.onnx_embed(texts)


def first_vectors(_: Network, texts: Sequence[str], output: OnnxOutputContext) -> Any:
    """The vector of the first token of each text, which depends on all of it."""
    assert len(texts) == len(output.model_output)
    return output.model_output[:, 0]


@pytest.fixture(scope="module")
def network(model_folder: Path) -> Network:
    return TextEmbedding(MODEL, specific_model_path=str(model_folder), threads=1).model  # type: ignore[return-value]


@pytest.fixture
def recorded(network: Network) -> Recorded:
    return Recorded(network)


@pytest.fixture
async def batches(recorded: Recorded) -> AsyncIterator[Batches]:
    executor = ThreadPoolExecutor(1)
    yield Batches(recorded, executor, most=MOST)  # type: ignore[arg-type]
    recorded.go.set()
    await asyncio.to_thread(executor.shutdown)


async def start(batches: Batches, *calls: Sequence[str]) -> list[asyncio.Task[Any]]:
    """Queue calls one after the other."""
    tasks = []
    for texts in calls:
        tasks.append(asyncio.create_task(batches.run(texts, first_vectors)))
        await asyncio.sleep(0)
    return tasks


async def begun(recorded: Recorded) -> None:
    """Wait until the first batch runs, so that what comes now has to wait."""
    async with asyncio.timeout(60):
        while not recorded.batches:
            await asyncio.sleep(0.001)


async def test_calls_that_wait_share_a_batch(batches: Batches, recorded: Recorded, network: Network) -> None:
    (first,) = await start(batches, ["red cars"])
    await begun(recorded)
    waiting = ["green cars", "fast cars", "new cars", "old cars", "slow cars"]
    tasks = await start(batches, *([text] for text in waiting))
    recorded.go.set()
    vectors = await asyncio.gather(first, *tasks)
    assert recorded.batches == [["red cars"], waiting[:MOST], waiting[MOST:]]
    for text, vector in zip(["red cars", *waiting], vectors, strict=True):
        alone = first_vectors(network, [text], network.onnx_embed([text]))
        np.testing.assert_allclose(vector, alone, atol=1e-5)


async def test_a_call_keeps_its_texts_together_and_in_order(batches: Batches, recorded: Recorded) -> None:
    await start(batches, ["red cars"])
    await begun(recorded)
    tasks = await start(batches, ["a", "b", "c"], ["d", "e"], ["f"], list("ghijkl"))
    recorded.go.set()
    assert [len(vectors) for vectors in await asyncio.gather(*tasks)] == [3, 2, 1, 6]
    assert recorded.batches[1:] == [["a", "b", "c", "f"], ["d", "e"], list("ghijkl")]


async def test_a_short_text_is_not_padded_to_a_long_one(batches: Batches, recorded: Recorded) -> None:
    await start(batches, ["red cars"])
    await begun(recorded)
    long = "word " * 200
    tasks = await start(batches, [long], ["green cars"], [long + "more"])
    recorded.go.set()
    await asyncio.gather(*tasks)
    assert recorded.batches[1:] == [[long, long + "more"], ["green cars"]]


async def test_whoever_is_cancelled_costs_nothing(batches: Batches, recorded: Recorded) -> None:
    await start(batches, ["red cars"])
    await begun(recorded)
    cancelled, other = await start(batches, ["green cars"], ["blue cars"])
    cancelled.cancel()
    await asyncio.sleep(0)
    recorded.go.set()
    assert len(await other) == 1
    assert recorded.batches[1:] == [["blue cars"]]


async def test_an_error_is_that_of_one_call(batches: Batches, recorded: Recorded) -> None:
    await start(batches, ["red cars"])
    await begun(recorded)
    tasks = await start(batches, ["green cars"], [b"no text"], ["blue cars"])  # type: ignore[list-item]
    recorded.go.set()
    green, error, blue = await asyncio.gather(*tasks, return_exceptions=True)
    assert len(recorded.batches[1]) == 3
    assert isinstance(error, TypeError)
    assert [type(vectors) for vectors in (green, blue)] == [np.ndarray] * 2


async def test_what_waits_can_be_cancelled(batches: Batches, recorded: Recorded) -> None:
    (running,) = await start(batches, ["red cars"])
    await begun(recorded)
    (waiting,) = await start(batches, ["green cars"])
    batches.cancel()
    recorded.go.set()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert len(await running) == 1
