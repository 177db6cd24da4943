"""Meanings by embedding: near enough, and nearer than any rival."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from nlp2filters.core import catalog as catalogs
from nlp2filters.core.linking import Candidate, FieldTarget, Lexicon, Nearness, Target, ValueTarget, phrases

SHOP = catalogs.parse(
    {
        "name": "shop",
        "fields": [
            {"name": "brand", "type": "keyword", "closed": True, "values": ["Beats", "black"]},
            {"name": "color", "type": "keyword", "closed": True, "values": ["black", "red"]},
        ],
    }
)
LEXICON = Lexicon.of(SHOP)
Vectors = NDArray[np.float32]
AXES = np.eye(len(LEXICON.names), dtype=np.float32)


def toward(**cosines: float) -> Vectors:
    """A unit vector with these cosines to the names, the rest of it at right angles to all of them."""
    vector = np.zeros(len(LEXICON.names) + 1, np.float32)
    for name, cosine in cosines.items():
        vector[LEXICON.names.index(name)] = cosine
    vector[-1] = math.sqrt(max(0.0, 1 - float(vector @ vector)))
    return vector[None]


def candidates(**cosines: float) -> tuple[Candidate, ...]:
    """The clear meanings of a phrase with these cosines."""
    names = np.pad(AXES, ((0, 0), (0, 1)))
    return Nearness.of(["maker"], toward(**cosines), names, LEXICON).clear.get("maker", ())


@pytest.mark.parametrize(
    ("cosines", "targets"),
    [
        ({"brand": 0.75, "color": 0.3}, [FieldTarget(SHOP.by_name["brand"])]),
        ({"Beats": 0.8}, [ValueTarget(SHOP.by_name["brand"], "Beats")]),
        ({"black": 0.9}, [ValueTarget(SHOP.by_name[name], "black") for name in ("brand", "color")]),
        ({"brand": 0.35}, []),
        ({"brand": 0.6, "color": 0.58}, []),
        ({}, []),
    ],
    ids=["a field", "a value", "the same name of two fields", "too far", "a rival", "nothing"],
)
def test_a_name_is_meant_if_it_is_near_and_has_no_rival(cosines: dict[str, float], targets: list[Target]) -> None:
    assert [candidate.target for candidate in candidates(**cosines)] == targets
    assert all(candidate.source == "embedding" for candidate in candidates(**cosines))


def test_the_nearer_and_the_more_alone_the_surer() -> None:
    confidences = [
        candidates(**cosines)[0].confidence
        for cosines in ({"brand": 0.9}, {"brand": 0.8, "color": 0.5}, {"brand": 0.7, "color": 0.53})
    ]
    assert confidences == sorted(confidences, reverse=True)
    assert all(0.75 <= confidence < 1 for confidence in confidences)


@pytest.mark.parametrize(("cosine", "value"), [(0.5, "Beats"), (0.31, "Beats"), (0.29, None)])
def test_the_value_of_a_field_is_the_nearest_if_it_is_near_enough(cosine: float, value: str | None) -> None:
    names = np.pad(AXES, ((0, 0), (0, 1)))
    nearness = Nearness.of(["maker"], toward(Beats=cosine, brand=0.6), names, LEXICON)
    candidate = nearness.value(SHOP.by_name["brand"], "maker")
    assert (candidate and candidate.target) == (value and ValueTarget(SHOP.by_name["brand"], value))


def test_a_phrase_that_was_not_compared_has_no_value() -> None:
    assert Nearness.of([], AXES[:0], AXES, LEXICON).value(SHOP.by_name["brand"], "maker") is None


def test_phrases_are_up_to_three_unknown_words_in_a_row() -> None:
    assert phrases([["noise", "free", "cans", "today"], ["cheap"]]) == (
        "noise", "noise free", "noise free cans", "free", "free cans", "free cans today", "cans", "cans today", "today",
        "cheap",
    )  # fmt: skip
