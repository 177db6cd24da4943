"""Text with times: subtitles as their formats have them, and parts joined in order."""

import pytest

from nlp2filters.core.transcripts import Segment, Transcript, Word, join, to_srt, to_vtt

SEGMENTS = (Segment("Hello there.", 0.0, 1.25), Segment("a < b & c --> d", 3_599.9996, 3_661.5))


def test_subtitles_for_players() -> None:
    assert to_srt(SEGMENTS) == (
        "1\n00:00:00,000 --> 00:00:01,250\nHello there.\n\n2\n01:00:00,000 --> 01:01:01,500\na < b & c --> d\n"
    )


def test_subtitles_for_browsers() -> None:
    assert to_vtt(SEGMENTS) == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:01.250\nHello there.\n\n"
        "01:00:00.000 --> 01:01:01.500\na &lt; b &amp; c --&gt; d\n"
    )


def test_nothing_spoken_has_no_subtitles() -> None:
    assert (to_srt(()), to_vtt(())) == ("", "WEBVTT\n")


def test_parts_are_joined_with_their_times() -> None:
    word = Word("two", 0.5, 1.0, 0.9)
    later = Transcript("en", (Segment("Two.", 0.5, 1, (word,)),))
    parts = [(0.0, Transcript("en", (Segment("One.", 0, 1),))), (60.0, later)]
    whole = join(parts)
    assert whole.text == "One. Two."
    assert [(segment.start_s, segment.end_s) for segment in whole.segments] == [(0, 1), (60.5, 61)]
    assert whole.segments[1].words == (Word("two", 60.5, 61.0, 0.9),)


@pytest.mark.parametrize(
    ("languages", "language"), [(["de", "de", "en"], "de"), (["es"], "es"), ([], "en")], ids=["most", "one", "silence"]
)
def test_the_language_is_that_of_most_segments(languages: list[str], language: str) -> None:
    parts = [(0.0, Transcript(one, (Segment("x", 0, 1),))) for one in languages]
    assert join(parts).language == language


def test_a_part_without_speech_has_no_vote() -> None:
    parts = [(0.0, Transcript("cy", ())), (30.0, Transcript("de", (Segment("Ja.", 0, 1),)))]
    assert join(parts).language == "de"
