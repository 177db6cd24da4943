"""The speech model, and recordings of people."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from nlp2filters.audio.transcriber import Transcriber
from nlp2filters.audio.weights import WHISPER
from tools import recordings
from tools.recordings import Recording


@pytest.fixture(scope="session")
def speech_model() -> Path:
    """The real model, from the user's cache or fetched into it."""
    return WHISPER.locate(progress=False)


@pytest.fixture
async def transcriber(speech_model: Path) -> AsyncIterator[Transcriber]:
    async with await Transcriber.load(speech_model) as transcriber:
        yield transcriber


@pytest.fixture(scope="session")
def people() -> list[Recording]:
    """Recordings of people with what they read."""
    if not (spoken := recordings.locate()):
        pytest.skip("there are no recordings here: see tools/recordings.py")
    return spoken
