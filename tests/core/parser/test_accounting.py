"""Every word of a text is accounted for."""

import pytest

from nlp2filters.core import catalog as catalogs
from tests.core.parser.shop import read


def test_a_value_that_is_a_word_of_negation_may_end_a_text() -> None:
    catalog = catalogs.parse({"name": "c", "fields": [{"name": "answer", "type": "keyword", "values": ["no", "yes"]}]})
    assert read("the answer is no", catalog).text == ""


@pytest.mark.parametrize(
    ("text", "words", "ignored"),
    [
        ("red, made of oak", "made oak", {}),
        ("red apollo 13", "apollo 13", {}),
        ("red, 13", "", {"13": "no field is known for this value"}),
        ("red, the weight", "", {"weight": "names a field, but does not say what to ask of it"}),
        ("red over", "", {"over": "nothing that it could belong to follows"}),
        ("red but not", "", {"but not": "nothing that it could belong to follows"}),
        ("red headphones", "", {"headphones": "names the records"}),
        ("red, sorted by features", "", {"sorted by": "features has no order", "features": "features has no order"}),
        ("show me the red ones please", "", {}),
    ],
)
def test_what_is_not_used_is_searched_for_or_ignored(text: str, words: str, ignored: dict[str, str]) -> None:
    reading = read(text)
    assert reading.conditions[0].quote == "red"
    assert reading.text == words
    assert {part.quote: part.reason for part in reading.ignored} == ignored


def test_the_words_of_order_limit_and_search_have_their_places() -> None:
    reading = read("3 cheapest red headphones made of oak, newest first")
    assert [(words.quote, words.part) for words in reading.mentions] == [
        ("3", "limit"),
        ("cheapest", "sort"),
        ("made", "text"),
        ("oak", "text"),
        ("newest first", "sort"),
    ]
