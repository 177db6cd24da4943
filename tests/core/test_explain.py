"""What people read about their search."""

import datetime as dt

import pytest

from nlp2filters.core import catalog
from nlp2filters.core.explain import explain, sentence
from nlp2filters.core.filters import (
    And,
    Between,
    Comparison,
    Contains,
    Filter,
    IsNull,
    Leaf,
    Not,
    OneOf,
    Or,
    RelativeDate,
    RelativeInstant,
)
from nlp2filters.core.interpretation import Condition, Interpretation, Sort, Span

CARS = catalog.parse(
    {
        "name": "cars",
        "fields": [
            {"name": "origin", "type": "keyword", "label": "Origin"},
            {"name": "mpg", "type": "number", "label": "Miles per gallon"},
            {"name": "weight", "type": "integer", "label": "Weight", "unit": "lb"},
            {"name": "price", "type": "money", "currency": "USD"},
            {"name": "cost", "type": "money", "currency": "CHF"},
            {"name": "year", "type": "integer", "label": "Model year"},
            {"name": "imdb", "type": "number", "label": "IMDb rating"},
            {"name": "name", "type": "text"},
            {"name": "released", "type": "date"},
            {"name": "seen_at", "type": "datetime"},
            {"name": "opens", "type": "time"},
            {"name": "sunroof", "type": "boolean"},
        ],
    }
)
JAPAN = Comparison("=", "origin", "Japan")
EUROPE = Comparison("=", "origin", "Europe")
FRUGAL = Comparison(">=", "mpg", 30)
LIGHT = Comparison("<", "weight", 3000)


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        (JAPAN, "Origin is Japan"),
        (Comparison("<>", "origin", "Japan"), "Origin is not Japan"),
        (Not(JAPAN), "Origin is not Japan"),
        (FRUGAL, "Miles per gallon is at least 30"),
        (Comparison("<=", "mpg", 30.5), "Miles per gallon is at most 30.5"),
        (LIGHT, "Weight is less than 3000 lb"),
        (Comparison(">", "weight", 12000), "Weight is more than 12,000 lb"),
        (Comparison("=", "year", 1982), "Model year is 1982"),
        (Comparison(">", "imdb", 8), "IMDb rating is more than 8"),
        (Comparison("<=", "price", 80), "Price is at most $80"),
        (Comparison("<=", "price", 1299.5), "Price is at most $1,299.50"),
        (Comparison(">", "price", -5), "Price is more than -$5"),
        (Comparison(">", "cost", 2000), "Cost is more than CHF 2,000"),
        (Between("price", 20, 30), "Price is from $20 to $30"),
        (Not(Between("weight", 20, 30)), "Weight is outside 20 lb to 30 lb"),
        (OneOf("origin", ("Japan",)), "Origin is Japan"),
        (OneOf("origin", ("Japan", "Europe", "USA")), "Origin is Japan, Europe or USA"),
        (Not(OneOf("origin", ("Japan",))), "Origin is not Japan"),
        (Not(OneOf("origin", ("Japan", "Europe"))), "Origin is neither Japan nor Europe"),
        (Comparison("=", "origin", "Korea, South"), "Origin is “Korea, South”"),
        (Comparison("=", "origin", ""), "Origin is “”"),
        (Comparison("=", "name", "ford pinto"), "Name is “ford pinto”"),
        (Contains("name", "gt"), "Name contains “gt”"),
        (Not(Contains("name", "gt")), "Name does not contain “gt”"),
        (Contains("name", "gt", "start"), "Name begins with “gt”"),
        (Not(Contains("name", "gt", "end", exact=True)), "Name does not end with exactly “gt”"),
        (OneOf("origin", tuple("abcdefghijklmnopqrstuvwxyz")), "Origin is a, b, c, d, e, f, g, h, i, j or 16 others"),
        (IsNull("price"), "Price is unknown"),
        (Not(IsNull("price")), "Price is known"),
        (Comparison("=", "sunroof", True), "Sunroof is yes"),
        (Comparison("<>", "sunroof", True), "Sunroof is no"),
        (Comparison(">=", "released", dt.date(2026, 3, 4)), "Released is on or after 4 March 2026"),
        (
            Between("released", dt.date(2026, 1, 1), dt.date(2026, 12, 31)),
            "Released is from 1 January 2026 to 31 December 2026",
        ),
        (Comparison("<", "seen_at", dt.date(2026, 3, 4)), "Seen at is before 4 March 2026"),
        (
            Comparison(">=", "seen_at", dt.datetime(2026, 3, 4, 10, 30, tzinfo=dt.UTC)),
            "Seen at is at or after 4 March 2026, 10:30 UTC",
        ),
        (Comparison("<=", "opens", dt.time(9, 0)), "Opens is at or before 09:00"),
        (Comparison(">=", "released", RelativeDate(0, "day")), "Released is on or after today"),
        (Comparison("=", "released", RelativeDate(-1, "day")), "Released is yesterday"),
        (Comparison(">", "released", RelativeDate(-7, "day")), "Released is after 7 days ago"),
        (Comparison("<", "released", RelativeDate(2, "week")), "Released is before 2 weeks from now"),
        (Comparison(">", "seen_at", RelativeInstant(-24, "hour")), "Seen at is after 24 hours ago"),
        (Comparison("<=", "seen_at", RelativeInstant(0, "hour")), "Seen at is at or before now"),
        (
            Comparison("<", "seen_at", RelativeInstant(-1, "day", dt.time(22))),
            "Seen at is before yesterday, 22:00",
        ),
        (
            Comparison(">=", "released", RelativeDate(0, "year", "year")),
            "Released is on or after the start of this year",
        ),
        (
            Comparison(">=", "released", RelativeDate(-1, "month", "month")),
            "Released is on or after the start of last month",
        ),
        (
            Comparison(">=", "released", RelativeDate(-3, "quarter", "quarter")),
            "Released is on or after the start of the quarter 3 quarters ago",
        ),
    ],
)
def test_one_condition(test: Leaf | Not, expected: str) -> None:
    assert sentence(test, CARS) == expected


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (And((JAPAN, FRUGAL)), "Origin is Japan and miles per gallon is at least 30."),
        (
            And((JAPAN, FRUGAL, LIGHT)),
            "Origin is Japan, miles per gallon is at least 30 and weight is less than 3000 lb.",
        ),
        (Or((JAPAN, LIGHT)), "Either origin is Japan or weight is less than 3000 lb."),
        (
            And((Or((JAPAN, EUROPE)), FRUGAL)),
            "Either origin is Japan or origin is Europe, and miles per gallon is at least 30.",
        ),
        (
            Or((And((JAPAN, FRUGAL)), LIGHT)),
            "Either both origin is Japan and miles per gallon is at least 30, or weight is less than 3000 lb.",
        ),
        (
            And((OneOf("origin", ("Japan", "Europe")), LIGHT)),
            "Origin is Japan or Europe, and weight is less than 3000 lb.",
        ),
        (
            Not(Or((JAPAN, FRUGAL))),
            "Origin is not Japan and miles per gallon is less than 30.",
        ),
    ],
)
def test_groups_are_set_apart_by_words(node: Filter, expected: str) -> None:
    assert explain(Interpretation(filter=node), CARS) == expected


