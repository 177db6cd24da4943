"""Measures, by hand on small examples."""

import datetime as dt
from typing import Any

import pytest

from nlp2filters.core.filters import (
    And,
    Between,
    Comparison,
    Contains,
    Filter,
    Not,
    OneOf,
    Or,
    leaves,
)
from nlp2filters.core.interpretation import Clarification, Condition, Ignored, Interpretation, Sort, Span
from nlp2filters.core.meaning import canonical
from nlp2filters.evaluation import cases
from nlp2filters.evaluation.cases import Case, Collection, Expected
from nlp2filters.evaluation.measures import Count, by_category, calibration_error, judge, summarize

SONY, BOSE = Comparison("=", "brand", "Sony"), Comparison("=", "brand", "Bose")
CHEAP = Comparison("<", "price", 80)


def reading(node: Filter | None, confidence: float = 1.0, **more: object) -> Interpretation:
    conditions = tuple(Condition(leaf, Span(0, 0), "", confidence, "exact") for leaf in leaves(node))
    return Interpretation(filter=node, conditions=conditions, **more)  # type: ignore[arg-type]


def flat(*conditions: cases.Condition) -> Case:
    return Case("1", "shop", "t", "c", conditions)


def exact(node: Filter | None, **more: object) -> Case:
    return Case("1", "shop", "t", "c", cases.flatten(node), Expected((node,), **more))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (And((SONY, CHEAP)), And((CHEAP, SONY))),
        (Between("price", 5, 10), And((Comparison("<=", "price", 10), Comparison(">=", "price", 5)))),
        (OneOf("brand", ("Sony", "Bose")), Or((BOSE, SONY))),
        (OneOf("brand", ("Sony",)), SONY),
        (Not(And((SONY, CHEAP))), Or((Comparison("<>", "brand", "Sony"), Comparison(">=", "price", 80)))),
        (Not(OneOf("brand", ("Sony", "Bose"))), And((Not(SONY), Not(BOSE)))),
        (Contains("brand", "SO"), Contains("brand", "so")),
        (Not(Comparison("=", "wireless", True)), Comparison("=", "wireless", False)),
    ],
)
def test_filters_that_say_the_same(one: Filter, other: Filter) -> None:
    assert canonical(one) == canonical(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (And((SONY, CHEAP)), Or((SONY, CHEAP))),
        (CHEAP, Comparison("<=", "price", 80)),
        (SONY, BOSE),
        (SONY, None),
        (Contains("brand", "so"), Not(Contains("brand", "so"))),
    ],
)
def test_filters_that_do_not(one: Filter, other: Filter | None) -> None:
    assert canonical(one) != canonical(other)


def test_exact_is_the_whole_envelope(shop: Collection) -> None:
    case = exact(CHEAP, sort=(Sort("price", "asc"),), limit=3, text="loud", ignored=("€5",), asks=True)
    right: dict[str, Any] = {
        "sort": (Sort("price", "asc"),),
        "limit": 3,
        "text": "Loud",
        "ignored": (Ignored(Span(0, 2), "€5", "why"),),
        "clarification": Clarification("?", ("a", "b")),
    }
    assert judge(case, reading(CHEAP, **right), shop).exact
    for wrong in ({"sort": ()}, {"limit": None}, {"text": ""}, {"ignored": ()}, {"clarification": None}):
        assert not judge(case, reading(CHEAP, **{**right, **wrong}), shop).exact
    assert not judge(case, reading(SONY, **right), shop).exact


def test_another_filter_may_be_as_right(shop: Collection) -> None:
    case = Case("1", "shop", "t", "c", cases.flatten(SONY), Expected((SONY, BOSE)))
    judged = judge(case, reading(BOSE), shop)
    assert (judged.exact, judged.conditions) == (True, Count(1, 1, 1))


def test_flat_conditions_are_matched_one_to_one(shop: Collection) -> None:
    case = flat(cases.Condition("Brand", "eq", "sony"), cases.Condition("price", "lte", "$80"))
    judged = judge(case, reading(And((SONY, CHEAP, Comparison("=", "wireless", True)))), shop)
    assert not judged.exact
    assert judged.conditions == Count(right=1, expected=2, predicted=3)
    assert judged.values == judged.fields == Count(2, 2, 3)
    assert judge(case, reading(And((SONY, Comparison("<=", "price", 80)))), shop).exact


def test_alternatives_of_a_flat_condition(shop: Collection) -> None:
    case = flat(cases.Condition("brand", "eq", "Sony Corporation", ("Sony",)))
    assert judge(case, reading(SONY), shop).exact


def test_labels_that_tell_less(shop: Collection) -> None:
    case = flat(cases.Condition("price", "lte", 80))
    assert not judge(case, reading(CHEAP), shop).exact
    assert judge(case, reading(CHEAP), Collection(shop.catalog, strict=False)).exact
    assert judge(case, reading(Comparison(">", "price", 80)), Collection(shop.catalog, operators=False)).exact


def test_a_date_without_a_year_is_of_the_reference_year(shop: Collection) -> None:
    case = flat(cases.Condition("released", "eq", "March 1st"))
    node = Comparison("=", "released", dt.date(2019, 3, 1))
    assert judge(case, reading(node), Collection(shop.catalog, reference_date=dt.date(2019, 6, 1))).exact


def test_calibration_error() -> None:
    assert calibration_error([]) is None
    assert calibration_error([(1.0, True), (1.0, True)]) == 0
    assert calibration_error([(0.9, True), (0.9, False)]) == pytest.approx(0.4)
    # one bin 0.1 too sure over two pairs, another 0.6 too unsure over two
    assert calibration_error([(0.6, True), (0.6, False), (0.4, True), (0.4, True)]) == pytest.approx(0.35)


def test_a_summary(shop: Collection) -> None:
    right = judge(exact(SONY), reading(SONY, 0.9), shop, latency_s=0.010, usage={"prompt_tokens": 5})
    wrong = judge(exact(SONY), reading(BOSE, 0.9), shop, latency_s=0.030, usage={"prompt_tokens": 6}, degraded=True)
    found = summarize([right, wrong])
    assert (found.cases, found.exact, found.condition_f1, found.value_f1, found.field_f1) == (2, 0.5, 0.5, 0.5, 1.0)
    assert found.calibration_error == pytest.approx(0.4)
    assert (found.p50_ms, found.p95_ms) == pytest.approx((20, 29))
    assert (found.usage, found.degraded) == ({"prompt_tokens": 11}, 1)
    assert by_category([right, wrong]) == {"c": found}
    assert summarize([right]).p95_ms == pytest.approx(10)
