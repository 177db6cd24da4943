"""Transcribing by an API instead of the model on this machine."""

import io
import wave
from collections import Counter
from collections.abc import Sequence

from nlp2filters.audio.decoding import SAMPLE_RATE, Samples
from nlp2filters.core.transcripts import Transcript
from nlp2filters.llm.model_api import ModelAPI
from nlp2filters.llm.transcriptions import Sound, TranscriptionCalls


class ApiTranscriber(ModelAPI[TranscriptionCalls]):
    """A speech model behind an API. Open it with `async with`."""

    def __init__(self, calls: TranscriptionCalls) -> None:
        super().__init__(calls)
        self.name = f"{calls.name}/{calls.model}"

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
