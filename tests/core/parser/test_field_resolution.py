"""A value finds its field."""

import datetime as dt

import pytest

from nlp2filters.core import catalog as catalogs
from nlp2filters.core.catalog import Catalog
from nlp2filters.core.filters import And, Comparison, Filter, leaves
from nlp2filters.core.parser import confidence
from tests.core.parser.shop import SHOP, SHOWS, filter_of, read

C = Comparison


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("over 300 pages", C(">", "numberOfPages", 300)),
        ("2 baths", C("=", "number_of_baths", 2)),
        ("unisex", C("=", "is_unisex", True)),
        ("not unisex", C("=", "is_unisex", False)),
        ("at least 4 stars", C(">=", "stars.value", 4)),
        ("on March 6th", C("=", "day", dt.date(2027, 3, 6))),
        ("on August 6th", C("=", "day", dt.date(2026, 8, 6))),
    ],
)
def test_fields_are_called_by_what_their_names_say(text: str, expected: Filter) -> None:
    names = {"numberOfPages": "integer", "number_of_baths": "integer", "is_unisex": "boolean", "stars.value": "number"}
    fields = [{"name": name, "type": type_} for name, type_ in {**names, "day": "date"}.items()]
    assert read(text, catalogs.parse({"name": "c", "fields": fields})).filter == expected


def test_a_second_value_belongs_to_the_field_of_the_first() -> None:
    assert filter_of("price over $50 and under $100") == And((C(">", "price", 50), C("<", "price", 100)))


YEARS = catalogs.parse(
    {
        "name": "years",
        "fields": [
            {"name": "height", "type": "number", "unit": "m"},
            {"name": "width", "type": "number", "unit": "m"},
            {"name": "weekly_hours", "type": "duration", "unit": "h"},
            {"name": "duration", "type": "duration", "unit": "h"},
            {"name": "built", "type": "integer", "minimum": 1950, "maximum": 2020},
            {"name": "opened", "type": "date"},
            {"name": "closed", "type": "date"},
        ],
    }
)


@pytest.mark.parametrize(
    ("text", "catalog", "field", "share"),
    [
        ("over 3 kg", SHOP, "weight", confidence.ONLY_FIELD_WITH_UNIT),
        ("over 30 hours a week", YEARS, "weekly_hours", confidence.FIELD_OF_RATE),
        ("over 3 m", YEARS, "height", 1 / 2),
        ("width over 3 m and under 4 m", YEARS, "width", confidence.PREVIOUS_FIELD_WITH_UNIT),
        ("over $3 and under 5", SHOP, "price", confidence.PREVIOUS_FIELD),
        ("less than 2 years old", SHOP, "released", confidence.ONLY_DATE_FOR_AGE),
        ("after 2020", SHOP, "released", confidence.ONLY_DATE),
        ("after 2020", YEARS, "opened", confidence.FIRST_DATE),
        ("a house that was finally closed for good after 2020", YEARS, "closed", confidence.DATE_BY_WORDS_AROUND),
        ("the 1990s", YEARS, "built", confidence.ONLY_DATE),
        ("after 8 pm", SHOWS, "starts", confidence.ONLY_TIME_OF_DAY),
    ],
)
def test_a_value_belongs_to_the_field_that_holds_such_values(
    text: str, catalog: Catalog, field: str, share: float
) -> None:
    condition = read(text, catalog).conditions[-1]
    assert next(leaves(condition.test)).field == field
    assert condition.confidence == round(share, 3)


def test_the_other_fields_with_the_unit_are_alternatives() -> None:
    reading = read("over 3 m", YEARS)
    (condition,) = reading.conditions
    assert [other.test for other in condition.alternatives] == [C(">", "width", 3)]
    assert reading.clarification


STAYS = catalogs.parse(
    {
        "name": "stays",
        "fields": [
            {"name": "host_id", "type": "integer", "minimum": 1, "maximum": 9000},
            {"name": "beds", "type": "integer", "minimum": 1, "maximum": 9},
            {"name": "price", "type": "number", "minimum": 10, "maximum": 900},
            {"name": "ram", "type": "integer", "unit": "GB", "minimum": 4, "maximum": 64},
            {"name": "disk", "type": "integer", "minimum": 128, "maximum": 4096},
            {"name": "charge", "type": "number", "unit": "%"},
            {"name": "built", "type": "integer", "minimum": 1900, "maximum": 2020},
            {"name": "listed", "type": "date", "minimum": "2023-01-01", "maximum": "2026-01-01"},
        ],
    }
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("256GB", C("=", "disk", 256)),
        ("16 GB", C("=", "ram", 16)),
        ("2 TB", C("=", "disk", 2000)),
        ("under $150", C("<", "price", 150)),
        ("under 150", C("<", "price", 150)),
        ("over 8 beds", C(">", "beds", 8)),
        ("before 1950, more than 3 beds", And((C("<", "built", 1950), C(">", "beds", 3)))),
        ("3 beds and before 1950", And((C("=", "beds", 3), C("<", "built", 1950)))),
        ("3 beds and under 200", And((C("=", "beds", 3), C("<", "price", 200)))),
        ("after 1950", C(">", "built", 1950)),
        ("after 2024", C(">", "listed", dt.date(2024, 12, 31))),
        ("host 2023", C("=", "host_id", 2023)),
        ("over 5000", None),
        ("over 4 jars", None),
    ],
)
def test_a_number_belongs_where_its_unit_and_the_data_say(text: str, expected: Filter | None) -> None:
    assert read(text, STAYS).filter == expected


def test_an_amount_in_an_unknown_currency_is_taken_less_surely() -> None:
    (condition,) = read("price under $150", STAYS).conditions
    assert (condition.confidence, condition.source) == (confidence.UNIT_ASSUMED, "unit")
