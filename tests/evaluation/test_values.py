"""What counts as the same value."""

import pytest

from nlp2filters.evaluation.values import field_key, normal


@pytest.mark.parametrize(
    ("value", "type_", "unit", "expected"),
    [
        ("The Beatles!", "text", None, "beatles"),
        ("Café  d’Or", "keyword", None, "cafe dor"),
        ("the", "text", None, "the"),
        ("two", "text", None, "2"),
        ("5.0", "text", None, "5"),
        (5, "integer", None, "5"),
        ("$1,200.50", "money", None, "1200.5"),
        ("1.2k", "number", None, "1200"),
        ("3 million", "number", None, "3000000"),
        ("twelve", "integer", None, "12"),
        ("2 hours", "duration", "min", "t:120"),
        (120, "duration", "min", "t:120"),
        ("10 km", "number", "mi", "l:6.2137"),
        ("10 m", "number", "m", "l:0.0062"),
        ("5 stars", "number", "stars", "5"),
        ("not a number", "number", None, "not a number"),
        ("yes", "boolean", None, "true"),
        (False, "boolean", None, "false"),
        (True, "text", None, "true"),
        ("half past five", "time", None, "half past five"),
        ("5 pm", "time", None, "17:00"),
        ("12:30 am", "time", None, "00:30"),
        ("17:00:00", "time", None, "17:00"),
        ("midnight", "time", None, "00:00"),
        ("2019-3-1", "date", None, "2019-03-01"),
        ("March 1st", "date", None, "2019-03-01"),
        ("the 1st of march 2020", "date", None, "2020-03-01"),
        ("03/01/2020", "date", None, "2020-03-01"),
        ("2019-03-01T10:00:00", "date", None, "2019-03-01"),
        ("2019", "date", None, "2019"),
        ("tomorrow", "date", None, "tomorrow"),
    ],
)
def test_values_in_one_form(value: object, type_: str, unit: str | None, expected: str) -> None:
    assert normal(value, type_, unit, year="2019") == expected


def test_names_of_fields_without_case_and_punctuation() -> None:
    assert field_key("Capital ( Exonym )") == field_key("capital_exonym") == "capital exonym"
