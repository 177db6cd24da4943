"""Cutting a recording into parts in its pauses, by loudness alone: for workers without the model that finds speech."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nlp2filters.audio.decoding import SAMPLE_RATE, Recording, Samples

MAX_PART_S = 30.0
# A part ends at the quietest moment of its last seconds.
SEARCHED_S = 10.0
FRAME_S = 0.1
# What is fainter than -54 dB is silence.
SILENCE = 64.0


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a recording with speech in it, in seconds from its beginning."""

    start_s: float
    end_s: float


def find_parts(recording: Recording) -> Iterator[Span]:
    """Yield parts of at most 30 seconds, in order, without the silence at their ends; a silent recording has none."""
    start = 0.0
    while start < recording.seconds:
        end = min(start + MAX_PART_S, recording.seconds)
        loudness = _loudness(recording.read(start, end))
        if end < recording.seconds:
            first = round((MAX_PART_S - SEARCHED_S) / FRAME_S)
            quietest = first + int(loudness[first:].argmin())
            loudness, end = loudness[: quietest + 1], start + (quietest + 0.5) * FRAME_S
        loud = np.flatnonzero(loudness > SILENCE)
        if len(loud):
            first_loud, last_loud = int(loud[0]), int(loud[-1])
            yield Span(start + max(0, first_loud - 1) * FRAME_S, min(end, start + (last_loud + 2) * FRAME_S))
        start = end


def _loudness(samples: Samples) -> NDArray[np.float64]:
    """Return the root mean square of each frame; the last one may be shorter."""
    size = round(FRAME_S * SAMPLE_RATE)
    starts = np.arange(0, len(samples), size)
    sums = np.add.reduceat(samples.astype(np.float64) ** 2, starts)
    lengths = np.diff(np.append(starts, len(samples)))
    root: NDArray[np.float64] = np.sqrt(sums / lengths)
    return root
