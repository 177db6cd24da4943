"""Recordings are cut in silence only, into parts that Whisper's window holds."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from nlp2filters.audio import pauses
from nlp2filters.audio.cutting import find_parts
from nlp2filters.audio.decoding import SAMPLE_RATE, Recording, Samples
from nlp2filters.audio.pauses import MAX_PART_S, SEARCHED_S, Span
from tests.audio.sounds import decoded, read_wav, silence, tone, wav
from tools import recordings

PAUSE_S = 1.5


def written(samples: Samples, folder: Path) -> Recording:
    return decoded(wav(samples), folder)


def joined(people: list[recordings.Recording], count: int) -> tuple[Samples, list[Span]]:
    """Recordings one after the other, with pauses; and where each is."""
    pieces, spans, at = [silence(PAUSE_S)], [], PAUSE_S
    for person in people[:count]:
        samples = read_wav(person.file)
        spans.append(Span(at, at + len(samples) / SAMPLE_RATE))
        pieces += [samples, silence(PAUSE_S)]
        at = spans[-1].end_s + PAUSE_S
    return np.concatenate(pieces), spans


def mean_amplitude(samples: Samples, at_s: float) -> float:
    """The loudness in the 40 ms around a time."""
    around = samples[max(0, round((at_s - 0.02) * SAMPLE_RATE)) : round((at_s + 0.02) * SAMPLE_RATE)]
    return float(np.abs(around.astype(int)).mean())


@pytest.mark.parametrize(
    "samples",
    [silence(70), tone(70), (np.random.default_rng(1).normal(0, 500, 70 * SAMPLE_RATE)).astype(np.int16)],
    ids=["silence", "tone", "noise"],
)
def test_without_speech_there_are_no_parts(samples: Samples, tmp_path: Path) -> None:
    assert list(find_parts(written(samples, tmp_path))) == []


def test_parts_are_in_order_short_enough_and_cut_in_pauses(people: list[recordings.Recording], tmp_path: Path) -> None:
    samples, spans = joined(people, 60)
    parts = list(find_parts(written(samples, tmp_path)))
    assert len(samples) / SAMPLE_RATE > 301, "it goes beyond the window in which speech is searched for"
    assert len(parts) > 5
    assert all(part.end_s - part.start_s <= MAX_PART_S for part in parts)
    assert all(one.end_s <= other.start_s for one, other in pairwise(parts))
    # Nearly all cuts are where the sound is as faint as in a pause.
    loudness = [mean_amplitude(samples, cut) for part in parts for cut in (part.start_s, part.end_s)]
    assert np.mean(np.array(loudness) < 300) > 0.95, loudness
    for span in spans:
        covered = sum(max(0.0, min(part.end_s, span.end_s) - max(part.start_s, span.start_s)) for part in parts)
        assert covered > 0.6 * (span.end_s - span.start_s), f"{span} was left out"


def test_a_long_silence_ends_a_part(people: list[recordings.Recording], tmp_path: Path) -> None:
    voice = read_wav(people[0].file)
    samples = np.concatenate([voice, silence(8), voice])
    first, second = find_parts(written(samples, tmp_path))
    assert second.start_s - first.end_s > 6


def test_who_never_pauses_is_cut_nevertheless(people: list[recordings.Recording], tmp_path: Path) -> None:
    vowels = read_wav(people[0].file)[SAMPLE_RATE : 2 * SAMPLE_RATE]
    parts = list(find_parts(written(np.tile(vowels, 80), tmp_path)))
    assert all(part.end_s - part.start_s <= MAX_PART_S for part in parts)
    assert sum(part.end_s - part.start_s for part in parts) > 60


def test_without_a_model_the_quietest_moments_are_cut(people: list[recordings.Recording], tmp_path: Path) -> None:
    samples, spans = joined(people, 20)
    parts = list(pauses.find_parts(written(samples, tmp_path)))
    assert all(MAX_PART_S - SEARCHED_S - 3 <= part.end_s - part.start_s <= MAX_PART_S for part in parts[:-1])
    assert all(one.end_s <= other.start_s for one, other in pairwise(parts))
    assert all(mean_amplitude(samples, part.end_s) < 300 for part in parts)
    for span in spans:
        covered = sum(max(0.0, min(part.end_s, span.end_s) - max(part.start_s, span.start_s)) for part in parts)
        assert covered > 0.95 * (span.end_s - span.start_s), f"{span} was left out"


def test_without_a_model_silence_has_no_parts_and_sound_has(tmp_path: Path) -> None:
    assert list(pauses.find_parts(written(silence(70), tmp_path))) == []
    (part,) = pauses.find_parts(written(np.concatenate([silence(40), tone(3), silence(1)]), tmp_path))
    assert part.start_s == pytest.approx(40, abs=0.3)
    assert part.end_s == pytest.approx(43, abs=0.3)
