"""The conversation that a text refines."""

from nlp2filters.core.conversation import Conversation
from nlp2filters.core.filters import Comparison, all_of
from nlp2filters.core.interpretation import Condition, Interpretation, Span

RED = Comparison("=", "color", "red")
CHEAP = Comparison("<", "price", 80)


def reading(*conditions: Condition) -> Interpretation:
    return Interpretation(filter=all_of(*(condition.test for condition in conditions)), conditions=conditions)


def condition(test: Comparison, quote: str, said_in: str | None = None) -> Condition:
    return Condition(test, Span(0, len(quote)), quote, 0.9, "exact", said_in=said_in)


def test_texts_of_which_a_condition_holds_are_kept_oldest_first() -> None:
    first = Conversation.of("job_0", "red", reading(condition(RED, "red")))
    second = Conversation.of(
        "job_1", "under $80", reading(condition(RED, "red", "job_0"), condition(CHEAP, "<80")), first
    )
    assert second.turns == [{"job_id": "job_0", "text": "red"}, {"job_id": "job_1", "text": "under $80"}]


def test_what_is_written_is_read_back() -> None:
    first = Conversation.of("job_0", "red", reading(condition(RED, "red")))
    second = Conversation.of(
        "job_1", "under $80", reading(condition(RED, "red", "job_0"), condition(CHEAP, "<80")), first
    )
    assert Conversation.from_json(second.to_json()) == second