def test_what_was_assumed_of_a_unit_is_said() -> None:
    test = Comparison("<", "mpg", 150)
    condition = Condition(test, Span(0, 10), "under $150", 0.7, "unit")
    assert explain(Interpretation(test, conditions=(condition,)), CARS) == (
        "Miles per gallon is less than 150. No unit is known of miles per gallon: “under $150” was taken as it stands."
    )


@pytest.mark.parametrize(
    ("interpretation", "expected"),
    [
        (Interpretation(), "Everything: no condition was found."),
        (Interpretation(text="red paint"), "Everything; containing “red paint”."),
        (Interpretation(sort=(Sort("price", "asc"),)), "Everything; sorted by price, lowest first."),
        (Interpretation(limit=5), "Everything; the first 5."),
        (
            Interpretation(
                filter=And((JAPAN, FRUGAL)), text="red", sort=(Sort("weight", "asc"), Sort("name", "desc")), limit=10
            ),
            "Origin is Japan and miles per gallon is at least 30; containing “red”; "
            "sorted by weight, lowest first, then by name, Z to A; the first 10.",
        ),
        (Interpretation(sort=(Sort("released", "desc"),)), "Everything; sorted by released, latest first."),
        (Interpretation(sort=(Sort("sunroof", "desc"),)), "Everything; sorted by sunroof, yes before no."),
    ],
)
def test_the_whole_search(interpretation: Interpretation, expected: str) -> None:
    assert explain(interpretation, CARS) == expected
