"""Reading the answers of an LLM: good ones, bad ones, and those of which it is plain what they mean."""

import datetime as dt
import json
from contextlib import suppress
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp2filters import demo
from nlp2filters.core.conversation import Conversation
from nlp2filters.core.filters import And, Between, Comparison, IsNull, Not, OneOf, Or
from nlp2filters.core.interpretation import Clarification, Ignored, Sort, Span, from_json, to_json
from nlp2filters.core.llm.answer_reader import MAX_VIOLATIONS_LENGTH, read_answer
from nlp2filters.core.llm.salvage import UNSTATED_CONFIDENCE
from nlp2filters.errors import InvalidAnswer

CARS = demo.catalog("cars")
MOVIES = demo.catalog("movies")
TEXT = "japanese cars with at least 30 mpg, lightest first 🚗"
C = Comparison


def condition(
    field: str, op: str, value: Any, quote: str = "japanese", confidence: Any = 0.9, group: Any = 0
) -> dict[str, Any]:
    return {"quote": quote, "field": field, "op": op, "value": value, "group": group, "confidence": confidence}


def answer(*conditions: dict[str, Any], **rest: Any) -> str:
    empty: dict[str, Any] = {
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


EITHER = And((C("=", "Origin", "Japan"), Or((C("=", "Cylinders", 4), C(">", "Horsepower", 200)))))


@pytest.mark.parametrize("groups", [(0, 1, 2), (None, "1", "2"), ("", "a", "b"), (0, 7.0, 3)])
def test_groups_become_an_or_after_what_must_always_hold(groups: tuple[Any, ...]) -> None:
    tests = [("Origin", "=", "Japan"), ("Cylinders", "=", 4), ("Horsepower", ">", 200)]
    content = answer(*(condition(*test, group=group) for test, group in zip(tests, groups, strict=True)))
    assert read_answer(content, TEXT, CARS).filter == EITHER


def test_conditions_of_one_group_hold_together() -> None:
    content = answer(
        condition("Origin", "=", "Japan", group=1),
        condition("Cylinders", "=", 4, group=1),
        condition("Origin", "=", "Europe", group=2),
    )
    japan, europe = C("=", "Origin", "Japan"), C("=", "Origin", "Europe")
    assert read_answer(content, TEXT, CARS).filter == Or((And((japan, C("=", "Cylinders", 4))), europe))
    one_group = answer(condition("Origin", "=", "Japan", group=1), condition("Cylinders", "=", 4, group=1))
    assert read_answer(one_group, TEXT, CARS).filter == And((japan, C("=", "Cylinders", 4)))


@pytest.mark.parametrize(
    ("alternatives", "expected"),
    [
        ([[0, 1], [0, 2]], EITHER),
        ([[1, 0], [2, 0]], EITHER),
        ([], And((C("=", "Origin", "Japan"), C("=", "Cylinders", 4), C(">", "Horsepower", 200)))),
        ([[0, 1, 2]], And((C("=", "Origin", "Japan"), C("=", "Cylinders", 4), C(">", "Horsepower", 200)))),
        # Lists that lack a condition, or name one that there is not, say nothing that could be relied on.
        ([[1, 2]], And((C("=", "Origin", "Japan"), C("=", "Cylinders", 4), C(">", "Horsepower", 200)))),
        ([[0, 1], [9]], And((C("=", "Origin", "Japan"), C("=", "Cylinders", 4), C(">", "Horsepower", 200)))),
    ],
)
def test_an_answer_that_a_record_holds_in_the_earlier_form(alternatives: Any, expected: Any) -> None:
    conditions = [condition("Origin", "=", "Japan"), condition("Cylinders", "=", 4), condition("Horsepower", ">", 200)]
    for part in conditions:
        del part["group"]
    assert read_answer(answer(*conditions, alternatives=alternatives), TEXT, CARS).filter == expected


def test_a_condition_of_two_alternatives_of_the_earlier_form_is_told_once() -> None:
    content = answer(
        condition("Origin", "=", "Japan"),
        condition("Cylinders", "=", 4),
        condition("Horsepower", ">", 200),
        alternatives=[[0, 1], [0, 2], [1, 2]],
    )
    reading = read_answer(content, TEXT, CARS)
    japan, four, strong = C("=", "Origin", "Japan"), C("=", "Cylinders", 4), C(">", "Horsepower", 200)
    assert reading.filter == Or((And((japan, four)), And((japan, strong)), And((four, strong))))
    assert len(reading.conditions) == 3


GOOD = answer(condition("Origin", "=", "Japan"), condition("Miles_per_Gallon", ">=", 30, "at least 30 mpg"))
BOTH = And((C("=", "Origin", "Japan"), C(">=", "Miles_per_Gallon", 30)))


@pytest.mark.parametrize(
    "content",
    [
        f"```json\n{GOOD}\n```",
        f"```\n{GOOD}\n```\nI hope that this helps!",
        f"Sure! Here is the filter (see https://example.org):\n\n{GOOD}\n\nIt uses {{two}} conditions.",
        f"<think>The person wants [cars]… {{maybe}} {answer()}</think>\n{GOOD}",
        f"so it must be Japan.\n</think>\n\n{GOOD}",
        f"\ufeff{GOOD}",
        GOOD.replace("}]", "},]").replace('"text": ""', '"text": "", // nothing is left'),
        GOOD.replace("null", "None"),
        f"{GOOD}\n{GOOD}",
        json.dumps({"filter": json.loads(GOOD)}),
        json.dumps(json.loads(GOOD)["conditions"]),
        json.dumps({**json.loads(GOOD), "explanation": "Japanese cars.", "sort": None, "ignored": None}),
    ],
)
def test_json_in_any_wrapping(content: str) -> None:
    assert read_answer(content, TEXT, CARS).filter == BOTH


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (condition("Origin", "==", "Japan"), C("=", "Origin", "Japan")),
        (condition("Origin", "eq", "japanese"), C("=", "Origin", "Japan")),
        (condition("Origin", "!=", "Japan"), C("<>", "Origin", "Japan")),
        (condition("Origin", "=", ["Japan"]), C("=", "Origin", "Japan")),
        (condition("Origin", "=", ["Japan", "USA"]), OneOf("Origin", ("Japan", "USA"))),
        (condition("Origin", "<>", ["Japan", "USA"]), Not(OneOf("Origin", ("Japan", "USA")))),
        (condition("Origin", "IN", "Japan"), OneOf("Origin", ("Japan",))),
        (condition("Origin", "not_in", ["Japan", "USA"]), Not(OneOf("Origin", ("Japan", "USA")))),
        (condition("Origin", "=", None), IsNull("Origin")),
        (condition("Origin", "is not null", None), Not(IsNull("Origin"))),
        (condition("Origin", "isNull", False), Not(IsNull("Origin"))),
        (condition("origin", "=", "Japan"), C("=", "Origin", "Japan")),
        (condition("miles per gallon", "≥", "30"), C(">=", "Miles_per_Gallon", 30)),
        (condition("Fuel economy", "gte", 30), C(">=", "Miles_per_Gallon", 30)),
        (condition("Cylinders", "between", {"min": 4, "max": 6}), Between("Cylinders", 4, 6)),
        (condition("Cylinders", "=", 4, "“at least 30 mpg”."), C("=", "Cylinders", 4)),
        (condition("Cylinders", "=", 4, "japanes cars"), C("=", "Cylinders", 4)),
        (
            {key: value for key, value in condition("Cylinders", "=", 4).items() if key != "group"},
            C("=", "Cylinders", 4),
        ),
        ({**condition("Cylinders", "=", 4), "type": "number", "reason": "…"}, C("=", "Cylinders", 4)),
    ],
)
def test_a_condition_in_words_that_can_only_mean_one_thing(part: Any, expected: Any) -> None:
    assert read_answer(answer(part), TEXT, CARS).filter == expected


