"""A filter that nothing can match is never given without a question that says what clashes."""

import datetime as dt
import json
import re
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nlp2filters.core import catalog as catalogs
from nlp2filters.core import contradictions, drafting, filters
from nlp2filters.core.catalog import ORDERED, Catalog
from nlp2filters.core.conversation import Conversation
from nlp2filters.core.filters import Between, Comparison, Contains, Filter, IsNull, Not, OneOf, all_of, any_of
from nlp2filters.core.interpretation import Interpretation, leaf_to_json
from nlp2filters.core.linking import Lexicon
from nlp2filters.core.llm.schema_limits import OPENAI_LIMITS
from nlp2filters.core.parser import parse
from nlp2filters.core.query import Query
from nlp2filters.lexicon_parser import LexiconParser
from nlp2filters.llm import Answer
from nlp2filters.translator import Translator
from tests.core import hostile
from tests.core.dialects import agreement
from tests.reference import holds

TODAY = dt.date(2026, 11, 24)
BOX = catalogs.parse(
    {
        "name": "boxes",
        "fields": [
            {"name": "seats", "type": "integer", "minimum": 1, "maximum": 4, "nullable": False},
            {"name": "weight", "type": "number", "unit": "kg"},
            {"name": "price", "type": "money", "currency": "USD", "minimum": 5, "maximum": 90},
            {"name": "color", "type": "keyword", "closed": True, "values": ["red", "blue"]},
            {"name": "labels", "type": "keyword", "many": True, "closed": True, "values": ["new", "sale"]},
            {"name": "wireless", "type": "boolean"},
            {"name": "title", "type": "text"},
            {"name": "released", "type": "date", "minimum": "2020-01-01", "maximum": "2024-12-31"},
            {"name": "seen", "type": "datetime"},
            {"name": "opens", "type": "time"},
        ],
    }
)
LEXICON = Lexicon.of(BOX)
DAY = dt.date(2024, 5, 1)
NOON = dt.datetime(2024, 5, 1, 12, tzinfo=dt.UTC)

CLASHING: list[Filter | None] = [
    all_of(Comparison(">", "weight", 2), Comparison("=", "weight", 2)),
    all_of(Comparison(">", "weight", 2), Comparison("=", "weight", 5)),
    all_of(Comparison(">", "weight", 5), Comparison("<", "weight", 2)),
    all_of(Comparison(">", "weight", 5), Comparison("<", "weight", 5.0)),
    all_of(Comparison(">", "seats", 2), Comparison("<", "seats", 3)),
    all_of(Between("weight", 1, 2), Between("weight", 3, 4)),
    all_of(OneOf("weight", (1, 2)), Comparison(">", "weight", 2)),
    all_of(OneOf("seats", (1, 2)), Not(OneOf("seats", (1, 2, 3)))),
    all_of(Comparison("=", "color", "red"), Comparison("=", "color", "blue")),
    all_of(Comparison("=", "color", "red"), Comparison("<>", "color", "red")),
    Not(OneOf("color", ("red", "blue"))),
    all_of(Comparison("=", "labels", "new"), Comparison("<>", "labels", "new")),
    all_of(Comparison("=", "wireless", True), Comparison("=", "wireless", False)),
    all_of(Contains("title", "Star"), Not(Contains("title", "star"))),
    all_of(IsNull("weight"), Comparison(">", "weight", 5)),
    IsNull("seats"),
    Comparison("=", "seats", 7),
    Comparison(">", "seats", 4),
    Comparison("=", "seats", 2.5),
    Comparison("<", "price", 5),
    Between("price", 91, 200),
    OneOf("price", (1, 200)),
    Comparison("<", "released", dt.date(2020, 1, 1)),
    Comparison("=", "released", dt.date(2031, 1, 1)),
    all_of(Comparison(">", "released", DAY), Comparison("<", "released", dt.date(2024, 5, 2))),
    all_of(Comparison("=", "seen", DAY), Comparison(">", "seen", DAY)),
    all_of(Comparison("<", "seen", NOON), Comparison(">", "seen", NOON)),
    all_of(Comparison("<", "opens", dt.time(9)), Comparison(">", "opens", dt.time(10))),
    any_of(
        all_of(Comparison(">", "weight", 5), Comparison("<", "weight", 2)),
        Comparison("=", "color", "red"),
    ),
    all_of(
        any_of(Comparison("=", "color", "red"), Comparison("=", "wireless", True)),
        Comparison("=", "color", "blue"),
        Comparison("=", "wireless", False),
    ),
]
POSSIBLE: list[Filter | None] = [
    all_of(Comparison(">", "weight", 2), Comparison("<", "weight", 5)),
    all_of(Comparison(">", "weight", 2), Comparison("<", "weight", 2.1)),
    all_of(Comparison(">=", "weight", 2), Comparison("<=", "weight", 2)),
    all_of(Between("price", 10, 50), Comparison("<>", "price", 20)),
    all_of(Between("price", 10, 50), Between("price", 40, 80)),
    all_of(Comparison("=", "labels", "new"), Comparison("=", "labels", "sale")),
    all_of(Comparison("=", "labels", "new"), Comparison("<>", "labels", "sale")),
    all_of(Contains("title", "star"), Contains("title", "wars")),
    all_of(Comparison("<>", "weight", 5), Not(Between("weight", 6, 7))),
    Not(IsNull("seats")),
    Comparison("<>", "seats", 7),
    IsNull("weight"),
    OneOf("price", (1, 50)),
    # Time passes: there may be newer ones by now.
    Comparison(">", "released", dt.date(2025, 6, 1)),
    all_of(Comparison("=", "seen", DAY), Comparison(">", "seen", NOON)),
    any_of(Comparison("=", "color", "red"), Comparison("=", "color", "blue")),
]


