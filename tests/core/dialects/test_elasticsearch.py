"""Filters as Query DSL."""

import datetime as dt
from typing import Any

import pytest

from nlp2filters.core.catalog import Catalog
from nlp2filters.core.dialects import DEFAULTS, Options, mapping_faults
from nlp2filters.core.dialects import compile as compile_dialect
from nlp2filters.core.filters import And, Between, Comparison, Contains, Filter, IsNull, Not, OneOf, Or
from nlp2filters.core.interpretation import Interpretation, Sort
from nlp2filters.core.mapping import EngineMapping, StoredField


def exists(name: str) -> dict[str, Any]:
    return {"exists": {"field": name}}


def unlike(name: str, query: dict[str, Any]) -> list[dict[str, Any]]:
    return [exists(name), {"bool": {"must_not": [query]}}]


def conditions(node: Filter, shop: Catalog, options: Options = DEFAULTS) -> list[dict[str, Any]]:
    compiled = compile_dialect("elasticsearch", Interpretation(filter=node), shop, options)
    assert compiled.keys() == {"query", "lossy"}
    filters: list[dict[str, Any]] = compiled["query"]["bool"]["filter"]
    return filters


def term(name: str, value: Any, **options: Any) -> dict[str, Any]:
    return {"term": {name: {"value": value, **options}}}


NOON = dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (Comparison("=", "origin", "usa"), term("origin.keyword", "usa")),
        (Comparison("=", "brand", "Bose"), term("brand.keyword", "Bose", case_insensitive=True)),
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
        (OneOf("origin", ("usa", "japan")), {"terms": {"origin.keyword": ["usa", "japan"]}}),
        (Not(OneOf("doors", (2, 4))), unlike("doors", {"terms": {"doors": [2, 4]}})),
        (
            OneOf("brand", ("Bose", "x")),
            {
                "bool": {
                    "should": [
                        term("brand.keyword", "Bose", case_insensitive=True),
                        term("brand.keyword", "x", case_insensitive=True),
                    ],
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
            unlike("brand", {"wildcard": {"brand.keyword": {"value": "*o*", "case_insensitive": True}}}),
        ),
        (IsNull("title"), {"bool": {"must_not": [exists("title")]}}),
        (Not(IsNull("place")), exists("place")),
        (Comparison("=", "released", dt.date(2026, 1, 31)), term("released", "2026-01-31")),
        (Comparison(">", "seen", NOON), {"range": {"seen": {"gt": "2026-01-31T12:00:00.000Z"}}}),
        (
            Comparison("<=", "seen", dt.date(2026, 1, 31)),
            {"range": {"seen": {"lt": "2026-02-01T00:00:00.000Z"}}},
        ),
        (Comparison(">=", "opens", dt.time(9)), {"range": {"opens.keyword": {"gte": "09:00:00"}}}),
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


def losses(node: Filter, shop: Catalog, options: Options = DEFAULTS) -> list[tuple[str, str]]:
    compiled = compile_dialect("elasticsearch", Interpretation(filter=node), shop, options)
    return [(loss["pointer"], loss["effect"]) for loss in compiled["lossy"]]


LONG = "x" * 257


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        # Long texts are not in `title.keyword`: https://www.elastic.co/docs/reference/elasticsearch/mapping-reference/ignore-above
        (Contains("title", "x"), [("/filter", "narrower")]),
        (Not(Contains("title", "x")), [("/filter/args/0", "wider")]),
        (Comparison("=", "brand", LONG), [("/filter", "narrower")]),
        (Comparison("=", "brand", LONG[1:]), []),
        (Comparison("=", "brand", "𝄞" * 129), [("/filter", "narrower")]),
        (Comparison("=", "origin", "usa"), []),
        # Numbers of a dynamic mapping are floats: https://www.elastic.co/docs/manage-data/data-store/mapping/dynamic-field-mapping
        (Comparison("=", "price", 19.99), []),
        (Comparison("=", "price", 12345678.5), [("/filter", "wider")]),
        (Comparison("<", "price", 12345678.5), [("/filter", "narrower")]),
        (Comparison("<=", "price", 12345678.5), [("/filter", "wider")]),
        (Comparison("=", "doors", 12345678), []),
        # Dates have milliseconds: https://www.elastic.co/docs/reference/elasticsearch/mapping-reference/date
        (Comparison(">", "seen", NOON.replace(microsecond=1500)), [("/filter", "wider")]),
        (Comparison(">", "seen", NOON.replace(microsecond=1000)), []),
    ],
)
def test_what_the_index_does_not_hold(shop: Catalog, node: Filter, expected: list[tuple[str, str]]) -> None:
    assert losses(node, shop) == expected


