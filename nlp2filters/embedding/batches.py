"""Texts that wait for the network at the same time share a batch, which takes a third less time for each of them."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

from fastembed.common.onnx_model import OnnxOutputContext
from fastembed.text.onnx_text_model import OnnxTextModel

T = TypeVar("T")

Network: TypeAlias = OnnxTextModel[Any]
# Reads a call's value from the network's output for its texts, one row for each, padded to the longest of the batch.
Read: TypeAlias = Callable[[Network, Sequence[str], OnnxOutputContext], T]

# Texts are padded to the longest of their batch, by no more than this share of their characters in all.
MAX_PADDING = 0.25
# The network adds a token at both ends, which take as long as this many characters.
ENDS = 8


@dataclass(slots=True, eq=False)
class _Call(Generic[T]):
    texts: Sequence[str]
    read: Read[T]
    answer: asyncio.Future[T]

    @property
    def lengths(self) -> list[int]:
        """The characters that each text takes."""
        return [len(text) + ENDS for text in self.texts]


class Batches:
    """The calls of a network on an executor's threads. A call that finds a free thread runs at once, by itself.

    Those that wait are taken in order; with each, a thread takes others of about its length, up to `most` texts in all.
    """

    def __init__(self, network: Network, executor: Executor, *, most: int) -> None:
        self._network, self._executor, self._most = network, executor, most
        self._waiting: list[_Call[Any]] = []
        self._lock = threading.Lock()

    async def run(self, texts: Sequence[str], read: Read[T]) -> T:
        """Run the network for one or more texts. Returns what `read` makes of its output."""
        loop = asyncio.get_running_loop()
        call: _Call[T] = _Call(texts, read, loop.create_future())
        with self._lock:
            self._waiting.append(call)
        self._executor.submit(self._run_next, loop)
        return await call.answer

    def cancel(self) -> None:
        """Cancel the calls that wait."""
        with self._lock:
            for call in self._waiting:
                call.answer.cancel()

    def _run_next(self, loop: asyncio.AbstractEventLoop) -> None:
        """Run the next batch, if an earlier thread has not already taken all that was waiting."""
        if calls := self._take():
            loop.call_soon_threadsafe(_deliver, calls, self._outcomes(calls))

    def _take(self) -> Sequence[_Call[Any]]:
        with self._lock:
            waiting = [call for call in self._waiting if not call.answer.done()]
            batch = waiting[:1]
            lengths = batch[0].lengths if batch else []
            for call in waiting[1:]:
                together = [*lengths, *call.lengths]
                if len(together) <= self._most and _padding(together) <= MAX_PADDING:
                    batch.append(call)
                    lengths = together
            self._waiting = [call for call in waiting if call not in batch]
        return batch

    def _outcomes(self, calls: Sequence[_Call[Any]]) -> Sequence[Any]:
        """Return the value of each call, or its error."""
        outcomes, start = [], 0
        try:
            output = self._network.onnx_embed([text for call in calls for text in call.texts])
            for call in calls:
                rows = slice(start, start := start + len(call.texts))
                outcomes.append(call.read(self._network, call.texts, _rows(output, rows)))
        except Exception as exc:  # Each is tried alone, as the texts of one must not be the end of others.
            return [exc] if len(calls) == 1 else [self._outcomes([call])[0] for call in calls]
        return outcomes


def _padding(lengths: Sequence[int]) -> float:
    return max(lengths) * len(lengths) / sum(lengths) - 1


def _rows(output: OnnxOutputContext, rows: slice) -> OnnxOutputContext:
    assert output.attention_mask is not None
    return OnnxOutputContext(output.model_output[rows], output.attention_mask[rows])


def _deliver(calls: Sequence[_Call[Any]], outcomes: Sequence[Any]) -> None:
    for call, outcome in zip(calls, outcomes, strict=True):
        if call.answer.done():  # The caller was cancelled in the meantime.
            continue
        if isinstance(outcome, Exception):
            call.answer.set_exception(outcome)
        else:
            call.answer.set_result(outcome)
