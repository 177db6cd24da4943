"""Reading the answers of an LLM, good and bad."""

import datetime as dt
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp2filters import demo
from nlp2filters.core.conversation import Conversation
from nlp2filters.core.filters import And, Between, Comparison, Not, OneOf, Or
from nlp2filters.core.interpretation import Clarification, Sort
from nlp2filters.core.llm.answer_reader import MAX_VIOLATIONS_LENGTH, read_answer
from nlp2filters.errors import InvalidAnswer

CARS = demo.catalog("cars")
MOVIES = demo.catalog("movies")
TEXT = "japanese cars with at least 30 mpg, lightest first 🚗"
C = Comparison


def condition(field: str, op: str, value: Any, quote: str = "japanese", confidence: float = 0.9) -> dict[str, Any]:
    return {"field": field, "op": op, "value": value, "quote": quote, "confidence": confidence}


def answer(*conditions: dict[str, Any], **rest: Any) -> str:
    empty: dict[str, Any] = {
        "alternatives": [],
        "sort": [],
        "limit": None,
        "text": "",
        "ignored": [],
        "clarification": None,
    }
    return json.dumps({"conditions": conditions, **empty, **rest})


def test_a_good_answer() -> None:
    content = answer(
        condition("Origin", "=", "japan"),
        condition("Miles_per_Gallon", ">=", 30, "at least 30 mpg"),
        sort=[{"field": "Weight_in_lbs", "direction": "asc"}],
        limit=5,
        ignored=[{"quote": "CARS", "reason": "names the records"}],
        clarification={"question": "Which?", "choices": ["a", "b"]},
    )
    reading = read_answer(content, TEXT, CARS)
    assert reading.filter == And((C("=", "Origin", "Japan"), C(">=", "Miles_per_Gallon", 30)))
    assert (reading.sort, reading.limit) == ((Sort("Weight_in_lbs", "asc"),), 5)
    assert [(part.quote, part.span.of(TEXT), part.source) for part in reading.conditions] == [
        ("japanese", "japanese", "llm"),
        ("at least 30 mpg", "at least 30 mpg", "llm"),
    ]
    assert reading.ignored[0].quote == "cars"
    assert reading.clarification == Clarification("Which?", ("a", "b"))


def test_alternatives_become_an_or_after_what_they_share() -> None:
    content = answer(
        condition("Origin", "=", "Japan"),
        condition("Cylinders", "=", 4),
        condition("Horsepower", ">", 200),
        alternatives=[[0, 1], [0, 2]],
    )
    assert read_answer(content, TEXT, CARS).filter == And(
        (C("=", "Origin", "Japan"), Or((C("=", "Cylinders", 4), C(">", "Horsepower", 200))))
    )


def test_values_take_the_form_of_the_catalog() -> None:
    text = "films of 2003 that are not PG or G"
    content = answer(
        condition("Release_Date", "between", ["2003-01-01", "2003-12-31"], "2003"),
        condition("MPAA_Rating", "not in", ["pg", "g"], "not PG or  G"),
    )
    assert read_answer(f"```json\n{content}\n```", text, MOVIES).filter == And(
        (
            Between("Release_Date", dt.date(2003, 1, 1), dt.date(2003, 12, 31)),
            Not(OneOf("MPAA_Rating", ("PG", "G"))),
        )
    )


