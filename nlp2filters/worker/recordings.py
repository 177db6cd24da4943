"""The services of an audio worker: the speech model, and decoded recordings. Only that worker has its libraries."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import anyio

from nlp2filters.audio.cutting import Span, find_parts
from nlp2filters.audio.decoding import Recording
from nlp2filters.audio.transcriber import Transcriber
from nlp2filters.audio.transcripts import Transcript
from nlp2filters.audio.weights import WHISPER
from nlp2filters.errors import BlobGone, RecordingRefused
from nlp2filters.settings import Settings
from nlp2filters.storage.blobs.store import Blobs, open_blobs
from nlp2filters.storage.store import Store
from nlp2filters.worker.reading.recording import decoded

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


class AudioServices:
    """The speech model, and the recordings."""

    def __init__(self, transcriber: Transcriber, recordings: Recordings) -> None:
        self._transcriber = transcriber
        self.recordings = recordings

    async def parts(self, recording: Recording) -> Sequence[Span]:
        """Find the stretches of speech, in order."""
        return await asyncio.to_thread(lambda: list(find_parts(recording)))

    async def transcribe(
        self,
        recording: Recording,
        start_s: float,
        end_s: float,
        language: str | None,
        names: Sequence[str],
        *,
        words: bool,
    ) -> Transcript:
        """Transcribe the part between two times; the times of the transcript begin with it."""
        samples = await asyncio.to_thread(recording.read, start_s, end_s)
        return await self._transcriber.transcribe(samples, language=language, names=names, words=words)


@asynccontextmanager
async def open_services(settings: Settings, store: Store) -> AsyncIterator[AudioServices]:
    """Load the speech model, and make a folder for decoded recordings."""
    model = await asyncio.to_thread(WHISPER.locate, settings.audio_model_path, settings.model_cache, progress=False)
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="nlp2filters-audio-"))
        transcriber = await stack.enter_async_context(await Transcriber.load(model, threads=settings.audio_threads))
        blobs = await stack.enter_async_context(open_blobs(settings, store.redis, store.keys))
        yield AudioServices(transcriber, Recordings(blobs, Path(folder), settings.max_recording_s))
