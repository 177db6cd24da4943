"""Decoding recordings: whatever FFmpeg's libraries read, as 16-bit samples of one channel at 16 kHz."""

import pkgutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from itertools import chain
from pathlib import Path
from typing import BinaryIO

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from numpy.typing import NDArray

from nlp2filters.errors import RecordingRefused

SAMPLE_RATE = 16_000
# Containers that people record in. FFmpeg's others include playlists, which name files and addresses to open.
CONTAINERS = (
    "aac", "aiff", "amr", "asf", "au", "avi", "caf", "flac", "flv", "matroska", "mov", "mp3", "mpeg", "mpegts", "ogg",
    "w64", "wav", "wv",
)  # fmt: skip
Samples = NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Recording:
    """A decoded recording in a file of raw samples, which is mapped and not read whole."""

    file: Path
    samples: int

    @property
    def seconds(self) -> float:
        """The length in seconds."""
        return self.samples / SAMPLE_RATE

    def read(self, start_s: float, end_s: float) -> Samples:
        """Return the samples from `start_s` to `end_s`, as far as there are any."""
        start, end = round(start_s * SAMPLE_RATE), min(round(end_s * SAMPLE_RATE), self.samples)
        if start >= end:
            return np.zeros(0, dtype=np.int16)
        return np.array(np.memmap(self.file, dtype=np.int16, mode="r", offset=2 * start, shape=(end - start,)))


def load_libraries() -> None:
    """Load the modules that PyAV loads only when a file needs them, for a process that may open nothing later."""
    for module in pkgutil.walk_packages(av.__path__, "av."):
        if module.name.endswith((".stream", ".codeccontext", ".frame", ".packet", ".context")):
            import_module(module.name)


def decode(source: BinaryIO, target: BinaryIO, *, max_seconds: float) -> Recording:
    """Decode the sound of a recording or a video into `target`, a file with a name, a second at a time.

    Damaged places are left out, and a recording that breaks off gives what came before.

    Raises:
        RecordingRefused: it has no sound, is no recording, or is longer than `max_seconds`.
    """
    try:
        options = {"format_whitelist": ",".join(CONTAINERS)}
        container = av.open(source, mode="r", metadata_errors="ignore", options=options)
    except (av.FFmpegError, ValueError) as exc:
        detail = f"The file is no recording that can be read ({_reason(exc)}). Send wav, mp3 or m4a."
        raise RecordingRefused(detail) from exc
    with container:
        if not container.streams.audio:
            raise RecordingRefused("The file has no sound. Send a recording, or a video with an audio track.")
        count = _write(container, target, round(max_seconds * SAMPLE_RATE))
    if not count:
        raise RecordingRefused("The recording has no sound that can be decoded. Record it anew, or convert it to wav.")
    return Recording(Path(target.name), count)


def _write(container: "av.container.InputContainer", target: BinaryIO, max_samples: int) -> int:
    """Write the samples and return their number."""
    resampler = AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
    count = 0
    for frame in chain(_frames(container), [None]):
        for resampled in resampler.resample(frame):
            samples = resampled.to_ndarray()
            count += samples.shape[-1]
            target.write(samples.tobytes())
        if count > max_samples:
            limit = max_samples / SAMPLE_RATE / 60
            raise RecordingRefused(f"The recording is longer than {limit:g} minutes. Send it in pieces.")
    target.flush()
    return count


def _frames(container: "av.container.InputContainer") -> Iterator[AudioFrame]:
    """Yield the frames of the first audio track. Damaged ones are left out, as the others are worth having."""
    packets = container.demux(audio=0)
    while True:
        try:
            packet = next(packets, None)
        except av.FFmpegError:  # The rest cannot be read.
            return
        if packet is None:
            return
        with suppress(av.FFmpegError):
            yield from packet.decode()


def _reason(exc: Exception) -> str:
    return str(getattr(exc, "strerror", None) or exc)[:100]
