"""Transcripts: text with times, and their files for subtitles."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

# The ISO 639 code of a language that nobody knows.
UNDETERMINED = "und"
# Whisper reads a prompt of 223 tokens at most, of about so many characters.
MAX_PROMPT = 600
# A segment more likely to be silence than that, and badly heard, was made up.
MAX_NO_SPEECH = 0.6
MIN_LOGPROB = -1.0


@dataclass(frozen=True, slots=True)
class Word:
    """A word, with its times in seconds and the probability that it was heard right, if that is known."""

    text: str
    start_s: float
    end_s: float
    probability: float | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """A sentence or a part of one, with its times in seconds; `words` only if they were asked for."""

    text: str
    start_s: float
    end_s: float
    words: tuple[Word, ...] = ()

    def shifted(self, offset_s: float) -> "Segment":
        """Return the segment as that of a recording in which it begins later."""
        words = tuple(
            replace(word, start_s=word.start_s + offset_s, end_s=word.end_s + offset_s) for word in self.words
        )
        return replace(self, start_s=self.start_s + offset_s, end_s=self.end_s + offset_s, words=words)


@dataclass(frozen=True, slots=True)
class Transcript:
    """The text of a recording or of a part of it, in the language with that code."""

    language: str
    segments: tuple[Segment, ...]

    @property
    def text(self) -> str:
        """The whole text."""
        return " ".join(segment.text for segment in self.segments)


def to_json(transcript: Transcript, seconds: float) -> dict[str, Any]:
    """Return the transcript of a recording of that many seconds as JSON data."""
    return {
        "text": transcript.text,
        "language": transcript.language,
        "seconds": round(seconds, 3),
        "segments": [_segment_to_json(segment) for segment in transcript.segments],
        "srt": to_srt(transcript.segments),
        "vtt": to_vtt(transcript.segments),
    }


def _segment_to_json(segment: Segment) -> dict[str, Any]:
    words = [{**_times(word), "text": word.text, **_probability(word)} for word in segment.words]
    return {**_times(segment), "text": segment.text, **({"words": words} if words else {})}


def _probability(word: Word) -> dict[str, float]:
    return {} if word.probability is None else {"probability": round(float(word.probability), 3)}


def _times(spoken: Segment | Word) -> dict[str, float]:
    return {"start_s": round(float(spoken.start_s), 3), "end_s": round(float(spoken.end_s), 3)}


def to_srt(segments: Iterable[Segment]) -> str:
    """Return subtitles in the format SubRip."""
    blocks = [
        f"{number}\n{_clock(segment.start_s, ',')} --> {_clock(segment.end_s, ',')}\n{segment.text}\n"
        for number, segment in enumerate(segments, 1)
    ]
    return "\n".join(blocks)


def to_vtt(segments: Iterable[Segment]) -> str:
    """Return subtitles in the format WebVTT (https://www.w3.org/TR/webvtt1/)."""
    blocks = [
        f"{_clock(segment.start_s, '.')} --> {_clock(segment.end_s, '.')}\n{_escaped(segment.text)}\n"
        for segment in segments
    ]
    return "\n".join(["WEBVTT\n", *blocks])


def prompt_of(names: Iterable[str]) -> str:
    """Return the prompt that tells a speech model the names to expect: as many of the first as fit, and whole."""
    prompt = ""
    for name in names:
        longer = f"{prompt}, {name}" if prompt else name
        if len(longer) > MAX_PROMPT:
            break
        prompt = longer
    return prompt


def is_made_up(no_speech: float, logprob: float) -> bool:
    """Return True for a segment that is probably silence, by Whisper's own probabilities."""
    return no_speech > MAX_NO_SPEECH and logprob < MIN_LOGPROB


def join(parts: Sequence[tuple[float, Transcript]]) -> Transcript:
    """Join the transcripts of parts, each with its beginning in seconds. The language is that of most segments."""
    segments = tuple(segment.shifted(start_s) for start_s, part in parts for segment in part.segments)
    votes: dict[str, int] = {}
    for _, part in parts:
        votes[part.language] = votes.get(part.language, 0) + len(part.segments)
    return Transcript(max(votes, key=lambda language: votes[language], default="en"), segments)


def _clock(seconds: float, point: str) -> str:
    milliseconds = round(seconds * 1000)
    minutes, milliseconds = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{milliseconds // 1000:02}{point}{milliseconds % 1000:03}"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
