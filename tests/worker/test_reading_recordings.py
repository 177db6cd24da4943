"""A stranger's recording is decoded in a child process: it may take little, opens nothing, and dies alone."""

import os
import signal
import socket
from pathlib import Path
from typing import Any

import pytest

from nlp2filters.errors import RecordingRefused, UploadRefused
from nlp2filters.file_reading import process
from nlp2filters.file_reading.orders import Order, sealed
from nlp2filters.worker.decoding import decoded
from tests.audio.sounds import encoded, tone, video_without_sound, wav


async def decode(content: bytes, folder: Path, *, max_seconds: float = 60) -> float:
    (folder / "upload").write_bytes(content)
    recording = await decoded(folder / "upload", folder / "samples", max_seconds)
    assert (folder / "samples").stat().st_size == 2 * recording.samples
    return recording.seconds


@pytest.mark.parametrize(
    ("container", "codec", "picture"), [("mp4", "aac", True), ("webm", "libopus", False)], ids=["video", "webm"]
)
async def test_recordings_are_decoded(container: str, codec: str, picture: bool, tmp_path: Path) -> None:
    content = encoded(tone(2), container, codec, rate=48_000, picture=picture)
    assert await decode(content, tmp_path) == pytest.approx(2, abs=0.1)


async def test_what_is_no_recording_is_refused(tmp_path: Path) -> None:
    playlist = b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"
    for content, reason in (
        (playlist, "no recording"),
        (video_without_sound(), "no sound"),
        (wav(tone(61)), "longer than 1 minute"),
    ):
        with pytest.raises(RecordingRefused, match=reason):
            await decode(content, tmp_path)


def take_memory(path: Path, report: Any) -> None:
    _ = bytearray(2**30)


def take_time(path: Path, report: Any) -> None:
    while True:
        pass


def crash(path: Path, report: Any) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def connect(path: Path, report: Any) -> str:
    with sealed():
        try:
            socket.create_connection(("127.0.0.1", 9))
        except OSError as exc:
            reason = str(exc)
    with path.open("rb"):
        return reason


@pytest.mark.parametrize(
    ("read", "reason"),
    [(take_memory, "too much memory"), (take_time, "more than 1 s"), (crash, "damaged")],
    ids=["memory", "time", "crash"],
)
async def test_a_hostile_file_kills_the_child_only(read: Any, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "upload"
    path.touch()
    with pytest.raises(UploadRefused, match=reason):
        await process.run(Order(path, read, "recording-refused", cpu_limit_s=1, memory_limit=2**29))


async def test_a_sealed_child_opens_no_connection(tmp_path: Path) -> None:
    path = tmp_path / "upload"
    path.touch()
    assert "Too many open files" in await process.run(Order(path, connect))
