"""Making recordings for tests: from samples to files of any format."""

import io
import wave
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from nlp2filters.audio.decoding import SAMPLE_RATE, Recording, Samples, decode


def tone(seconds: float, *, hertz: float = 440.0, rate: int = SAMPLE_RATE) -> Samples:
    """A sine."""
    times = np.arange(round(seconds * rate)) / rate
    return (8_000 * np.sin(2 * np.pi * hertz * times)).astype(np.int16)


def silence(seconds: float) -> Samples:
    return np.zeros(round(seconds * SAMPLE_RATE), dtype=np.int16)


def wav(samples: NDArray[np.int16], *, rate: int = SAMPLE_RATE) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(samples.tobytes())
    return file.getvalue()


def encoded(
    samples: Samples,
    container: str,
    codec: str,
    *,
    rate: int = SAMPLE_RATE,
    bit_rate: int = 64_000,
    picture: bool = False,
    title: str = "",
) -> bytes:
    """The samples in a container, by an encoder of FFmpeg's; with a `picture`, as the sound of a video."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as out:
        out.metadata["title"] = title
        video = _picture_stream(out) if picture else None
        stream = out.add_stream(codec, rate=rate)
        assert isinstance(stream, av.AudioStream)
        stream.layout = "mono"
        stream.bit_rate = bit_rate
        if video:
            _write_pictures(out, video)
        frame = av.AudioFrame.from_ndarray(samples[np.newaxis, :], format="s16", layout="mono")
        frame.sample_rate = SAMPLE_RATE
        frame.time_base = Fraction(1, SAMPLE_RATE)
        resampler = av.AudioResampler(format=stream.format, layout="mono", rate=rate, frame_size=stream.frame_size or 0)
        for piece in (*resampler.resample(frame), *resampler.resample(None)):
            out.mux(stream.encode(piece))
        out.mux(stream.encode(None))
    return file.getvalue()


def video_without_sound() -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as out:
        _write_pictures(out, _picture_stream(out))
    return file.getvalue()


def decoded(content: bytes, folder: Path, *, max_seconds: float = 7_200) -> Recording:
    with (folder / "samples").open("wb") as samples:
        return decode(io.BytesIO(content), samples, max_seconds=max_seconds)


def read_wav(file: Path) -> Samples:
    """The samples of a file, at 16 kHz."""
    target = io.BytesIO(file.read_bytes())
    with av.open(target, "r") as container:
        resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
        frames = [piece for frame in container.decode(audio=0) for piece in resampler.resample(frame)]
        frames += resampler.resample(None)
    return np.concatenate([frame.to_ndarray()[0] for frame in frames])


def _picture_stream(out: "av.container.OutputContainer") -> "av.VideoStream":
    stream = out.add_stream("mpeg4", rate=10)
    stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
    return stream


def _write_pictures(out: "av.container.OutputContainer", stream: "av.VideoStream") -> None:
    for _ in range(10):
        out.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")))
    out.mux(stream.encode(None))
