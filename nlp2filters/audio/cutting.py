"""Cutting a recording into parts, in silence only: each fits Whisper's window of 30 seconds."""

from collections.abc import Iterator

import numpy as np
from faster_whisper.vad import VadOptions, get_speech_timestamps

from nlp2filters.audio.decoding import SAMPLE_RATE, Recording, Samples
from nlp2filters.audio.pauses import MAX_PART_S, Span

# Speech is searched for in pieces of this length, so that memory does not grow with the recording.
WINDOW_S = 120.0
# A longer silence ends a part although there is room for more.
MAX_SILENCE_S = 5.0
_OPTIONS = VadOptions(max_speech_duration_s=MAX_PART_S - 1, min_silence_duration_ms=300, speech_pad_ms=200)


def find_parts(recording: Recording) -> Iterator[Span]:
    """Yield the parts with speech, in order. Silence between them is left out; a silent recording has none."""
    start = 0.0
    while start < recording.seconds:
        end = min(start + WINDOW_S, recording.seconds)
        spans = list(_joined(_speech(recording.read(start, end), start)))
        is_last = end >= recording.seconds
        # The last part of a window may go on in the next one, which begins with it.
        complete = spans if is_last or len(spans) < 2 else spans[:-1]
        yield from complete
        start = end if is_last or not spans else max(complete[-1].end_s, spans[-1].start_s if len(spans) > 1 else 0.0)


def _speech(samples: Samples, offset_s: float) -> Iterator[Span]:
    """Yield the stretches of speech that the detector hears."""
    if not len(samples):
        return
    sound = samples.astype(np.float32) / 32768
    for stretch in get_speech_timestamps(sound, _OPTIONS, sampling_rate=SAMPLE_RATE):
        yield Span(offset_s + stretch["start"] / SAMPLE_RATE, offset_s + stretch["end"] / SAMPLE_RATE)


def _joined(spans: Iterator[Span]) -> Iterator[Span]:
    """Join neighbours as long as they fit into one part."""
    part: Span | None = None
    for span in spans:
        if part and span.end_s - part.start_s <= MAX_PART_S and span.start_s - part.end_s <= MAX_SILENCE_S:
            part = Span(part.start_s, span.end_s)
            continue
        if part:
            yield part
        part = span
    if part:
        yield part
