"""What people say comes out as text. `make speech` tries all recordings that there are, the suite some of them."""

import asyncio
import os
import re
import time
from pathlib import Path

import numpy as np
import pytest
from rapidfuzz.distance import Levenshtein

from nlp2filters.audio.cutting import find_parts
from nlp2filters.audio.decoding import SAMPLE_RATE, Samples
from nlp2filters.audio.transcriber import Transcriber
from nlp2filters.core.transcripts import Transcript, join
from nlp2filters.errors import ModelUnavailable
from tests.audio.sounds import decoded, encoded, read_wav, silence, tone, wav
from tools.recordings import Recording

MAX_WORD_ERRORS = 0.08
# Each takes about 2 s of CPU time.
RECORDINGS = int(os.environ.get("SPEECH_RECORDINGS", "8"))
# The printed texts have the one, speakers the other.
SAME = {"dont": "do not", "cannot": "can not", "im": "i am", "1": "one", "2": "two", "3": "three", "4": "four"}


async def text_of(transcriber: Transcriber, content: bytes, folder: Path, **options: str) -> Transcript:
    recording = decoded(content, folder)
    parts = [
        (part.start_s, await transcriber.transcribe(recording.read(part.start_s, part.end_s), **options))  # type: ignore[arg-type]
        for part in find_parts(recording)
    ]
    return join(parts)


def words(text: str) -> list[str]:
    plain = re.findall(r"[a-z0-9]+", text.lower().replace("'", "").replace("-", " "))
    return " ".join(SAME.get(word, word) for word in plain).split()


@pytest.mark.timeout(3_600)
async def test_few_words_of_people_are_misheard(
    transcriber: Transcriber, people: list[Recording], tmp_path: Path
) -> None:
    errors = total = 0
    misheard = []
    for person in people[:: max(1, len(people) // RECORDINGS)][:RECORDINGS]:
        transcript = await text_of(transcriber, person.file.read_bytes(), tmp_path)
        expected, heard = words(person.text), words(transcript.text)
        wrong = Levenshtein.distance(expected, heard)
        errors, total = errors + wrong, total + len(expected)
        if wrong:
            misheard.append(f"{person.file.name} ({wrong} of {len(expected)}): {transcript.text}")
    print(f"\n{RECORDINGS} recordings, {total} words, {errors / total:.1%} misheard", *misheard, sep="\n")
    assert total > 50
    assert errors / total < MAX_WORD_ERRORS, misheard


@pytest.mark.parametrize(
    "samples",
    [silence(12), tone(12), np.random.default_rng(1).normal(0, 800, 12 * SAMPLE_RATE).astype(np.int16)],
    ids=["silence", "tone", "noise"],
)
async def test_nothing_is_made_up_where_nobody_speaks(
    samples: Samples, transcriber: Transcriber, tmp_path: Path
) -> None:
    assert (await text_of(transcriber, wav(samples), tmp_path)).text == ""


@pytest.mark.parametrize(
    ("container", "codec", "rate"),
    [
        ("wav", "pcm_s24le", 48_000),
        ("wav", "pcm_s16le", 8_000),
        ("webm", "libopus", 48_000),
        ("mp3", "libmp3lame", 44_100),
    ],
)
async def test_the_format_does_not_change_what_is_heard(
    container: str, codec: str, rate: int, transcriber: Transcriber, people: list[Recording], tmp_path: Path
) -> None:
    content = encoded(read_wav(people[1].file), container, codec, rate=rate)
    transcript = await text_of(transcriber, content, tmp_path)
    assert words(transcript.text) == words(people[1].text)
    assert transcript.language == "en"


async def test_words_have_times_in_order(transcriber: Transcriber, people: list[Recording]) -> None:
    samples = read_wav(people[0].file)
    transcript = await transcriber.transcribe(samples, language="en", words=True)
    spoken = [word for segment in transcript.segments for word in segment.words]
    assert words(" ".join(word.text for word in spoken)) == words(transcript.text)
    assert all(0 <= word.start_s <= word.end_s <= len(samples) / SAMPLE_RATE + 0.1 for word in spoken)
    assert [word.start_s for word in spoken] == sorted(word.start_s for word in spoken)
    assert all(word.probability and 0 <= word.probability <= 1 for word in spoken)


async def test_the_loop_runs_while_a_recording_is_transcribed(
    transcriber: Transcriber, people: list[Recording]
) -> None:
    samples = np.concatenate([read_wav(person.file) for person in people[:3]])
    work = asyncio.ensure_future(transcriber.transcribe(samples, language="en"))
    pauses, last = [], time.monotonic()
    while not work.done():
        await asyncio.sleep(0.01)
        pauses.append(time.monotonic() - last)
        last = time.monotonic()
    assert work.result().text
    assert len(pauses) > 20
    assert max(pauses) < 3.3, "a lease would not have been renewed in time"


async def test_a_folder_without_the_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match=str(tmp_path)):
        await Transcriber.load(tmp_path)