@pytest.mark.parametrize(
    ("content", "violation"),
    [
        ('{"conditions": [', "no JSON"),
        ("[]", "/: Input should be"),
        ("{}", "/conditions: Field required"),
        (answer(condition("Colour", "=", "red")), "/conditions/0/field: There is no field 'Colour'"),
        (answer(condition("Origin", "=", "France")), "/conditions/0/value: 'France' is not a value of 'Origin'"),
        (answer(condition("Origin", ">", "Japan")), "/conditions/0/op: '>' does not apply"),
        (answer(condition("Cylinders", "=", "many")), "/conditions/0/value: Expected a number"),
        (answer(condition("Cylinders", "between", 4)), "/conditions/0/value: The operator 'between' takes a list"),
        (answer(condition("Cylinders", "~", 4)), "/conditions/0/op"),
        (answer(condition("Cylinders", "=", 4, "four cylinders")), "/conditions/0/quote: The quote does not occur"),
        (answer(condition("Cylinders", "=", 4, "  ")), "/conditions/0/quote"),
        (answer(condition("Cylinders", "=", 4, confidence=2)), "/conditions/0/confidence"),
        (answer(condition("Cylinders", "=", 4), alternatives=[[1]]), "/alternatives/0: An index"),
        (
            answer(condition("Cylinders", "=", 4), condition("Year", "=", 1970), alternatives=[[1]]),
            "conditions [0] are",
        ),
        (answer(sort=[{"field": "Colour", "direction": "asc"}]), "/sort/0/field"),
        (answer(sort=[{"field": "Year", "direction": "up"}]), "/sort/0/direction"),
        (answer(limit=0), "/limit"),
        (answer(more="x"), "/more: Extra inputs"),
        (answer(ignored=[{"quote": "boats", "reason": "?"}]), "/ignored/0/quote"),
    ],
)
def test_a_faulty_answer_says_where(content: str, violation: str) -> None:
    with pytest.raises(InvalidAnswer) as caught:
        read_answer(content, TEXT, CARS)
    assert violation in str(caught.value)


def test_every_fault_is_named() -> None:
    content = answer(
        condition("Colour", "=", 1), condition("Origin", "=", "France"), condition("Year", "=", 1970, "no")
    )
    with pytest.raises(InvalidAnswer) as caught:
        read_answer(content, TEXT, CARS)
    assert [line.partition(":")[0] for line in str(caught.value).splitlines()] == [
        "/conditions/0/field",
        "/conditions/1/value",
        "/conditions/2/quote",
    ]


def test_the_faults_fit_into_a_message() -> None:
    content = answer(*[condition("x" * 100, "=", 1) for _ in range(50)])
    with pytest.raises(InvalidAnswer) as caught:
        read_answer(content, TEXT, CARS)
    assert len(str(caught.value)) <= MAX_VIOLATIONS_LENGTH


def test_a_followup_quotes_the_earlier_texts_too() -> None:
    reading = read_answer(answer(condition("Origin", "=", "Japan", "japanese")), "japanese cars", CARS)
    conversation = Conversation.of("job_1", "japanese cars", reading)
    content = answer(
        condition("Origin", "=", "Japan", "japanese"), condition("Miles_per_Gallon", ">", 30, "over 30 mpg")
    )
    read = read_answer(content, "over 30 mpg", CARS, conversation)
    assert [(one.quote, one.said_in) for one in read.conditions] == [("japanese", "job_1"), ("over 30 mpg", None)]
    with pytest.raises(InvalidAnswer, match="quote"):
        read_answer(content, "over 30 mpg", CARS)


def test_a_filter_of_too_many_parts_is_refused() -> None:
    conditions = [condition("Horsepower", ">", number) for number in range(20)]
    content = answer(*conditions, alternatives=[[at for at in range(20) if at != left] for left in range(20)])
    with pytest.raises(InvalidAnswer, match="too many parts"):
        read_answer(content, TEXT, CARS)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)
CONDITION = st.fixed_dictionaries(
    {
        "field": st.sampled_from([field.name for field in MOVIES.fields]) | st.text(max_size=5),
        "op": st.sampled_from(["=", "<>", "<", "between", "in", "not in", "contains", "isNull", "not isNull"])
        | st.text(),
        "value": JSON,
        "quote": st.sampled_from(["japanese", "30", "🚗", ""]),
        "confidence": st.floats(0, 1),
    }
)


@given(st.lists(CONDITION, max_size=4), st.lists(st.lists(st.integers(-1, 5), max_size=3), max_size=3) | JSON)
def test_any_answer_is_read_or_refused(conditions: list[Any], alternatives: Any) -> None:
    content = json.dumps({"conditions": conditions, "alternatives": alternatives})
    try:
        reading = read_answer(content, TEXT, MOVIES)
    except InvalidAnswer:
        return
    assert all(part.span.of(TEXT) == part.quote for part in reading.conditions)
