"""Fields that are named, before their value or alone."""

import pytest

from nlp2filters.core.filters import Comparison, Contains, Filter, IsNull, leaves
from tests.core.parser.shop import filter_of, read

C = Comparison


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("not wireless", C("=", "wireless", False)),
        ("unwireless", C("=", "wireless", False)),
        ("without waterproof", C("=", "waterproof", False)),
    ],
)
def test_a_boolean_field_is_asked_for_by_its_name(text: str, expected: Filter) -> None:
    assert filter_of(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("brand: sony", C("=", "brand", "Sony")),
        ("brand is not sony", C("<>", "brand", "Sony")),
        ("the title is stereo", Contains("title", "stereo")),
        ("title stereo", Contains("title", "stereo")),
        ("title in stereo", None),
    ],
)
def test_a_field_takes_the_value_after_it(text: str, expected: Filter | None) -> None:
    assert filter_of(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("without a price", IsNull("price")),
        ("price unknown", IsNull("price")),
    ],
)
def test_a_field_without_a_value_is_unknown(text: str, expected: Filter) -> None:
    assert filter_of(text) == expected


def test_a_closed_field_never_gets_another_value() -> None:
    found = read("brand is Sennheiser")
    assert not any(leaf.field == "brand" for leaf in leaves(found.filter))
    assert found.text == "Sennheiser"
