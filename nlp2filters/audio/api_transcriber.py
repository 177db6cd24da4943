"""Transcribing by an API instead of the model on this machine."""

import io
import wave
from collections import Counter
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from nlp2filters.audio.decoding import SAMPLE_RATE, Samples
from nlp2filters.core.transcripts import Transcript
from nlp2filters.llm.gate import Gate
from nlp2filters.llm.transcriptions import Sound, TranscriptionCalls


class ApiTranscriber:
    """A speech model behind an API. Open it with `async with`."""

    def __init__(self, calls: TranscriptionCalls) -> None:
        self.provider, self.model = calls.name, calls.model
        self.name = f"{calls.name}/{calls.model}"
        self._calls = calls

    async def __aenter__(self) -> Self:
        await self._calls.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._calls.__aexit__(kind, exc, trace)

    @property
    def gate(self) -> Gate:
        """The gate that its calls pass."""
        return self._calls.gate

    async def transcribe(
        self,
        samples: Samples,
        *,
        language: str | None = None,
        names: Sequence[str] = (),
        words: bool = False,
        spent: Counter[str] | None = None,
    ) -> Transcript:
        """Transcribe up to 30 seconds of speech, as `Transcriber.transcribe` does. `spent` gets the usage of the calls.

        Raises:
            ProviderError: the API gave no usable answer.
        """
        sound = Sound(_wav(samples), len(samples) / SAMPLE_RATE)
        return await self._calls.transcribe(
            sound, language=language, names=names, words=words, spent=Counter() if spent is None else spent
        )


def _wav(samples: Samples) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(samples.itemsize)
        out.setframerate(SAMPLE_RATE)
        out.writeframes(samples.tobytes())
    return file.getvalue()
