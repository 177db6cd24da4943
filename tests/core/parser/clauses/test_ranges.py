"""Ranges whose limits explain each other."""

import datetime as dt

import pytest

from nlp2filters.core.filters import Between, Filter
from tests.core.parser.shop import SHOWS, filter_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("weight between 1 and 2 kg", Between("weight", 1000, 2000)),
        ("released from June to September 2024", Between("released", dt.date(2024, 6, 1), dt.date(2024, 9, 30))),
    ],
)
def test_a_limit_takes_what_only_the_other_one_says(text: str, expected: Filter) -> None:
    assert filter_of(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("between 5 and 7 pm", Between("starts", dt.time(17), dt.time(19))),
        ("5-7 pm", Between("starts", dt.time(17), dt.time(19))),
        ("11 to 1 pm", Between("starts", dt.time(11), dt.time(13))),
    ],
)
def test_an_hour_is_in_the_half_of_the_day_that_the_other_one_says(text: str, expected: Filter) -> None:
    assert filter_of(text, SHOWS) == expected
