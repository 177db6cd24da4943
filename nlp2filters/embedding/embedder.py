"""Text embedding: fastembed on separate threads, so that the event loop never waits for it."""

import asyncio
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self, TypeAlias

import numpy as np
from fastembed import TextEmbedding
from fastembed.common.onnx_model import OnnxOutputContext
from fastembed.common.utils import mean_pooling, normalize
from fastembed.text.onnx_text_model import OnnxTextModel
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from nlp2filters.core.embedding_model import MODEL
from nlp2filters.embedding.batches import Batches, Network
from nlp2filters.errors import ModelUnavailable

DIMENSIONS = 384
BATCH = 32
# More texts of different callers in a batch would save no more time, and let each wait longer.
SHARED = 8
BACKGROUND_NICENESS = 5

Vectors: TypeAlias = NDArray[np.float32]


class Embedder:
    """The loaded model: use `async with await Embedder.load(folder)`, or call `close()` when done.

    What is embedded in the background has threads of its own, so that a text for which somebody waits is not queued
    behind a large job's chunks, and gets most of a core that both need.
    """

    def __init__(self, network: Network, executor: ThreadPoolExecutor, background: ThreadPoolExecutor) -> None:
        self._executors = executor, background
        self._calls = Batches(network, executor, most=SHARED)
        self._background = Batches(network, background, most=1)

    @classmethod
    async def load(cls, folder: Path, *, workers: int = 1) -> Self:
        """Load the model in `folder`.

        Up to `workers` batches are then embedded at once, each on one core, and as many in the background.

        Raises:
            ModelUnavailable: the files in the folder are not the model's.
        """
        executor = ThreadPoolExecutor(workers, thread_name_prefix="embedder")
        try:
            network = await asyncio.get_running_loop().run_in_executor(executor, _load, folder)
        except Exception as exc:
            executor.shutdown(wait=False)
            raise ModelUnavailable(f"The model in {folder} cannot be loaded: {exc}") from exc
        return cls(network, executor, ThreadPoolExecutor(workers, "embedder-background", initializer=_give_way))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Let the running batches end, drop the waiting ones, and end the threads."""
        for calls in (self._calls, self._background):
            calls.cancel()
        for executor in self._executors:
            await asyncio.to_thread(executor.shutdown, cancel_futures=True)

    async def embed(self, texts: Sequence[str], *, background: bool = False) -> Vectors:
        """Embed the texts as unit vectors of shape (n, 384), in order. Words past the 256th token are cut.

        Batches hold texts of similar length, so that little time is spent on padding; callers take turns by batch.
        In the `background`, long texts leave room for other callers. They are embedded one by one: without padding they
        take two thirds of the time, no vector depends on its neighbours, and what is canceled ends at once.
        """
        calls, size = (self._background, 1) if background else (self._calls, BATCH)
        vectors = np.empty((len(texts), DIMENSIONS), np.float32)
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        batches = [order[i : i + size] for i in range(0, len(order), size)]
        for batch in batches:
            vectors[batch] = await calls.run([texts[i] for i in batch], _pooled)
        return vectors

    async def pieces(self, text: str) -> tuple[list[tuple[int, int]], Vectors]:
        """Embed the text's word pieces. Returns their (start, end) in code points, and vectors of shape (n, 384).

        Each vector depends on the whole text. Pieces past the 254th are cut.
        """
        return await self._calls.run([text], _pieces)


def _load(folder: Path) -> Network:
    # This limits the whole process: for products as small as the tagger's, a second thread only causes waiting.
    threadpool_limits(1, "blas")
    network = TextEmbedding(MODEL, specific_model_path=str(folder), threads=1).model
    assert isinstance(network, OnnxTextModel)
    return network


def _give_way() -> None:
    """Let other threads go first. Only Linux has priorities of threads; elsewhere this would be the whole process."""
    if sys.platform == "linux":
        os.nice(BACKGROUND_NICENESS)


def _pooled(_: Network, texts: Sequence[str], output: OnnxOutputContext) -> Vectors:
    assert output.attention_mask is not None
    return np.asarray(normalize(mean_pooling(output.model_output, output.attention_mask)), np.float32)


def _pieces(network: Network, texts: Sequence[str], output: OnnxOutputContext) -> tuple[list[tuple[int, int]], Vectors]:
    (encoding,) = network.tokenize(list(texts))
    places = [at for at, special in enumerate(encoding.special_tokens_mask) if not special]
    return [encoding.offsets[at] for at in places], np.asarray(output.model_output[0][places], np.float32)
