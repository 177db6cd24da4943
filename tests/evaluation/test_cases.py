"""Cases and catalogs as they stand in files."""

import datetime as dt

import orjson
import pytest

from nlp2filters.core.filters import And, Between, Comparison, Contains, Filter, Not, OneOf, RelativeDate
from nlp2filters.core.interpretation import Sort
from nlp2filters.errors import InvalidCases, InvalidCatalog
from nlp2filters.evaluation.cases import Collection, Condition, Expected, flatten, read_cases, read_collections


def line(**data: object) -> bytes:
    return orjson.dumps({"id": "1", "catalog": "shop", "text": "t", **data}) + b"\n"


def test_catalogs_of_both_forms() -> None:
    flat = {
        "catalog": "flights",
        "reference_date": "2019-03-01",
        "ops_labelled": False,
        "fields": [
            {"name": "fare", "type": "money", "description": None, "values": None, "unit": None},
            {"name": "airline", "type": "keyword", "description": "who flies", "values": ["KLM", "KLM"], "unit": None},
        ],
    }
    own = {"name": "shop", "fields": [{"name": "brand", "type": "keyword"}]}
    found = read_collections(orjson.dumps([flat, own]))
    assert list(found) == ["flights", "shop"]
    assert found["flights"].catalog.by_name["fare"].currency == "USD"
    assert [value.value for value in found["flights"].catalog.by_name["airline"].values] == ["KLM"]
    assert found["flights"].reference_date == dt.date(2019, 3, 1)
    assert (found["flights"].operators, found["shop"].operators, found["shop"].strict) == (False, True, True)


def test_a_fault_of_a_catalog_says_which_catalog() -> None:
    with pytest.raises(InvalidCatalog) as caught:
        read_collections(b'[{"name": "a", "fields": [{"name": "b", "type": "money"}]}]')
    assert caught.value.violations[0].pointer == "/0/fields/0/currency"


def test_a_case_with_its_whole_envelope(shop: Collection) -> None:
    expected = {
        "filter": {"op": "<", "args": [{"property": "price"}, 80]},
        "sort": [["price", "asc"]],
        "limit": 3,
        "text": "loud",
        "ignored": [],
    }
    (case,) = read_cases(line(category="money", expected=expected), {"shop": shop})
    assert case.category == "money"
    assert case.conditions == (Condition("price", "lt", 80),)
    assert case.expected == Expected(
        filters=(Comparison("<", "price", 80),), sort=(Sort("price", "asc"),), limit=3, text="loud", ignored=()
    )


def test_relative_dates_of_a_case_are_resolved(shop: Collection) -> None:
    relative = {"relative": {"offset": 0, "unit": "year", "floor": "year"}}
    expected = {"filter": {"op": ">=", "args": [{"property": "released"}, relative]}}
    (case,) = read_cases(line(today="2026-05-05", expected=expected), {"shop": shop})
    assert case.conditions == (Condition("released", "gte", "2026-01-01"),)


def test_a_flat_case(shop: Collection) -> None:
    flat = [{"field": "Brand", "op": "eq", "value": "sony", "alt": ["Sony Corp."]}]
    (case,) = read_cases(b"\n" + line(conditions=flat), {"shop": shop})
    assert case.conditions == (Condition("Brand", "eq", "sony", ("Sony Corp.",)),)
    assert (case.category, case.expected) == ("1 condition", None)


def test_every_faulty_line_is_named(shop: Collection) -> None:
    wrong = {"filter": {"op": "<", "args": [{"property": "cost"}, 80]}}
    with pytest.raises(InvalidCases) as caught:
        read_cases(b"{\n" + line(catalog="other") + line(expected=wrong) + line(), {"shop": shop})
    assert [violation.pointer for violation in caught.value.violations] == [
        "/1",
        "/2",
        "/3/expected/filter/args/0/property",
        "/4",
    ]


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (None, []),
        (Between("price", 5, 10), [("price", "gte", 5), ("price", "lte", 10)]),
        (Not(OneOf("brand", ("Sony", "Bose"))), [("brand", "ne", "Sony"), ("brand", "ne", "Bose")]),
        (OneOf("brand", ("Sony", "Bose")), [("brand", "in", ["Sony", "Bose"])]),
        (Not(Contains("brand", "so")), [("brand", "ne", "so")]),
        (Not(Comparison("<", "price", 5)), [("price", "gte", 5)]),
        (
            And((Comparison("=", "wireless", True), Comparison("<>", "released", dt.date(2026, 1, 1)))),
            [("wireless", "eq", True), ("released", "ne", "2026-01-01")],
        ),
        (Comparison(">", "released", RelativeDate(-7, "day")), [("released", "gt", {"offset": -7})]),
    ],
)
def test_a_filter_as_flat_conditions(node: Filter | None, expected: list[tuple[str, str, object]]) -> None:
    assert [(found.field, found.op, _first(found.value)) for found in flatten(node)] == expected


def _first(value: object) -> object:
    return {"offset": value["offset"]} if isinstance(value, dict) else value
