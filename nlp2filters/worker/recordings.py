"""The services of an audio worker: what transcribes, and decoded recordings. Only that worker has the libraries."""

import asyncio
import shutil
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Protocol

import anyio

from nlp2filters.audio import pauses
from nlp2filters.audio.api_transcriber import ApiTranscriber
from nlp2filters.audio.decoding import Recording, Samples
from nlp2filters.audio.pauses import Span
from nlp2filters.audio.weights import WHISPER
from nlp2filters.core.transcripts import Transcript
from nlp2filters.core.usage import PriceTable
from nlp2filters.errors import BlobGone, RecordingRefused
from nlp2filters.llm import opening
from nlp2filters.settings import Settings
from nlp2filters.storage.blobs.store import Blobs, open_blobs
from nlp2filters.storage.store import Store
from nlp2filters.worker.decoding import decoded
from nlp2filters.worker.provider_calls import HOLD_S, count_call
from nlp2filters.worker.shared_gates import sharing

# More than the worker's slots; an hour takes 115 MB of disk.
MAX_DECODED = 8


class Recordings:
    """Uploaded recordings, of which the last few are kept decoded, as every part of a recording needs it."""

    def __init__(self, blobs: Blobs, folder: Path, max_seconds: float) -> None:
        self._blobs = blobs
        self._folder = folder
        self._max_seconds = max_seconds
        self._decoded: dict[tuple[str, str], Recording] = {}
        self._lock = asyncio.Lock()

    async def open(self, owner: str, digest: str) -> Recording:
        """Load and decode a recording.

        Raises:
            RecordingRefused: it is no recording, has no sound, is too long, or is no longer kept.
        """
        async with self._lock:
            key = owner, digest
            if (recording := self._decoded.pop(key, None)) is None:
                recording = await self._decode(owner, digest)
            self._decoded[key] = recording
            for oldest in [*self._decoded][:-MAX_DECODED]:
                await asyncio.to_thread(shutil.rmtree, self._decoded.pop(oldest).file.parent)
            return recording

    async def _decode(self, owner: str, digest: str) -> Recording:
        folder = Path(await asyncio.to_thread(tempfile.mkdtemp, dir=self._folder))
        try:
            async with await anyio.open_file(folder / "upload", "wb") as file:
                async for chunk in self._blobs.read(owner, digest):
                    await file.write(chunk)
            recording = await decoded(folder / "upload", folder / "samples", self._max_seconds)
        except BlobGone as exc:
            await asyncio.to_thread(shutil.rmtree, folder)
            raise RecordingRefused("The recording is no longer kept. Send it again.") from exc
        except BaseException:
            await asyncio.to_thread(shutil.rmtree, folder)
            raise
        await anyio.Path(folder / "upload").unlink()
        return recording


class Transcribes(Protocol):
    """A transcriber: the model on this machine, or an API. Results are kept under its `name`."""

    name: str

    async def transcribe(
        self,
        samples: Samples,
        *,
        language: str | None = None,
        names: Sequence[str] = (),
        words: bool = False,
        spent: Counter[str] | None = None,
    ) -> Transcript:
        """Transcribe up to 30 seconds of speech. `spent` gets the usage of an API's calls."""


@dataclass(frozen=True, slots=True)
class AudioServices:
    """A transcriber, the recordings, the search for speech in them, and the prices of APIs."""

    transcriber: Transcribes
    recordings: Recordings
    find_parts: Callable[[Recording], Iterable[Span]]
    prices: PriceTable
    max_daily_micros: int

    async def parts(self, recording: Recording) -> Sequence[Span]:
        """Find the stretches of speech, in order."""
        return await asyncio.to_thread(lambda: list(self.find_parts(recording)))


@asynccontextmanager
async def open_services(settings: Settings, store: Store) -> AsyncIterator[AudioServices]:
    """Open what transcribes, and make a folder for decoded recordings."""
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="nlp2filters-audio-"))
        transcriber = await stack.enter_async_context(open_transcriber(settings))
        if isinstance(transcriber, ApiTranscriber):
            transcriber.report_calls(partial(count_call, store))
            await stack.enter_async_context(sharing(transcriber.gate, store.providers))
        blobs = await stack.enter_async_context(open_blobs(settings, store.redis, store.keys))
        recordings = Recordings(blobs, Path(folder), settings.max_recording_s)
        yield AudioServices(
            transcriber, recordings, part_finder(settings), settings.llm_prices, settings.max_daily_micros
        )


@asynccontextmanager
async def open_transcriber(settings: Settings, *, progress: bool = False) -> AsyncIterator[Transcribes]:
    """Open the speech API, or load the speech model, which is fetched if it is not on this machine.

    Raises:
        ModelUnavailable: no source has the model.
    """
    if settings.transcription:
        config = replace(settings.transcription, patience_s=HOLD_S)
        async with ApiTranscriber(opening.create_transcriptions(config)) as api:
            yield api
        return
    from nlp2filters.audio.transcriber import Transcriber  # An API needs none of its libraries.

    model = await asyncio.to_thread(WHISPER.locate, settings.audio_model_path, settings.model_cache, progress=progress)
    async with await Transcriber.load(model, threads=settings.audio_threads) as transcriber:
        yield transcriber


def part_finder(settings: Settings) -> Callable[[Recording], Iterable[Span]]:
    """Return the search for speech by a model; for an API without that model's library, the cutting in pauses."""
    try:
        from nlp2filters.audio.cutting import find_parts
    except ModuleNotFoundError:
        if not settings.transcription:
            raise
        return pauses.find_parts
    return find_parts