def test_a_mapping_that_holds_all_of_a_text_and_of_a_number(shop: Catalog) -> None:
    fields = {"title": StoredField(exact="title.whole"), "price": StoredField(form="native")}
    options = Options(mappings={"elasticsearch": EngineMapping(fields=fields)})
    assert losses(And((Contains("title", "x"), Comparison("=", "price", 12345678.5))), shop, options) == []
    assert conditions(Contains("title", "x"), shop, options) == [
        {"wildcard": {"title.whole": {"value": "*x*", "case_insensitive": True}}}
    ]


def test_both_zeros(shop: Catalog) -> None:
    """Where -0.0 is less than 0.0: https://www.elastic.co/docs/reference/elasticsearch/mapping-reference/number"""
    assert repr(conditions(Comparison("=", "price", 0), shop)) == "[{'terms': {'price': [0.0, -0.0]}}]"
    assert repr(conditions(Comparison("<", "price", 0), shop)) == "[{'range': {'price': {'lt': -0.0}}}]"
    assert repr(conditions(Comparison(">=", "price", 0), shop)) == "[{'range': {'price': {'gte': -0.0}}}]"
    assert repr(conditions(Comparison("<=", "price", 0), shop)) == "[{'range': {'price': {'lte': 0}}}]"
    assert repr(conditions(Comparison("=", "doors", 0), shop)) == "[{'term': {'doors': {'value': 0}}}]"


NESTED = Options(
    mappings={
        "elasticsearch": EngineMapping(fields={"rating": StoredField(name="reviews.rating", nested="reviews")}),
    }
)


def test_objects_of_their_own(shop: Catalog) -> None:
    """https://www.elastic.co/docs/reference/query-languages/query-dsl/query-dsl-nested-query"""

    def nested(query: dict[str, Any]) -> dict[str, Any]:
        return {"nested": {"path": "reviews", "query": query}}

    good = nested({"range": {"reviews.rating": {"gte": 4}}})
    there = nested({"exists": {"field": "reviews.rating"}})
    assert conditions(Comparison(">=", "rating", 4), shop, NESTED) == [good]
    assert conditions(Not(Between("rating", 4, 5)), shop, NESTED) == [
        there,
        {"bool": {"must_not": [nested({"range": {"reviews.rating": {"gte": 4, "lte": 5}}})]}},
    ]
    asked = Interpretation(sort=(Sort("rating", "desc"),))
    assert compile_dialect("elasticsearch", asked, shop, NESTED)["sort"] == [
        {"reviews.rating": {"order": "desc", "missing": "_last", "nested": {"path": "reviews"}}}
    ]


def test_many_values(shop: Catalog) -> None:
    """https://www.elastic.co/docs/reference/elasticsearch/index-settings/index-modules: at most 65,536 terms"""
    (query,) = conditions(OneOf("doors", tuple(range(65_537))), shop)
    assert [len(part["terms"]["doors"]) for part in query["bool"]["should"] if "terms" in part] == [65_536]
    folded = OneOf("brand", tuple(f"b{number}" for number in range(1_025)))
    assert losses(folded, shop) == [("/filter", "wider")]
    assert losses(OneOf("brand", folded.values, exact=True), shop) == []


def test_more_rows_than_a_page(shop: Catalog) -> None:
    compiled = compile_dialect("elasticsearch", Interpretation(limit=10_001), shop)
    assert compiled["size"] == 10_000
    assert [loss["pointer"] for loss in compiled["lossy"]] == ["/limit"]


def test_a_mapping_may_name_what_the_engine_has(shop: Catalog) -> None:
    assert mapping_faults(dict(NESTED.mappings) | {"opensearch": NESTED.mappings["elasticsearch"]}, shop) == []
