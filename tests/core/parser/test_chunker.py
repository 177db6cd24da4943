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


def test_the_longest_phrase_wins() -> None:
    lexicon = Lexicon.of(SHOP)
    sentence = parser.sentence_of(
        "more than 2 kg, not before 2020", lexicon.language.tokenize("more than 2 kg, not before 2020"), lexicon, TODAY
    )
    assert list(sentence.texts) == ["more than", "2 kg", ",", "not before", "2020"]
