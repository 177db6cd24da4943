"""Whisper on a thread of its own, so that the event loop never waits for it."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from faster_whisper import WhisperModel

from nlp2filters.audio.decoding import Samples
from nlp2filters.core.transcripts import Segment, Transcript, Word, is_made_up, prompt_of
from nlp2filters.errors import ModelUnavailable

# The results of parts are kept under this name: a new number when they would come out differently.
NAME = "whisper-base 1"


class Transcriber:
    """The loaded model: use `async with await Transcriber.load(folder)`, or call `close()` when done."""

    name = NAME

    def __init__(self, model: WhisperModel, executor: ThreadPoolExecutor) -> None:
        self._model = model
        self._executor = executor

    @classmethod
    async def load(cls, folder: Path, *, threads: int = 1) -> Self:
        """Load the model in `folder`, for one part at a time on that many cores.

        Raises:
            ModelUnavailable: the files in the folder are not the model's.
        """
        executor = ThreadPoolExecutor(1, thread_name_prefix="transcriber")
        try:
            model = await asyncio.get_running_loop().run_in_executor(executor, _load, folder, threads)
        except Exception as exc:
            executor.shutdown(wait=False)
            raise ModelUnavailable(f"The speech model in {folder} cannot be loaded: {exc}") from exc
        return cls(model, executor)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Let the running part end, drop the waiting ones, and end the thread."""
        await asyncio.to_thread(self._executor.shutdown, cancel_futures=True)

    async def transcribe(
        self,
        samples: Samples,
        *,
        language: str | None = None,
        names: Sequence[str] = (),
        words: bool = False,
        spent: Counter[str] | None = None,
    ) -> Transcript:
        """Transcribe up to 30 seconds of speech.

        Without a `language` (a code of two letters), the model finds it out. `names` are words to expect; with `words`,
        the segments have the times of their words. `spent` stays as it is: only an API's calls are counted.
        """
        loop = asyncio.get_running_loop()
        prompt = prompt_of(names) or None
        return await loop.run_in_executor(self._executor, _transcribe, self._model, samples, language, prompt, words)


def _load(folder: Path, threads: int) -> WhisperModel:
    return WhisperModel(
        str(folder), device="cpu", compute_type="int8", cpu_threads=threads, num_workers=1, local_files_only=True
    )


def _transcribe(
    model: WhisperModel, samples: Samples, language: str | None, prompt: str | None, words: bool
) -> Transcript:
    segments, info = model.transcribe(
        samples.astype(np.float32) / 32768,
        language=language,
        hotwords=prompt,
        word_timestamps=words,
        # Each part is transcribed by itself, so that the text does not depend on which parts came before.
        condition_on_previous_text=False,
        temperature=0.0,
    )
    spoken = []
    for segment in segments:
        text = segment.text.strip()
        if text and not is_made_up(segment.no_speech_prob, segment.avg_logprob):
            timed = tuple(
                Word(word.word.strip(), word.start, word.end, word.probability) for word in segment.words or ()
            )
            spoken.append(Segment(text, segment.start, segment.end, timed))
    return Transcript(info.language, tuple(spoken))
