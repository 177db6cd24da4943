"""Filters as Query DSL."""

import datetime as dt
from typing import Any

import pytest

from nlp2filters.core.catalog import Catalog
from nlp2filters.core.dialects import compile as compile_dialect
from nlp2filters.core.filters import And, Between, Comparison, Contains, Filter, IsNull, Not, OneOf, Or
from nlp2filters.core.interpretation import Interpretation, Sort


def exists(name: str) -> dict[str, Any]:
    return {"exists": {"field": name}}


def unlike(name: str, query: dict[str, Any]) -> list[dict[str, Any]]:
    return [exists(name), {"bool": {"must_not": [query]}}]


def conditions(node: Filter, shop: Catalog) -> list[dict[str, Any]]:
    compiled = compile_dialect("elasticsearch", Interpretation(filter=node), shop)
    assert compiled.keys() == {"query", "lossy"}
    assert not compiled["lossy"]
    filters: list[dict[str, Any]] = compiled["query"]["bool"]["filter"]
    return filters


def term(name: str, value: Any, **options: Any) -> dict[str, Any]:
    return {"term": {name: {"value": value, **options}}}


NOON = dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (Comparison("=", "origin", "usa"), term("origin", "usa")),
        (Comparison("=", "brand", "Bose"), term("brand", "Bose", case_insensitive=True)),
        (Comparison("=", "title", "A b"), term("title.keyword", "A b", case_insensitive=True)),
        (Comparison("=", "doors", 4), term("doors", 4)),
        (Comparison("=", "wireless", False), term("wireless", False)),
        (Comparison("<>", "doors", 4), unlike("doors", term("doors", 4))),
        (Comparison("<>", "title", "x"), unlike("title", term("title.keyword", "x", case_insensitive=True))),
        (Comparison("<", "price", 80), {"range": {"price": {"lt": 80}}}),
        (Comparison("<=", "price", 80), {"range": {"price": {"lte": 80}}}),
        (Comparison(">", "price", 80), {"range": {"price": {"gt": 80}}}),
        (Not(Comparison("<", "price", 80)), {"range": {"price": {"gte": 80}}}),
        (Between("price", 1, 2), {"range": {"price": {"gte": 1, "lte": 2}}}),
        (Not(Between("price", 1, 2)), unlike("price", {"range": {"price": {"gte": 1, "lte": 2}}})),
        (OneOf("origin", ("usa", "japan")), {"terms": {"origin": ["usa", "japan"]}}),
        (Not(OneOf("doors", (2, 4))), unlike("doors", {"terms": {"doors": [2, 4]}})),
        (
            OneOf("brand", ("Bose", "x")),
            {
                "bool": {
                    "should": [term("brand", "Bose", case_insensitive=True), term("brand", "x", case_insensitive=True)],
                    "minimum_should_match": 1,
                }
            },
        ),
        (
            Contains("title", "50%*?\\"),
            {"wildcard": {"title.keyword": {"value": "*50%\\*\\?\\\\*", "case_insensitive": True}}},
        ),
        (
            Not(Contains("brand", "o")),
            unlike("brand", {"wildcard": {"brand": {"value": "*o*", "case_insensitive": True}}}),
        ),
        (IsNull("title"), {"bool": {"must_not": [exists("title")]}}),
        (Not(IsNull("place")), exists("place")),
        (Comparison("=", "released", dt.date(2026, 1, 31)), term("released", "2026-01-31")),
        (Comparison(">", "seen", NOON), {"range": {"seen": {"gt": "2026-01-31T12:00:00+00:00"}}}),
        (
            Comparison("<=", "seen", dt.date(2026, 1, 31)),
            {"range": {"seen": {"lt": "2026-02-01T00:00:00+00:00"}}},
        ),
        (Comparison(">=", "opens", dt.time(9)), {"range": {"opens": {"gte": "09:00:00"}}}),
        (
            Or((IsNull("brand"), And((IsNull("title"), Not(IsNull("price")))))),
            {
                "bool": {
                    "should": [
                        {"bool": {"must_not": [exists("brand")]}},
                        {"bool": {"filter": [{"bool": {"must_not": [exists("title")]}}, exists("price")]}},
                    ],
                    "minimum_should_match": 1,
                }
            },
        ),
    ],
)
def test_query(shop: Catalog, node: Filter, expected: dict[str, Any] | list[dict[str, Any]]) -> None:
    assert conditions(node, shop) == (expected if isinstance(expected, list) else [expected])


def test_and_fills_the_filter_list(shop: Catalog) -> None:
    node = And((Comparison("<", "price", 80), And((IsNull("brand"), Not(IsNull("title"))))))
    assert conditions(node, shop) == [
        {"range": {"price": {"lt": 80}}},
        {"bool": {"must_not": [exists("brand")]}},
        exists("title"),
    ]


def test_nothing_asked(shop: Catalog) -> None:
    assert compile_dialect("elasticsearch", Interpretation(), shop) == {
        "query": {"bool": {"filter": []}},
        "lossy": [],
    }


def test_sort_size_and_words(shop: Catalog) -> None:
    asked = Interpretation(sort=(Sort("price", "asc"), Sort("title", "desc")), limit=10, text="loud ones")
    assert compile_dialect("elasticsearch", asked, shop) == {
        "query": {"bool": {"filter": [], "must": [{"multi_match": {"query": "loud ones", "fields": ["title"]}}]}},
        "sort": [
            {"price": {"order": "asc", "missing": "_last"}},
            {"title.keyword": {"order": "desc", "missing": "_last"}},
        ],
        "size": 10,
        "lossy": [],
    }