@pytest.mark.parametrize(
    ("confidence", "expected"),
    [(0.4, 0.4), (95, 0.95), ("0.95", 0.95), ("95%", 0.95), (0, 0), (1, 1)]
    + [(strange, UNSTATED_CONFIDENCE) for strange in (None, "high", -1, 1.4, 1e9, True, [0.9])],
)
def test_a_confidence_may_be_a_percentage(confidence: Any, expected: float) -> None:
    content = answer(condition("Origin", "=", "Japan", confidence=confidence))
    assert read_answer(content, TEXT, CARS).conditions[0].confidence == expected


@pytest.mark.parametrize(
    ("members", "name", "expected"),
    [
        ({"text": TEXT.upper()}, "text", ""),
        ({"text": ["toy", "boats"]}, "text", "toy boats"),
        ({"text": None}, "text", ""),
        ({"limit": 0}, "limit", None),
        ({"limit": "5"}, "limit", 5),
        ({"sort": {"field": "year", "order": "Descending"}}, "sort", (Sort("Year", "desc"),)),
        ({"ignored": [{"quote": "boats", "reason": "?"}]}, "ignored", ()),
        ({"ignored": ["cars"]}, "ignored", (Ignored(Span(9, 13), "cars", "the LLM gave no reason"),)),
        ({"clarification": {"question": " ", "choices": []}}, "clarification", None),
        ({"clarification": "null"}, "clarification", None),
        ({"clarification": "Which?"}, "clarification", Clarification("Which?", ())),
    ],
)
def test_other_members_in_words_that_can_only_mean_one_thing(members: Any, name: str, expected: Any) -> None:
    reading = read_answer(answer(condition("Origin", "=", "Japan"), **members), TEXT, CARS)
    assert getattr(reading, name) == expected


