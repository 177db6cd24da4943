"""Tests that stand together become one filter."""

import pytest

from nlp2filters.core import catalog as catalogs
from nlp2filters.core.filters import And, Between, Comparison, Filter, IsNull, Not, OneOf, Or, RelativeDate
from tests.core.parser.shop import filter_of

C = Comparison


def test_a_test_for_a_value_makes_one_for_any_value_redundant() -> None:
    fields = [{"name": name, "type": "number", "nullable": True} for name in ("score", "age")]
    catalog = catalogs.parse({"name": "players", "fields": fields})
    assert filter_of("with a score and a score over 5", catalog) == C(">", "score", 5)
    assert filter_of("with a score and age over 5", catalog) == And((Not(IsNull("score")), C(">", "age", 5)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "wireless headphones under $80, not Beats, released this year",
            And(
                (
                    C("=", "wireless", True),
                    C("<", "price", 80),
                    C("<>", "brand", "Beats"),
                    Between("released", RelativeDate(0, "year", "year"), RelativeDate(0, "year", "year", "last")),
                )
            ),
        ),
        ("wireless or waterproof", Or((C("=", "wireless", True), C("=", "waterproof", True)))),
        ("under $50 or over $100", Or((C("<", "price", 50), C(">", "price", 100)))),
        (
            "red sony or black bose",
            Or(
                (
                    And((C("=", "color", "red"), C("=", "brand", "Sony"))),
                    And((C("=", "color", "black"), C("=", "brand", "Bose"))),
                )
            ),
        ),
        (
            "(red or wireless) and sony",
            And((Or((C("=", "color", "red"), C("=", "wireless", True))), C("=", "brand", "Sony"))),
        ),
    ],
)
def test_tests_are_joined_by_and_unless_the_text_says_otherwise(text: str, expected: Filter) -> None:
    assert filter_of(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("red, blue or black", OneOf("color", ("red", "blue", "black"))),
        ("red blue", OneOf("color", ("red", "blue"))),
        ("sony or cheap bose", OneOf("brand", ("Sony", "Bose"))),
        ("bluetooth or anc", OneOf("features", ("bluetooth", "anc"))),
        ("bluetooth and anc", And((C("=", "features", "bluetooth"), C("=", "features", "anc")))),
        ("either red or blue but not from Sony", And((OneOf("color", ("red", "blue")), C("<>", "brand", "Sony")))),
    ],
)
def test_values_of_one_field_become_a_list(text: str, expected: Filter) -> None:
    assert filter_of(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("not wireless or waterproof", And((C("=", "wireless", False), C("=", "waterproof", False)))),
        ("not red, blue or black", Not(OneOf("color", ("red", "blue", "black")))),
        ("not red, blue", And((C("<>", "color", "red"), C("=", "color", "blue")))),
        ("not red and not blue", Not(OneOf("color", ("red", "blue")))),
        ("not (red or wireless)", And((C("<>", "color", "red"), C("=", "wireless", False)))),
    ],
)
def test_a_not_extends_to_the_list_that_it_begins(text: str, expected: Filter) -> None:
    assert filter_of(text) == expected
