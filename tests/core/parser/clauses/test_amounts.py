"""Quantities, dates and times without a comparison before them."""

import datetime as dt

import pytest

from nlp2filters.core.filters import Comparison, Filter
from tests.core.parser.shop import SHOWS, filter_of, read

C = Comparison


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("half a kilo or more", C(">=", "weight", 500)),
        ("$1.5k or less", C("<=", "price", 1500)),
        ("200+ grams", C(">=", "weight", 200)),
    ],
)
def test_an_amount_may_have_a_bound_after_it(text: str, expected: Filter) -> None:
    assert filter_of(text) == expected


def test_a_time_of_day_is_meant_exactly() -> None:
    assert filter_of("at 5 pm", SHOWS) == C("=", "starts", dt.time(17))


def test_an_amount_in_another_unit_is_not_asked_for() -> None:
    assert filter_of("weight of 80 dollars") is None


def test_an_amount_in_another_currency_is_asked_about() -> None:
    found = read("wireless under €80")
    assert found.filter == C("=", "wireless", True)
    assert found.clarification
    assert found.clarification.choices == ("Price is less than $80", "None of these")
    assert "no field is in EUR" in {part.reason for part in found.ignored}
