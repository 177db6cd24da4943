"""What becomes of a reading when its question is answered."""

import datetime as dt
from dataclasses import replace

import pytest

from nlp2filters.core import catalog as catalogs
from nlp2filters.core.certainty import is_certain
from nlp2filters.core.clarification import settle
from nlp2filters.core.conversation import Conversation
from nlp2filters.core.drafting import draft
from nlp2filters.core.filters import And, Between, Comparison, Or
from nlp2filters.core.interpretation import Alternative, Clarification, Condition, Interpretation, Span
from nlp2filters.core.linking import Lexicon
from nlp2filters.core.query import Query

CATALOG = catalogs.parse(
    {
        "name": "trips",
        "fields": [
            {"name": "price", "type": "money", "currency": "USD"},
            {"name": "rating", "type": "number", "minimum": 0, "maximum": 10},
            {"name": "day", "type": "date"},
        ],
    }
)
LEXICON = Lexicon.of(CATALOG)
TODAY = dt.date(2026, 11, 24)
C = Comparison


def answered(text: str, choice: int | str) -> Interpretation:
    """Read a text, which must lead to a question, and answer it."""
    first = draft(text, LEXICON, today=TODAY)
    assert first.clarification, first
    words = choice if isinstance(choice, str) else first.clarification.choices[choice]
    return draft(words, LEXICON, today=TODAY, conversation=Conversation.of("job_1", text, first))


def test_the_reading_that_was_taken_can_be_confirmed() -> None:
    first = draft("next friday under $80", LEXICON, today=TODAY)
    settled = answered("next friday under $80", 0)
    assert settled.filter == first.filter
    assert settled.clarification is None
    assert [(part.quote, part.said_in) for part in settled.conditions] == [
        (part.quote, "job_1") for part in first.conditions
    ]
    day = next(part for part in settled.conditions if "friday" in part.quote)
    assert (day.confidence, day.alternatives) == (1.0, ())


def test_another_reading_takes_the_place_of_the_one_that_was_taken() -> None:
    first = draft("next friday under $80", LEXICON, today=TODAY)
    settled = answered("next friday under $80", 1)
    day = next(part for part in first.conditions if "friday" in part.quote)
    assert settled.filter != first.filter
    assert {part.test for part in settled.conditions} == {day.alternatives[0].test, C("<", "price", 80)}


def test_of_tests_that_clash_the_chosen_one_stays() -> None:
    text = "over $90, under $80, rating above 5"
    chosen = answered(text, 1)
    assert chosen.filter == And((C("<", "price", 80), C(">", "rating", 5)))
    assert [part.quote for part in chosen.conditions] == ["under $80", "rating above 5"]
    assert chosen.clarification is None


def test_a_condition_that_nothing_can_match_can_be_left_out() -> None:
    assert answered("rating above 50, under $80", "leave this condition out").filter == C("<", "price", 80)


def test_an_answer_needs_no_llm() -> None:
    first = draft("next friday", LEXICON, today=TODAY)
    assert first.clarification
    conversation = Conversation.of("job_1", "next friday", first)
    query = Query(first.clarification.choices[1], TODAY, conversation=conversation)
    assert is_certain(draft(query.text, LEXICON, today=TODAY, conversation=conversation), query)


@pytest.mark.parametrize("text", ["under $50", "any day", "I do not know"])
def test_any_other_text_refines_as_usual(text: str) -> None:
    first = draft("next friday", LEXICON, today=TODAY)
    conversation = Conversation.of("job_1", "next friday", first)
    assert settle(conversation, text, CATALOG) is None
    without = Conversation.of("job_1", "next friday", replace(first, clarification=None))
    assert draft(text, LEXICON, today=TODAY, conversation=conversation) == draft(
        text, LEXICON, today=TODAY, conversation=without
    )


def test_a_choice_that_no_condition_stands_for_is_a_text_like_any_other() -> None:
    clarification = Clarification("Cheap or good?", ("Price is less than $50", "Rating is more than 8"))
    conversation = Conversation.of("job_1", "nice", Interpretation(clarification=clarification))
    assert settle(conversation, "Price is less than $50", CATALOG) is None
    reading = draft("Price is less than $50", LEXICON, today=TODAY, conversation=conversation)
    assert reading.filter == C("<", "price", 50)


def test_a_test_within_an_or_is_replaced_there() -> None:
    low, high, cheap = C(">", "rating", 5), C(">=", "rating", 5), C("<", "price", 50)
    span = Span(0, 1)
    conditions = (
        Condition(low, span, "x", 0.5, "type", (Alternative(high, 0.5),)),
        Condition(cheap, span, "x", 0.9, "unit"),
    )
    node = And((Or((low, cheap)), Between("day", TODAY, TODAY)))
    choices = ("Rating is more than 5", "Rating is at least 5")
    reading = Interpretation(filter=node, conditions=conditions, clarification=Clarification("?", choices))
    settled = settle(Conversation.of("job_1", "x", reading), choices[1], CATALOG)
    assert settled
    assert settled.filter == And((Or((high, cheap)), Between("day", TODAY, TODAY)))
