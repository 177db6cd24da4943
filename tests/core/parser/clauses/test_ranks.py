"""Values in an order that people know."""

from collections.abc import Mapping
from typing import Any

import pytest

from nlp2filters.core import catalog as catalogs
from nlp2filters.core import languages
from nlp2filters.core.catalog import Catalog, Field, Value
from nlp2filters.core.filters import Comparison, Filter, OneOf
from nlp2filters.core.linking import Lexicon
from nlp2filters.core.parser import parse
from nlp2filters.core.parser.clauses.ranks import order_of
from tests.core.parser.shop import TODAY

ENGLISH = languages.of("en")


def keyword(*values: str, **more: Any) -> Field:
    return Field("field", "keyword", values=tuple(map(Value, values)), **more)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["high", "low", "medium"], ["low", "medium", "high"]),
        (["L", "S", "XL", "M"], ["S", "M", "L", "XL"]),
        (["Ideal", "Premium", "Very Good", "Good", "Fair"], ["Fair", "Good", "Very Good", "Premium", "Ideal"]),
        (["A", "C", "B+", "B"], ["C", "B", "B+", "A"]),
        (["2 - High", "1 - Low", "3 - Critical"], ["1 - Low", "2 - High", "3 - Critical"]),
        (["very_high", "low", "n/a"], ["low", "very_high"]),
        (["10 baths", "2 baths", "1.5 baths"], ["1.5 baths", "2 baths", "10 baths"]),
    ],
)
def test_people_know_the_order(values: list[str], expected: list[str]) -> None:
    order = order_of(keyword(*values), ENGLISH)
    assert order
    assert order.is_common
    assert sorted(order.ranks, key=lambda value: order.ranks[value]) == expected


def test_only_the_catalog_knows_the_order_of_a_closed_list() -> None:
    order = order_of(keyword("seed", "sprout", "tree", closed=True), ENGLISH)
    assert order
    assert not order.is_common


@pytest.mark.parametrize(
    "field",
    [
        keyword("Sony", "Bose"),
        keyword("high"),
        Field("field", "text", values=(Value("high"), Value("low"))),
        Field("field", "keyword", closed=True, values=(Value("seed", count=9), Value("tree", count=4))),
    ],
)
def test_other_values_have_no_order(field: Field) -> None:
    assert order_of(field, ENGLISH) is None


CASES = catalogs.parse(
    {
        "name": "cases",
        "fields": [
            {"name": "severity", "type": "keyword", "values": ["minor", "critical", "major"], "closed": True},
            {"name": "stage", "type": "keyword", "values": ["seed", "sprout", "tree"], "closed": True},
        ],
    }
)
SERIOUS = OneOf("severity", ("critical", "major"))
READINGS: Mapping[str, Filter] = {
    "severity at least major": SERIOUS,
    "at least major severity": SERIOUS,
    "major or higher": SERIOUS,
    "major or worse": SERIOUS,
    "minor to critical severity": OneOf("severity", ("minor", "critical", "major")),
    "severity below critical": OneOf("severity", ("minor", "major")),
    "severity above major": Comparison("=", "severity", "critical"),
    "severity is major": Comparison("=", "severity", "major"),
}


def reading(text: str, catalog: Catalog = CASES) -> Any:
    return parse(text, Lexicon.of(catalog), today=TODAY)


@pytest.mark.parametrize(("text", "expected"), READINGS.items())
def test_ranks_are_compared(text: str, expected: Filter) -> None:
    assert reading(text).filter == expected


def test_nothing_is_above_the_highest_rank() -> None:
    assert reading("severity above critical").filter != SERIOUS


def test_an_order_that_only_the_catalog_knows_is_asked_about() -> None:
    result = reading("stage at least sprout")
    assert result.filter == OneOf("stage", ("sprout", "tree"))
    assert result.clarification
    assert result.clarification.choices == ("Stage is sprout or tree", "Stage is seed or sprout")
