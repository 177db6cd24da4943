"""The words around a value say which of several like fields is meant."""

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
    ],
)
def test_a_value_of_two_fields_belongs_to_the_side_that_the_words_name(text: str, field: str) -> None:
    (condition,) = read(text, FLIGHTS).conditions
    assert condition.test == Comparison("=", field, "Paris")


def test_without_such_words_both_fields_may_be_meant() -> None:
    reading = read("Paris", FLIGHTS)
    (condition,) = reading.conditions
    assert condition.test == Comparison("=", "origin_city", "Paris")
    assert [other.test for other in condition.alternatives] == [Comparison("=", "destination_city", "Paris")]
    assert reading.clarification
