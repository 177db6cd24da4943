"""What an LLM forgets of a text is told."""

import datetime as dt
import json
from typing import Any

import pytest

from nlp2filters import demo
from nlp2filters.core import coverage, parser
from nlp2filters.core.linking import Lexicon
from nlp2filters.core.llm.answer_reader import read_answer

CARS = demo.catalog("cars")
LEXICON = Lexicon.of(CARS)
TEXT = "shiny japanese cars with at least 30 mpg, not too heavy"
JAPAN = {"field": "Origin", "op": "=", "value": "Japan", "quote": "japanese", "confidence": 1}
MPG = {"field": "Miles_per_Gallon", "op": ">=", "value": 30, "quote": "at least 30 mpg", "confidence": 1}


def forgotten(**answer: Any) -> list[tuple[str, str]]:
    reading = read_answer(json.dumps({"conditions": [], **answer}), TEXT, CARS)
    draft = parser.parse(TEXT, LEXICON, today=dt.date(2026, 11, 24))
    return [(part.quote, part.reason) for part in coverage.complete(reading, draft, TEXT).ignored]


@pytest.mark.parametrize(
    ("answer", "forgotten_words"),
    [
        ({"conditions": [JAPAN, MPG], "text": "shiny"}, set()),
        ({"conditions": [JAPAN], "text": "Shiny"}, {"at least 30 mpg"}),
        ({"conditions": [MPG]}, {"shiny", "japanese"}),
        ({"conditions": [JAPAN], "ignored": [{"quote": "30 mpg", "reason": "?"}], "text": "shiny"}, set()),
        ({"conditions": [JAPAN], "sort": [{"field": "Miles_per_Gallon", "direction": "desc"}], "text": "shiny"}, set()),
        ({}, {"shiny", "japanese", "at least 30 mpg"}),
    ],
)
def test_what_is_forgotten(answer: dict[str, Any], forgotten_words: set[str]) -> None:
    assert {quote for quote, reason in forgotten(**answer) if reason == coverage.FORGOTTEN} == forgotten_words


def test_what_the_parser_makes_nothing_of_keeps_its_reason_and_place() -> None:
    quotes = [quote for quote, _ in forgotten(conditions=[MPG])]
    assert quotes == sorted(quotes, key=TEXT.index)
    assert dict(forgotten(conditions=[JAPAN, MPG], text="shiny")).get("cars") == "names the records"


def test_words_of_an_order_that_the_parser_reads_in_the_same_way_have_its_places() -> None:
    text = "shiny japanese cars, lightest first"
    draft = parser.parse(text, LEXICON, today=dt.date(2026, 11, 24))
    order = {"field": "Weight_in_lbs", "direction": "asc"}
    for sort, quotes in (([order], ["shiny", "lightest first"]), ([{**order, "direction": "desc"}], ["shiny"])):
        answer = json.dumps({"conditions": [JAPAN], "sort": sort, "text": "shiny"})
        reading = coverage.complete(read_answer(answer, text, CARS), draft, text)
        assert [words.quote for words in reading.mentions] == quotes
