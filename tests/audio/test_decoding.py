"""Whatever people record comes out as samples at 16 kHz; what is no recording gets a clear answer."""

import io
import os
import struct
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest

from nlp2filters.audio.decoding import SAMPLE_RATE
from nlp2filters.errors import RecordingRefused
from tests.audio.sounds import decoded, encoded, silence, tone, video_without_sound, wav

MAX_RSS_KB = 300_000


def pitch(samples: np.ndarray) -> float:
    """The loudest frequency in Hz."""
    return float(np.abs(np.fft.rfft(samples.astype(float))).argmax() * SAMPLE_RATE / len(samples))


@pytest.mark.parametrize(
    ("container", "codec", "rate"),
    [
        ("wav", "pcm_s16le", 16_000),
        ("wav", "pcm_s24le", 44_100),
        ("wav", "pcm_u8", 8_000),
        ("wav", "pcm_f32le", 48_000),
        ("mp3", "libmp3lame", 44_100),
        ("mp4", "aac", 44_100),
        ("ogg", "libopus", 48_000),
        ("webm", "libopus", 48_000),
        ("flac", "flac", 16_000),
    ],
)
def test_every_common_format_is_read(container: str, codec: str, rate: int, tmp_path: Path) -> None:
    recording = decoded(encoded(tone(2), container, codec, rate=rate), tmp_path)
    assert recording.seconds == pytest.approx(2, abs=0.1)
    assert pitch(recording.read(0.5, 1.5)) == pytest.approx(440, abs=2)


def test_the_sound_of_a_video_is_read(tmp_path: Path) -> None:
    recording = decoded(encoded(tone(1), "mp4", "aac", rate=44_100, picture=True), tmp_path)
    assert pitch(recording.read(0.2, 0.8)) == pytest.approx(440, abs=2)


def test_stereo_becomes_one_channel(tmp_path: Path) -> None:
    file, both = io.BytesIO(), np.repeat(tone(1, rate=8_000), 2)
    with wave.open(file, "wb") as out:
        out.setnchannels(2)
        out.setsampwidth(2)
        out.setframerate(8_000)
        out.writeframes(both.tobytes())
    recording = decoded(file.getvalue(), tmp_path)
    assert recording.seconds == pytest.approx(1, abs=0.01)
    assert pitch(recording.read(0, 1)) == pytest.approx(440, abs=2)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no recording"),
        (b"A letter that somebody has named letter.wav, as one does. " * 50, "no recording"),
        (b"%PDF-1.7\n" + bytes(range(256)) * 20, "no recording"),
        (wav(silence(1))[:40], "no recording|no sound"),
        (wav(silence(0)), "no sound"),
        (b"\xff\xd8\xff\xe0" + bytes(500), "no recording|no sound"),
    ],
    ids=["empty", "text", "pdf", "half a header", "no samples", "picture"],
)
def test_what_is_no_recording_is_refused(content: bytes, reason: str, tmp_path: Path) -> None:
    with pytest.raises(RecordingRefused, match=reason):
        decoded(content, tmp_path)


def test_a_video_without_sound_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordingRefused, match="no sound"):
        decoded(video_without_sound(), tmp_path)


def test_a_recording_that_breaks_off_gives_what_came_before(tmp_path: Path) -> None:
    content = encoded(tone(10), "mp3", "libmp3lame", rate=44_100)
    recording = decoded(content[: len(content) // 2], tmp_path)
    assert 4 < recording.seconds < 6
    assert pitch(recording.read(1, 3)) == pytest.approx(440, abs=2)


def test_damage_in_the_middle_does_not_lose_what_comes_after(tmp_path: Path) -> None:
    content = encoded(tone(10), "mp3", "libmp3lame", rate=44_100)
    third = len(content) // 3
    recording = decoded(content[:third] + os.urandom(2_000) + content[third + 2_000 :], tmp_path)
    assert recording.seconds > 8
    assert pitch(recording.read(recording.seconds - 2, recording.seconds - 1)) == pytest.approx(440, abs=2)


def test_reading_beyond_the_end_gives_what_there_is(tmp_path: Path) -> None:
    recording = decoded(wav(tone(1)), tmp_path)
    assert len(recording.read(0.5, 9)) == SAMPLE_RATE // 2
    assert len(recording.read(2, 3)) == 0


FOUR_HOURS = """
import sys
from pathlib import Path
from nlp2filters.audio.decoding import decode
from nlp2filters.errors import RecordingRefused
try:
    with open(sys.argv[1], "rb") as file, open(sys.argv[2], "wb") as samples:
        decode(file, samples, max_seconds=7200)
except RecordingRefused as exc:
    print(exc)
print(next(line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")))
"""


def test_four_hours_are_refused_in_little_memory(tmp_path: Path) -> None:
    size = 4 * 3_600 * 8_000
    file = tmp_path / "long.wav"
    form = (16, 1, 1, 8_000, 8_000, 1, 8)  # 8-bit samples of one channel at 8 kHz
    header = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", size + 36, b"WAVE", b"fmt ", *form, b"data", size)
    file.write_bytes(header)
    os.truncate(file, size + len(header))  # The file is sparse.
    command = [sys.executable, "-c", FOUR_HOURS, str(file), str(tmp_path / "samples")]
    message, rss_kb = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    assert "longer than 120 minutes" in message
    assert int(rss_kb) < MAX_RSS_KB


def test_the_limit_is_of_time_not_of_bytes(tmp_path: Path) -> None:
    content = encoded(silence(20), "ogg", "libopus", rate=48_000)
    with pytest.raises(RecordingRefused, match="longer than"):
        decoded(content, tmp_path, max_seconds=10)
