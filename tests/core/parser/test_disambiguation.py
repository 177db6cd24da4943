"""The words around a value say which of several like fields is meant."""

import datetime as dt

import pytest

from nlp2filters.core import catalog as catalogs
from nlp2filters.core.filters import Comparison
from tests.core.parser.shop import read

CITIES = {"type": "keyword", "values": ["Paris", "Rome"], "closed": True}
FLIGHTS = catalogs.parse(
    {
        "name": "flights",
        "fields": [
            {"name": "origin_city", **CITIES},
            {"name": "destination_city", **CITIES},
            {"name": "departure", "type": "date"},
            {"name": "arrival", "type": "date"},
        ],
    }
)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("from Paris", "origin_city"),
        ("to Paris", "destination_city"),
        ("the destination of the trip should be Paris", "destination_city"),
        ("a flight that leaves from Paris", "origin_city"),
        ("picked up in Paris", "origin_city"),
        ("dropped off at the Paris", "destination_city"),
        ("leaving Paris", "origin_city"),
    ],
)
def test_a_value_of_two_fields_belongs_to_the_side_that_the_words_name(text: str, field: str) -> None:
    (condition,) = read(text, FLIGHTS).conditions
    assert condition.test == Comparison("=", field, "Paris")


@pytest.mark.parametrize(
    ("text", "origin", "destination"),
    [
        ("from Paris to Rome", "Paris", "Rome"),
        ("to Rome from Paris", "Paris", "Rome"),
        ("Rome to Paris", "Rome", "Paris"),
        ("Paris - Rome", "Paris", "Rome"),
        ("between Rome and Paris", "Rome", "Paris"),
        ("picked up in Paris and dropped off in Rome", "Paris", "Rome"),
    ],
)
def test_two_values_go_to_a_side_each_without_a_question(text: str, origin: str, destination: str) -> None:
    reading = read(text, FLIGHTS)
    tests = {condition.test for condition in reading.conditions}
    assert tests == {Comparison("=", "origin_city", origin), Comparison("=", "destination_city", destination)}
    assert not reading.clarification
    assert not reading.text


def test_a_side_word_right_behind_a_date_names_its_side() -> None:
    (condition,) = read("a December 5 arrival", FLIGHTS).conditions
    assert condition.test == Comparison("=", "arrival", dt.date(2026, 12, 5))


def test_without_such_words_both_fields_may_be_meant() -> None:
    reading = read("Paris", FLIGHTS)
    (condition,) = reading.conditions
    assert condition.test == Comparison("=", "origin_city", "Paris")
    assert [other.test for other in condition.alternatives] == [Comparison("=", "destination_city", "Paris")]
    assert reading.clarification
