"""Interpretations as JSON and back, and their relative dates."""

import datetime as dt
import json
from typing import Any

import pytest

from nlp2filters.core.filters import (
    And,
    Between,
    Comparison,
    Contains,
    IsNull,
    Leaf,
    Not,
    OneOf,
    RelativeDate,
)
from nlp2filters.core.interpretation import (
    Alternative,
    Clarification,
    Condition,
    Ignored,
    Interpretation,
    Sort,
    Span,
    from_json,
    leaf_from_json,
    leaf_to_json,
    resolve,
    to_json,
)
from nlp2filters.errors import InvalidFilter

TEXT = "cheap ones from this year, please"
THIS_YEAR = RelativeDate(0, "year", "year")
FULL = Interpretation(
    filter=And((Comparison(">=", "released", THIS_YEAR), Not(Contains("name", "beats")))),
    sort=(Sort("price", "asc"),),
    limit=10,
    text="ones",
    conditions=(
        Condition(
            Comparison(">=", "released", THIS_YEAR),
            Span(16, 25),
            "this year",
            0.75,
            "exact",
            alternatives=(
                Alternative(Between("released", THIS_YEAR, dt.date(2026, 12, 31)), 0.25),
                Alternative(OneOf("released", (THIS_YEAR,)), 0.125),
            ),
        ),
        Condition(Not(IsNull("price")), Span(0, 5), "cheap", 1.0, "llm"),
    ),
    ignored=(Ignored(Span(27, 33), "please", "politeness"),),
    clarification=Clarification("Which year?", ("2025", "2026")),
)


def test_a_span_gives_its_words() -> None:
    assert Span(16, 25).of(TEXT) == "this year"
    assert Span(2, 3).of("né😀!") == "😀"


@pytest.mark.parametrize("interpretation", [FULL, Interpretation()])
def test_json_round_trip(interpretation: Interpretation) -> None:
    assert from_json(json.loads(json.dumps(to_json(interpretation)))) == interpretation


def test_the_json_of_a_condition() -> None:
    assert to_json(FULL)["conditions"][1] == {
        "field": "price",
        "op": "not isNull",
        "value": None,
        "quote": "cheap",
        "span": [0, 5],
        "confidence": 1.0,
        "source": "llm",
        "alternatives": [],
        "said_in": None,
    }


def test_the_json_of_nothing() -> None:
    assert to_json(Interpretation()) == {
        "filter": None,
        "sort": [],
        "limit": None,
        "text": "",
        "conditions": [],
        "ignored": [],
        "clarification": None,
        "mentions": [],
    }


@pytest.mark.parametrize(
    ("test", "data"),
    [
        (Comparison("<=", "price", 80), {"field": "price", "op": "<=", "value": 80}),
        (Comparison("=", "d", dt.date(2026, 1, 1)), {"field": "d", "op": "=", "value": {"date": "2026-01-01"}}),
        (Between("a", 1, 2), {"field": "a", "op": "between", "value": [1, 2]}),
        (Not(Between("a", 1, 2)), {"field": "a", "op": "not between", "value": [1, 2]}),
        (OneOf("a", ("x", "y")), {"field": "a", "op": "in", "value": ["x", "y"]}),
        (Not(OneOf("a", ("x",))), {"field": "a", "op": "not in", "value": ["x"]}),
        (Contains("a", "x"), {"field": "a", "op": "contains", "value": "x"}),
        (Not(Contains("a", "x")), {"field": "a", "op": "not contains", "value": "x"}),
        (IsNull("a"), {"field": "a", "op": "isNull", "value": None}),
        (Not(IsNull("a")), {"field": "a", "op": "not isNull", "value": None}),
    ],
)
def test_tests_as_json(test: Leaf | Not, data: dict[str, Any]) -> None:
    assert leaf_to_json(test) == data
    assert leaf_from_json(data) == test


@pytest.mark.parametrize("test", [Not(Comparison("=", "a", 1)), Not(Not(IsNull("a"))), Not(And((IsNull("a"),) * 2))])
def test_only_normal_forms_are_written(test: Not) -> None:
    with pytest.raises(ValueError, match="negation normal form"):
        leaf_to_json(test)


@pytest.mark.parametrize(
    ("op", "value", "error"),
    [
        ("~", 1, ValueError),
        (5, 1, ValueError),
        ("not not in", [1], ValueError),
        ("not", 1, ValueError),
        ("=", None, InvalidFilter),
        ("in", [None], InvalidFilter),
        ("in", "ab", InvalidFilter),
        ("in", 5, InvalidFilter),
        ("between", [1], InvalidFilter),
        ("between", 1, InvalidFilter),
        ("between", "ab", InvalidFilter),
        ("contains", 5, InvalidFilter),
    ],
)
def test_tests_that_are_not_understood(op: Any, value: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        leaf_from_json({"field": "a", "op": op, "value": value})


def test_resolve_reaches_conditions_and_alternatives() -> None:
    resolved = resolve(FULL, dt.date(2026, 11, 24))
    first = dt.date(2026, 1, 1)
    assert resolved.filter == And((Comparison(">=", "released", first), Not(Contains("name", "beats"))))
    assert resolved.conditions[0].test == Comparison(">=", "released", first)
    assert [other.test for other in resolved.conditions[0].alternatives] == [
        Between("released", first, dt.date(2026, 12, 31)),
        OneOf("released", (first,)),
    ]
    assert resolved.conditions[1] == FULL.conditions[1]


def test_resolve_takes_the_callers_week() -> None:
    monday = Interpretation(filter=Comparison("=", "d", RelativeDate(0, "week", "week")))
    assert resolve(monday, dt.date(2026, 11, 24), 6).filter == Comparison("=", "d", dt.date(2026, 11, 22))
