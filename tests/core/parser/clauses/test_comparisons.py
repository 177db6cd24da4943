"""Comparisons with a word before the value."""

import datetime as dt

import pytest

from nlp2filters.core.filters import And, Comparison, Filter, RelativeDate
from tests.core.parser.shop import SHOWS, filter_of

C = Comparison


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("more than 1 but less than 2 kg", And((C(">", "weight", 1000), C("<", "weight", 2000)))),
    ],
)
def test_two_limits_share_a_unit(text: str, expected: Filter) -> None:
    assert filter_of(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("less than 2 years old", C(">", "released", RelativeDate(-2, "year"))),
        ("older than 2 years", C("<", "released", RelativeDate(-2, "year"))),
        ("released more than 30 days ago", C("<", "released", RelativeDate(-30, "day"))),
    ],
)
def test_a_smaller_age_is_a_later_date(text: str, expected: Filter) -> None:
    assert filter_of(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("around 8 pm", C("=", "starts", dt.time(20))),
        ("not before 6 pm", C(">=", "starts", dt.time(18))),
        ("shorter than 2 hours", C("<", "runtime", 120)),
        ("under 1h30 after 17:30", And((C("<", "runtime", 90), C(">", "starts", dt.time(17, 30))))),
    ],
)
def test_times_of_day_and_durations(text: str, expected: Filter) -> None:
    assert filter_of(text, SHOWS) == expected
