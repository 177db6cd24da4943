"""Answers to clarifications: what becomes of a reading when its question is answered with one of the choices."""

from collections.abc import Sequence
from dataclasses import replace

from nlp2filters.core.catalog import Catalog
from nlp2filters.core.contradictions import LEAVE_OUT
from nlp2filters.core.conversation import Conversation
from nlp2filters.core.explain import sentence
from nlp2filters.core.filters import And, Filter, Leaf, Not, Or, all_of, any_of
from nlp2filters.core.interpretation import Condition, Interpretation

Test = Leaf | Not


def choice_of(text: str, reading: Interpretation) -> str | None:
    """Return the choice that a text repeats, if the reading has a question with that choice."""
    choices = reading.clarification.choices if reading.clarification else ()
    return next((choice for choice in choices if _key(choice) == _key(text)), None)


def settles(text: str, reading: Interpretation) -> bool:
    """Return whether a text is one of the choices of the reading's question."""
    return choice_of(text, reading) is not None


def settle(conversation: Conversation, text: str, catalog: Catalog) -> Interpretation | None:
    """Return the conversation's reading with its question answered, if the text is one of the choices.

    Of the tests that the choices stand for, the chosen one stays or takes the place of the one that was taken, and the
    others go. None if it does not follow from the reading what the choice means: it is a text like any other then.
    """
    reading = conversation.reading
    if not reading.clarification or (choice := choice_of(text, reading)) is None:
        return None
    others = [other for other in reading.clarification.choices if other != choice]
    settled = _without(reading, others, catalog) if choice == LEAVE_OUT else _with(reading, choice, others, catalog)
    return settled and replace(
        settled,
        conditions=tuple(
            replace(condition, said_in=condition.said_in or conversation.job_id) for condition in settled.conditions
        ),
        ignored=(),
        mentions=(),
        clarification=None,
    )


def _with(reading: Interpretation, choice: str, others: Sequence[str], catalog: Catalog) -> Interpretation | None:
    """Return the reading with the test that the choice describes, and without those of the other choices."""
    for at, condition in enumerate(reading.conditions):
        test = next((test for test in _tests(condition) if sentence(test, catalog) == choice), None)
        if test:
            sure = replace(condition, test=test, confidence=1.0, alternatives=())
            conditions = (*reading.conditions[:at], sure, *reading.conditions[at + 1 :])
            node = reading.filter and _replaced(reading.filter, condition.test, test)
            return _without(replace(reading, filter=node, conditions=conditions), others, catalog)
    return None


def _without(reading: Interpretation, choices: Sequence[str], catalog: Catalog) -> Interpretation:
    """Return the reading without the tests that the choices describe."""
    removed = [condition for condition in reading.conditions if sentence(condition.test, catalog) in choices]
    node = reading.filter
    for condition in removed:
        node = node and _replaced(node, condition.test, None)
    remaining = tuple(condition for condition in reading.conditions if condition not in removed)
    return replace(reading, filter=node, conditions=remaining)


def _tests(condition: Condition) -> tuple[Test, ...]:
    return (condition.test, *(other.test for other in condition.alternatives))


def _replaced(node: Filter, old: Test, new: Test | None) -> Filter | None:
    """Return the filter with a test replaced by another, or without it."""
    if node == old:
        return new
    match node:
        case And(args):
            return all_of(*(_replaced(arg, old, new) for arg in args))
        case Or(args):
            return any_of(*(_replaced(arg, old, new) for arg in args))
        case _:
            return node


def _key(text: str) -> str:
    return " ".join(text.split()).casefold().rstrip(".")
