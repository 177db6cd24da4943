"""Tokens become chunks."""

import pytest

from nlp2filters.core import catalog as catalogs
from nlp2filters.core import parser
from nlp2filters.core.filters import Comparison
from nlp2filters.core.linking import Lexicon
from tests.core.parser.shop import SHOP, TODAY, read


def test_a_misspelled_value_is_less_sure() -> None:
    (condition,) = read("boze").conditions
    assert (condition.test, condition.source) == (Comparison("=", "brand", "Bose"), "fuzzy")
    assert condition.confidence < 0.9


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("3rd floor", [3]),
        ("third floor", [3]),
        ("third street", []),
        ("the 1990s", []),
        ("1990", [1990]),
        ("12 kg", [12]),
    ],
)
def test_what_counts_is_a_quantity(text: str, values: list[float]) -> None:
    fields = [{"name": "floor", "type": "integer"}]
    lexicon = Lexicon.of(catalogs.parse({"name": "c", "fields": fields}))
    chunks = parser.sentence_of(text, lexicon.language.tokenize(text), lexicon, TODAY).chunks
    assert [chunk.quantity.value for chunk in chunks if chunk.quantity] == values


@pytest.mark.parametrize(
    ("text", "chunks"),
    [
        ("a year of 1983", ["a", "year", "of", "1983"]),
        ("under a year", ["under", "a year"]),
        ("year earlier than 1983", ["year", "earlier than", "1983"]),
        ("week of 12 june", ["week of", "12 june"]),
        ("the week of 12 june is over", ["the", "week of", "12 june", "is", "over"]),
        ("next week", ["next week"]),
    ],
)
def test_the_name_of_a_field_wins_over_a_date_that_begins_with_it(text: str, chunks: list[str]) -> None:
    fields = [
        {"name": "year", "type": "integer"},
        {"name": "week_of", "type": "date"},
        {"name": "next_of_kin", "type": "text"},
    ]
    lexicon = Lexicon.of(catalogs.parse({"name": "c", "fields": fields}))
    assert list(parser.sentence_of(text, lexicon.language.tokenize(text), lexicon, TODAY).texts) == chunks


def test_the_longest_phrase_wins() -> None:
    lexicon = Lexicon.of(SHOP)
    sentence = parser.sentence_of(
        "more than 2 kg, not before 2020", lexicon.language.tokenize("more than 2 kg, not before 2020"), lexicon, TODAY
    )
    assert list(sentence.texts) == ["more than", "2 kg", ",", "not before", "2020"]
