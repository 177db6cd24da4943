"""Times of day by themselves."""

import datetime as dt

import pytest

from nlp2filters.core import languages
from nlp2filters.core.parser import times
from nlp2filters.core.parser.cursor import TokenCursor

TIMES = [
    ("en", "5 pm", "17:00"),
    ("en", "12 am", "00:00"),
    ("en", "12 pm", "12:00"),
    ("en", "17:30", "17:30"),
    ("en", "17:30:15", "17:30"),
    ("en", "5:15 pm", "17:15"),
    ("en", "seven in the evening", "19:00"),
    ("en", "half past 7 in the evening", "19:30"),
    ("en", "quarter to 6", "05:45"),
    ("en", "a quarter past ten", "10:15"),
    ("en", "ten to 8 pm", "19:50"),
    ("en", "noon", "12:00"),
    ("en", "midnight", "00:00"),
    ("es", "5 de la tarde", "17:00"),
    ("es", "mediodía", "12:00"),
]


@pytest.mark.parametrize(("locale", "text", "time"), TIMES)
def test_a_time_of_day(locale: str, text: str, time: str) -> None:
    language = languages.of(locale)
    tokens = language.tokenize(text)
    clock = times.read(TokenCursor(tokens, 0, language))
    assert clock is not None
    assert (clock.time, clock.length) == (dt.time.fromisoformat(time), len(tokens))


@pytest.mark.parametrize("text", ["7", "seven", "25:00", "quarter to", "half past 30", "17 pm", "pm"])
def test_other_words_are_no_time(text: str) -> None:
    language = languages.of("en")
    assert times.read(TokenCursor(language.tokenize(text), 0, language)) is None
