"""What a field measures, by the words of its name."""

import pytest

from nlp2filters.core import languages, measures
from nlp2filters.core.catalog import Field

ENGLISH, GERMAN = languages.of("en"), languages.of("de")


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        (Field("bill_depth_mm", "number"), {"depth"}),
        (Field("n", "integer", label="Body mass"), {"weight"}),
        (Field("nightlyPrice", "number"), {"price"}),
        (Field("seats", "integer"), set()),
        (Field("weight_class", "keyword"), set()),
    ],
)
def test_the_name_of_a_number_says_what_it_measures(field: Field, expected: set[str]) -> None:
    assert measures.of_field(field, ENGLISH) == expected


def test_a_compound_measures_what_its_last_part_says() -> None:
    assert "price" in measures.of_field(Field("kaufpreis", "number"), GERMAN)
    assert "price" not in measures.of_field(Field("preisklasse", "integer"), GERMAN)


@pytest.mark.parametrize(
    ("field", "is_money"),
    [
        (Field("total", "money", currency="EUR"), True),
        (Field("price", "number"), True),
        (Field("salary_max", "integer"), True),
        (Field("price", "number", unit="points"), False),
        (Field("price", "keyword"), False),
        (Field("seats", "integer"), False),
    ],
)
def test_a_number_is_money_by_its_name(field: Field, is_money: bool) -> None:
    assert measures.is_money(field, ENGLISH) is is_money


@pytest.mark.parametrize(
    ("field", "units", "fits"),
    [
        (Field("price", "number"), ("USD",), True),
        (Field("price", "number"), ("kilogram",), False),
        (Field("price", "money", currency="EUR"), ("USD",), False),
        (Field("weight", "number"), ("pound", "GBP"), True),
        (Field("weight", "number", unit="kg"), ("pound",), False),
        (Field("disk", "integer"), ("terabyte",), True),
        (Field("disk", "integer"), ("percent",), False),
        (Field("body_mass_g", "number"), ("kilogram",), True),
        (Field("body_mass_g", "number"), ("meter",), False),
        (Field("seats", "integer"), ("kilogram",), False),
    ],
)
def test_a_field_without_a_unit_takes_amounts_of_what_it_measures(
    field: Field, units: tuple[str, ...], fits: bool
) -> None:
    assert measures.lacks_unit(field, units, ENGLISH) is fits


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("body_mass_g", "gram"),
        ("Acres", "acre"),
        ("Height (ft)", "foot"),
        ("years_experience", "year"),
        ("vacation_days", "day"),
        ("work_year", None),
        ("check_in", None),
        ("seats", None),
    ],
)
def test_a_name_has_its_unit_at_the_end_or_the_beginning(name: str, unit: str | None) -> None:
    assert measures.unit_in_name(Field(name, "integer"), ENGLISH) == unit


@pytest.mark.parametrize(
    ("field", "is_identifier"),
    [
        (Field("id", "integer"), True),
        (Field("CustomerId", "integer"), True),
        (Field("order_number", "integer"), True),
        (Field("number_of_orders", "integer"), False),
        (Field("id_checks", "integer"), False),
        (Field("id", "keyword"), False),
    ],
)
def test_some_numbers_only_identify(field: Field, is_identifier: bool) -> None:
    assert measures.is_identifier(field, ENGLISH) is is_identifier