@pytest.mark.parametrize("node", CLASHING, ids=str)
def test_what_nothing_can_match_is_asked_about(node: Filter) -> None:
    question = contradictions.with_question(Interpretation(filter=node), BOX, TODAY).clarification
    assert question
    assert len(question.choices) >= 2


@pytest.mark.parametrize("node", POSSIBLE, ids=str)
def test_what_something_can_match_is_not(node: Filter) -> None:
    assert contradictions.find(node, BOX, TODAY) is None


def test_the_question_quotes_what_clashes() -> None:
    reading = parse("weight over 5 kg, red, weight under 2 kg", LEXICON, today=TODAY)
    question = reading.clarification
    assert question
    assert "“weight over 5 kg” with “weight under 2 kg”" in question.question
    assert question.choices == ("Weight is more than 5 kg", "Weight is less than 2 kg")


def test_the_question_about_a_range_tells_it() -> None:
    question = parse("price over $500", LEXICON, today=TODAY).clarification
    assert question
    assert question.question == (
        "What does “price over $500” mean? Nothing can match, as far as is known: Price is from $5 to $90."
    )
    assert question.choices == ("Price is more than $500", contradictions.LEAVE_OUT)


# every row of a small world

WORLD = catalogs.parse(
    {
        "name": "world",
        "nouns": ["things"],
        "fields": [
            {"name": "seats", "type": "integer"},
            {"name": "color", "type": "keyword", "closed": True, "values": ["red", "blue"]},
            {"name": "labels", "type": "keyword", "many": True, "closed": True, "values": ["new", "sale"]},
            {"name": "wireless", "type": "boolean"},
        ],
    }
)
ASKED: agreement.Asked = {
    "seats": st.integers(0, 3),
    "color": st.sampled_from(["red", "blue"]),
    "labels": st.sampled_from(["new", "sale"]),
    "wireless": st.booleans(),
}
ROWS = [
    dict(zip(ASKED, values, strict=True))
    for values in product(
        [None, *range(-1, 5)],
        [None, "red", "blue"],
        [[], ["new"], ["sale"], ["new", "sale"]],
        [None, True, False],
    )
]


def matches_nothing(node: Filter) -> bool:
    return not any(holds(node, row) for row in ROWS)


@given(agreement.trees(WORLD, ASKED))
@settings(max_examples=400, deadline=None)
def test_any_filter_that_matches_no_row_is_found(node: Filter) -> None:
    if matches_nothing(filters.push_not_inward(node)):
        assert contradictions.find(node, WORLD, TODAY)


SAID = st.sampled_from(
    [
        "red", "blue", "not red", "not", "wireless", "new", "sale", "without", "no", "over", "under", "at least",
        "exactly", "0", "1", "2", "3", "seats", "seats over 1", "2 seats", "under 1 seats", "or more", "and", "or", ",",
        "but", "(", ")", "between", "color", "unknown", "neither", "nor", "all but", "except", "things", "2-3",
        "labels",
    ]
)  # fmt: skip
WORLD_LEXICON = Lexicon.of(WORLD)


def asks_if_nothing_matches(reading: Interpretation) -> None:
    if reading.filter and matches_nothing(reading.filter):
        assert reading.clarification


@given(st.lists(SAID, max_size=10).map(" ".join))
@settings(max_examples=600, deadline=None)
def test_any_text_asks_if_no_row_matches(text: str) -> None:
    asks_if_nothing_matches(parse(text, WORLD_LEXICON, today=TODAY))


