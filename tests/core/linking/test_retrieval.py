"""Retrieving values that a text may mean from fields with thousands of them."""

import numpy as np
import pytest

from nlp2filters import demo
from nlp2filters.core import catalog as catalogs
from nlp2filters.core.linking import Lexicon, Nearness
from nlp2filters.core.linking.retrieval import large_fields, retrieve
from nlp2filters.core.linking.value_index import MAX_BEST

FILLER = [f"{word} {number}" for word in ("Alpha", "Bravo", "Charlie", "Delta") for number in range(500)]
NAMES = ["Grand Hotel Excelsior", "Hotel Miramar", "Kloster Café", "Residencia Los Álamos", "St. John's Inn"]
CATALOG = catalogs.parse(
    {
        "name": "stays",
        "fields": [
            {
                "name": "place",
                "type": "keyword",
                "closed": True,
                "values": [*FILLER, *NAMES, {"value": "XK-7", "synonyms": ["the old mill"]}],
            },
            {"name": "kind", "type": "keyword", "values": ["hotel", "inn"]},
        ],
    }
)
LEXICON = Lexicon.of(CATALOG)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a room in the grand hotel excelsior", "Grand Hotel Excelsior"),
        ("the excelsior for two nights", "Grand Hotel Excelsior"),
        ("somewhere near miramarr", "Hotel Miramar"),
        ("kloster cafe", "Kloster Café"),
        ("residencia alamos under $90", "Residencia Los Álamos"),
        ("st johns inn", "St. John's Inn"),
        ("the old mill please", "XK-7"),
        ("delta 499", "Delta 499"),
    ],
)
def test_a_value_is_among_the_first(text: str, value: str) -> None:
    assert value in retrieve(text, LEXICON)["place"][:5]


def test_values_that_the_prompt_lists_anyway_are_not_retrieved() -> None:
    retrieved = retrieve("alpha 7 and delta 7", LEXICON)["place"]
    assert "Delta 7" in retrieved
    assert "Alpha 7" not in retrieved
    assert set(retrieve("hotel miramar", LEXICON)) == {"place"}


def test_a_field_has_so_many_at_most() -> None:
    assert len(retrieve("bravo charlie delta", LEXICON)["place"]) == MAX_BEST
    assert len(retrieve("bravo charlie delta", LEXICON, limit=3)["place"]) == 3


@pytest.mark.parametrize("text", ["", "?!", "under $900", "zzzzzzz"])
def test_a_text_that_means_none(text: str) -> None:
    assert retrieve(text, LEXICON) == {}


def test_values_are_found_by_meaning_too() -> None:
    vectors = np.zeros((len(LEXICON.names), 3))
    vectors[LEXICON.names.index("Kloster Café"), 0] = 1
    nearness = Nearness.of(["monastery"], np.array([[0.8, 0.6, 0.0]]), vectors, LEXICON)
    assert retrieve("a monastery", LEXICON, nearness)["place"][0] == "Kloster Café"
    assert retrieve("a monastery", LEXICON) == {}


def test_a_catalog_of_few_values_has_nothing_to_retrieve() -> None:
    assert large_fields(demo.catalog("cars")) == []
    assert [field.name for field in large_fields(CATALOG)] == ["place"]
    assert retrieve("ford", Lexicon.of(demo.catalog("cars"))) == {}
