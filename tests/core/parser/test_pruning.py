"""A text asks for no more than the catalog and the size limits allow."""

import pytest

from nlp2filters.core import catalog as catalogs
from nlp2filters.core import interpretation
from nlp2filters.core.filters import Comparison, OneOf
from tests.core.parser.shop import read

C = Comparison


@pytest.mark.parametrize(
    "text",
    [
        " or ".join(f"under {i} dollars and {i + 1} g" for i in range(100, 190)),
        ", ".join(f"not {i} g" for i in range(100, 400)),
        "(" * 9 + "red or (under $10 and (blue or (over 3 g and (Sony or (under $5 and (wireless or over 9 g",
    ],
    ids=["pairs", "many", "deep"],
)
def test_a_text_asks_for_no_more_than_a_filter_may_hold(text: str) -> None:
    found = read(text[:4000])
    assert interpretation.from_json(interpretation.to_json(found)) == found
    assert found.conditions or any("one text may ask for" in part.reason for part in found.ignored)


def test_what_a_field_does_not_allow_is_said_and_not_asked() -> None:
    fields = [
        {"name": "price", "type": "money", "currency": "USD", "operators": ["<", "<="]},
        {"name": "color", "type": "keyword", "values": ["red", "blue"], "closed": True, "operators": ["=", "in"]},
        {"name": "sizes", "type": "integer", "many": True},
    ]
    shop = catalogs.parse({"name": "shop", "fields": fields})
    found = read("red over $80", shop)
    assert (found.filter, len(found.conditions)) == (C("=", "color", "red"), 1)
    assert [(part.quote, part.reason) for part in found.ignored] == [
        ("over", "price cannot be asked for with “>”"),
        ("$80", "price cannot be asked for with “>”"),
    ]
    assert read("red or over $80", shop).filter is None
    assert read("not red, under $80", shop).filter == C("<", "price", 80)
    assert read("sizes 42 or 43", shop).filter == OneOf("sizes", (42, 43))
    assert read("sizes over 42", shop).filter is None
