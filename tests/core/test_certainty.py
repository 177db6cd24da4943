"""Which readings need no LLM."""

import datetime as dt

import pytest

from nlp2filters import demo
from nlp2filters.core.certainty import is_certain
from nlp2filters.core.conversation import Conversation
from nlp2filters.core.linking import Lexicon
from nlp2filters.core.parser import parse
from nlp2filters.core.query import Query

LEXICON = Lexicon.of(demo.catalog("cars"))
TODAY = dt.date(2026, 11, 24)


@pytest.mark.parametrize(
    ("text", "certain"),
    [
        ("japanese cars with at least 30 mpg", True),
        ("8 cylinders, lightest first", True),
        ("american or japanese, not ford, built after 1975", True),
        ("the 5 heaviest cars", True),
        ("japanese cars for the weekend", False),  # words that no field can express
        ("japanese with horsepower", False),  # a field without a value
        ("over 100", False),  # of what?
        ("jappanese cars", False),  # a misspelling
        ("between 5 and 3 cylinders and over 10 cylinders", False),  # nothing can match
        ("fluffier than 18", False),
        ("something nice", False),
        ("cars", False),
    ],
)
def test_a_reading_is_certain_if_nothing_in_it_is_in_doubt(text: str, certain: bool) -> None:
    assert is_certain(parse(text, LEXICON, today=TODAY), Query(text, TODAY)) is certain


def test_a_text_that_refines_another_is_in_doubt() -> None:
    first = parse("japanese cars", LEXICON, today=TODAY)
    query = Query("over 30 mpg", TODAY, conversation=Conversation.of("job_1", "japanese cars", first))
    assert not is_certain(parse(query.text, LEXICON, today=TODAY), query)