@given(st.lists(SAID, max_size=6).map(" ".join), st.lists(SAID, max_size=6).map(" ".join))
@settings(max_examples=200, deadline=None)
def test_any_text_that_refines_another_asks_if_no_row_matches(first: str, second: str) -> None:
    before = Conversation.of("job", first, parse(first, WORLD_LEXICON, today=TODAY))
    asks_if_nothing_matches(drafting.draft(second, WORLD_LEXICON, today=TODAY, conversation=before))


@given(
    st.sampled_from(sorted(hostile.FIELDS)),
    st.lists(st.sampled_from(hostile.UNITS_OF_TEXT) | SAID, max_size=12).map(" ".join),
)
@settings(max_examples=200, deadline=None)
def test_any_text_against_any_catalog_asks_about_what_clashes(name: str, text: str) -> None:
    catalog = hostile.catalog(name, 20)
    reading = parse(text, Lexicon.of(catalog), today=TODAY)
    if reading.filter and contradictions.find(reading.filter, catalog, TODAY):
        assert reading.clarification


class Answering:
    """An LLM that gives one answer."""

    name, model = "answering", "m"
    schema_limits = OPENAI_LIMITS

    def __init__(self, content: str) -> None:
        self.content = content

    async def complete(self, messages: Any, schema: Any, listener: Any = None, permit: Any = None) -> Answer:
        return Answer(self.content, self.model, {})


async def answered(text: str, catalog: Catalog, *conditions: dict[str, Any]) -> Interpretation:
    """The reading of a text for which an LLM gives these conditions."""
    query = Query(text, TODAY)
    content = json.dumps({"conditions": [{"quote": text, "confidence": 1, **condition} for condition in conditions]})
    translator = Translator(llm=Answering(content))
    draft = await translator.draft(query, LexiconParser(Lexicon.of(catalog)))
    return (await translator.translate(query, catalog, draft)).reading


def as_answer(node: Filter) -> list[dict[str, Any]]:
    """The tests of a filter as an LLM writes them."""
    return [leaf_to_json(test) for test in filters.tests(node)]


@given(agreement.trees(WORLD, ASKED).map(filters.push_not_inward))
@settings(max_examples=100, deadline=None)
async def test_any_answer_of_an_llm_asks_if_no_row_matches(node: Filter) -> None:
    asks_if_nothing_matches(await answered("things", WORLD, *as_answer(node)))


# comparison words that end in no test


COMPARISONS = [
    "over",
    "under",
    "at least",
    "at most",
    "more than",
    "deeper than",
    "wider than",
    "cleverer than",
    "after",
]
NOISE = st.lists(st.sampled_from(["a", "hundred", "and", "some", "foo", "the", "weight", "point"]), max_size=2)
LOST = re.compile(rf"\b({'|'.join(COMPARISONS)}) (\w+ ){{0,2}}$")


@given(NOISE, st.sampled_from(COMPARISONS), NOISE, st.integers(5, 90), st.sampled_from(["kg", "dollars", "", "seats"]))
@settings(max_examples=400, deadline=None)
def test_a_comparison_beside_a_value_that_must_be_equal_is_asked_about(
    before: list[str], comparison: str, between: list[str], number: int, unit: str
) -> None:
    text = " ".join([*before, comparison, *between, str(number), unit])
    reading = parse(text, LEXICON, today=TODAY)
    for condition in reading.conditions:
        if isinstance(condition.test, Comparison) and condition.test.op == "=":
            equal = BOX.by_name[condition.test.field].type in ORDERED
            lost = LOST.search(text[: condition.span.start])
            # It may belong to another condition.
            taken = lost and any(part.span.start <= lost.start() < part.span.end for part in reading.conditions)
            if equal and lost and not taken:
                assert reading.clarification, text


@pytest.mark.parametrize(
    ("text", "choices"),
    [
        ("title deeper than 20 kg", ["Weight is more than 20 kg", "Weight is less than 20 kg", "Weight is 20 kg"]),
        ("weight 20 kg foo or more", ["Weight is at least 20 kg", "Weight is 20 kg"]),
    ],
)
def test_the_question_about_a_comparison_offers_it(text: str, choices: list[str]) -> None:
    question = parse(text, LEXICON, today=TODAY).clarification
    assert question
    assert list(question.choices) == choices


async def test_an_llm_that_takes_a_limit_for_the_value_is_asked_about() -> None:
    reading = await answered("weight over 20 kg", BOX, {"field": "weight", "op": "=", "value": 20})
    assert reading.clarification
    assert reading.clarification.choices == ("Weight is more than 20 kg", "Weight is 20 kg")
    reading = await answered("weight over 20 kg", BOX, {"field": "weight", "op": ">", "value": 20})
    assert reading.clarification is None
