"""Dates in a sentence."""

import datetime as dt

import pytest

from nlp2filters.core.filters import Between, Comparison, Filter, RelativeDate
from tests.core.parser.shop import filter_of

C = Comparison


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("released 3 days ago", C("=", "released", RelativeDate(-3, "day"))),
        ("released on the 12th of this month", C("=", "released", dt.date(2026, 11, 12))),
        ("released on Friday next week", C("=", "released", dt.date(2026, 12, 4))),
        ("released on Tuesday of last week", C("=", "released", dt.date(2026, 11, 17))),
        ("released at the end of this year", C("=", "released", RelativeDate(0, "year", "year", "last"))),
        ("released in the first week of March 2025", Between("released", dt.date(2025, 3, 1), dt.date(2025, 3, 7))),
        ("released last weekend", Between("released", dt.date(2026, 11, 21), dt.date(2026, 11, 22))),
    ],
)
def test_dates_of_a_field(text: str, expected: Filter) -> None:
    assert filter_of(text) == expected