def test_the_whole_text_is_left_over_if_there_is_nothing_else() -> None:
    assert read_answer(answer(text="toy boats"), "toy boats", CARS).text == "toy boats"


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
        ('{"conditions": [', "/: The answer is no JSON object"),
        ("[]", "/: The answer is no JSON object"),
        ("{}", "/: The answer is no JSON object"),
        ("I cannot do that.", "/: The answer is no JSON object"),
        (f"{GOOD} or rather {answer(condition('Origin', '=', 'USA'))}", "several JSON objects"),
        ("[" * 100_000, "/: The answer is no JSON object"),
        (GOOD.replace("japanese", "\\ud800"), "JSON cannot carry"),
        (answer(condition("Colour", "=", "red")), "/conditions/0/field: There is no field 'Colour'"),
        (answer(condition("Origin", "=", "France")), "/conditions/0/value: 'France' is not a value of 'Origin'"),
        (answer(condition("Origin", ">", "Japan")), "/conditions/0/op: '>' does not apply"),
        (answer(condition("Cylinders", "=", "many")), "/conditions/0/value: Expected a number"),
        (answer(condition("Cylinders", "between", 4)), "/conditions/0/value: The operator 'between' takes a list"),
        (answer(condition("Cylinders", "~", 4)), "/conditions/0/op"),
        (answer(condition("Cylinders", "=", 4, "four cylinders")), "/conditions/0/quote: The quote does not occur"),
        (answer(condition("Cylinders", "=", 4, "  ")), "/conditions/0/quote"),
        (answer(condition("Cylinders", "=", 4, "at least 39 mpg")), "/conditions/0/quote"),
        (answer(condition("Name", "contains", ["ford", "pinto"])), "/conditions/0/value"),
        (answer(sort=[{"field": "Colour", "direction": "asc"}]), "/sort/0/field"),
        (answer(sort=[{"field": "Year", "direction": "up"}]), "/sort/0/direction"),
        (answer(limit=5000), "/limit"),
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
    content = answer(*[condition("Horsepower", "in", list(range(at, at + 60)), group=at) for at in range(1, 5)])
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
        "group": st.integers(0, 2) | JSON,
        "confidence": st.floats(0, 1) | JSON,
    }
)


@given(
    st.lists(CONDITION, max_size=4),
    st.lists(st.lists(st.integers(-1, 5), max_size=3), max_size=3) | JSON,
    st.dictionaries(st.sampled_from(["sort", "limit", "text", "ignored", "clarification"]), JSON),
    st.sampled_from(["{}", "```json\n{}\n```", "<think>{{</think>{}", "x {} y", "{}"]),
)
def test_any_answer_is_read_or_refused(conditions: list[Any], alternatives: Any, rest: Any, wrapping: str) -> None:
    content = wrapping.format(json.dumps({"conditions": conditions, "alternatives": alternatives, **rest}))
    try:
        reading = read_answer(content, TEXT, MOVIES)
    except InvalidAnswer:
        return
    assert all(part.span.of(TEXT) == part.quote for part in reading.conditions)
    assert from_json(orjson.loads(orjson.dumps(to_json(reading)))).filter == reading.filter


@given(st.text(alphabet='{}[]",:\\/*<think> \n0eNTone', max_size=60))
def test_any_text_is_read_or_refused(content: str) -> None:
    with suppress(InvalidAnswer):
        read_answer(content, TEXT, MOVIES)
