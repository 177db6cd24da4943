"""How sure an LLM's conditions are beside those of the draft, and what is told of their differences."""

import datetime as dt
from typing import Any

from nlp2filters import demo
from nlp2filters.core.agreement import disagreement, weighed
from nlp2filters.core.filters import Between, Comparison, Filter, Leaf, OneOf, all_of
from nlp2filters.core.interpretation import Condition, Interpretation, Sort, Span

CARS = demo.catalog("cars")
C = Comparison
JAPAN, FAST = C("=", "Origin", "Japan"), C(">", "Horsepower", 100)


def reading(*conditions: tuple[Leaf, float, tuple[int, int]], **rest: Any) -> Interpretation:
    built = [Condition(test, Span(*span), "x", confidence, "llm") for test, confidence, span in conditions]
    filter_: Filter | None = all_of(*(condition.test for condition in built))
    return Interpretation(filter=filter_, conditions=tuple(built), **rest)


def confidences(by_llm: Interpretation, draft: Interpretation) -> list[float]:
    return [round(condition.confidence, 3) for condition in weighed(by_llm, draft).conditions]


def test_a_condition_that_both_have_is_as_sure_as_the_surer_of_the_two() -> None:
    by_llm = reading((JAPAN, 0.6, (0, 8)), (Between("Year", 1970, 1975), 0.9, (9, 20)))
    low, high = C(">=", "Year", 1970), C("<=", "Year", 1975)
    draft = reading((OneOf("Origin", ("Japan",)), 0.98, (0, 8)), (low, 0.8, (9, 20)), (high, 0.8, (9, 20)))
    assert confidences(by_llm, draft) == [0.98, 0.9]
    assert disagreement(by_llm, draft, CARS) is None


def test_a_contradiction_costs_confidence_the_more_the_surer_the_draft() -> None:
    by_llm = reading((JAPAN, 0.9, (0, 8)))
    europe = C("=", "Origin", "Europe")
    assert confidences(by_llm, reading((europe, 1.0, (30, 38)))) == [0.45]  # the same field
    assert confidences(by_llm, reading((europe, 0.2, (30, 38)))) == [0.81]
    assert confidences(by_llm, reading((FAST, 1.0, (0, 8)))) == [0.45]  # the same words
    assert confidences(by_llm, reading((FAST, 1.0, (30, 38)))) == [0.9]  # something else


def test_the_differences_go_from_the_draft_to_the_llm() -> None:
    by_llm = reading((JAPAN, 0.9, (0, 8)), (C("<", "Year", 1975), 0.9, (9, 12)), limit=5)
    draft = reading((JAPAN, 0.9, (0, 8)), (FAST, 0.9, (9, 12)), sort=(Sort("Year", "asc"),))
    told = disagreement(by_llm, draft, CARS)
    assert told
    assert [test["field"] for test in told["added"]] == ["Year"]
    assert [test["field"] for test in told["removed"]] == ["Horsepower"]
    assert told["limit"] == {"from": None, "to": 5}
    assert told["sort"] == {"from": [{"field": "Year", "direction": "asc"}], "to": []}


def test_the_order_of_words_is_no_difference() -> None:
    assert disagreement(reading(text="Toy boats"), reading(text="boats toy"), CARS) is None
    assert disagreement(reading(text="boats"), reading(text="ships"), CARS)


def test_dates_are_compared_as_days() -> None:
    day = C("=", "Year", 1970)
    assert confidences(reading((day, 0.5, (0, 4))), reading((day, 0.9, (0, 4)))) == [0.9]
    movies, first = demo.catalog("movies"), dt.date(2003, 1, 1)
    one = reading((C(">=", "Release_Date", first), 0.9, (0, 4)))
    assert disagreement(one, reading((C(">=", "Release_Date", first), 0.8, (0, 4))), movies) is None
