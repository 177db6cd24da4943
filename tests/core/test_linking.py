"""What the nearest names of an embedding are taken for."""

import datetime as dt
import math

import numpy as np
import pytest
from numpy.typing import NDArray

from nlp2filters.core import catalog as catalogs
from nlp2filters.core.filters import Comparison
from nlp2filters.core.linking import FieldTarget, Lexicon, Nearness, ValueTarget, embeddable
from nlp2filters.core.parser import parse

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
    found = np.zeros(len(LEXICON.names) + 1, np.float32)
    for name, cosine in cosines.items():
        found[LEXICON.names.index(name)] = cosine
    found[-1] = math.sqrt(max(0.0, 1 - float(found @ found)))
    return found[None]


def meant(**cosines: float) -> tuple[object, ...]:
    names = np.pad(AXES, ((0, 0), (0, 1)))
    found = Nearness.of(["maker"], toward(**cosines), names, LEXICON).clear
    return tuple((c.target, c.source) for c in found.get("maker", ()))


def test_a_clearly_nearest_name_is_meant() -> None:
    assert meant(brand=0.75, color=0.3) == ((FieldTarget(SHOP.by_name["brand"]), "embedding"),)
    assert meant(Beats=0.8) == ((ValueTarget(SHOP.by_name["brand"], "Beats"), "embedding"),)


@pytest.mark.parametrize("cosines", [{"brand": 0.35}, {"brand": 0.6, "color": 0.58}, {}])
def test_what_is_far_or_has_a_rival_is_left_out(cosines: dict[str, float]) -> None:
    assert meant(**cosines) == ()


def test_the_same_name_of_two_fields_means_either() -> None:
    assert embeddable(SHOP)["black"] == (
        ValueTarget(SHOP.by_name["brand"], "black"),
        ValueTarget(SHOP.by_name["color"], "black"),
    )
    assert len(meant(black=0.9)) == 2


def test_the_nearer_and_the_more_alone_the_surer() -> None:
    names = np.pad(AXES, ((0, 0), (0, 1)))
    sure = [
        Nearness.of(["m"], toward(**cosines), names, LEXICON).clear["m"][0].confidence
        for cosines in ({"brand": 0.9}, {"brand": 0.8, "color": 0.5}, {"brand": 0.7, "color": 0.53})
    ]
    assert sure == sorted(sure, reverse=True)
    assert all(0.75 <= confidence < 1 for confidence in sure)


def test_a_misspelling_is_found_among_ten_thousand_values() -> None:
    values = [f"article {number:05d}" for number in range(10_000)] + ["wardrobe"]
    lexicon = Lexicon.of(
        catalogs.parse({"name": "c", "fields": [{"name": "kind", "type": "keyword", "values": values}]})
    )
    found = lexicon.spelled_like(lexicon.language.tokenize("wardorbe"), 0)
    assert found
    assert [(c.target, c.source) for c in found.candidates] == [
        (ValueTarget(lexicon.catalog.fields[0], "wardrobe"), "fuzzy")
    ]
    assert lexicon.spelled_like(lexicon.language.tokenize("bardrobe"), 0) is None


CITIES = Lexicon.of(
    catalogs.parse(
        {
            "name": "flights",
            "fields": [
                {"name": side, "type": "keyword", "values": ["New York City", "San Diego", "Santo Domingo", "Oslo"]}
                for side in ("origin", "destination")
            ],
        }
    )
)


@pytest.mark.parametrize(
    ("text", "meant"), [("NYC", "New York City"), ("nyc", None), ("SD", None), ("O", None), ("IN", None)]
)
def test_initials_in_capitals_mean_the_only_name_that_has_them(text: str, meant: str | None) -> None:
    found = CITIES.abbreviation(CITIES.language.tokenize(text), 0)
    targets = [candidate.target for candidate in found.candidates] if found else []
    assert targets == [ValueTarget(field, meant) for field in CITIES.catalog.fields if meant]


def test_an_abbreviated_value_goes_to_its_side() -> None:
    (condition,) = parse("flights to NYC", CITIES, today=dt.date(2026, 11, 24)).conditions
    assert condition.test == Comparison("=", "destination", "New York City")
    assert condition.quote == "NYC"
