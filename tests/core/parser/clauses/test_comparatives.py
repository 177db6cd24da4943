"""Comparatives find a field by what it measures, or are asked about."""

import pytest

from nlp2filters.core import catalog as catalogs
from nlp2filters.core import languages
from nlp2filters.core.filters import And, Comparison, Filter, RelativeDate
from nlp2filters.core.linking import Lexicon
from nlp2filters.core.parser import parse
from tests.core.parser.shop import TODAY, read

C = Comparison
FISH = catalogs.parse(
    {
        "name": "fish",
        "fields": [
            {"name": "fin_length", "type": "number", "unit": "mm", "minimum": 1, "maximum": 90},
            {"name": "body_length", "type": "number", "unit": "mm", "minimum": 20, "maximum": 900},
            {"name": "body_depth", "type": "number", "unit": "mm", "minimum": 5, "maximum": 300},
            {"name": "mass_g", "type": "number", "minimum": 10, "maximum": 9000},
            {"name": "reaction", "type": "duration", "unit": "s"},
            {"name": "hatched", "type": "integer", "label": "year hatched", "minimum": 1990, "maximum": 2026},
        ],
    }
)


def filter_of(text: str) -> Filter | None:
    return parse(text, Lexicon.of(FISH), today=TODAY).filter


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("deeper than 50", C(">", "body_depth", 50)),
        ("shallower than 5 cm", C("<", "body_depth", 50)),
        ("longer than 400", C(">", "body_length", 400)),
        ("body shorter than 80", C("<", "body_length", 80)),
        ("fins longer than 30 mm", C(">", "fin_length", 30)),
        ("longer fins than 30 mm", C(">", "fin_length", 30)),
        ("heavier than 2 kg", C(">", "mass_g", 2000)),
        ("no heavier than 2 kg", C("<=", "mass_g", 2000)),
        ("less heavy than 500", C("<", "mass_g", 500)),
        ("not deeper than 50 and longer than 300", And((C("<=", "body_depth", 50), C(">", "body_length", 300)))),
        ("slower than 3 seconds", C(">", "reaction", 3)),
        ("faster than 3 seconds", C("<", "reaction", 3)),
        ("older than 2005", C("<", "hatched", 2005)),
        ("newer than 2005", C(">", "hatched", 2005)),
        ("older than 5 years", C("<", "hatched", 2021)),
    ],
)
def test_an_adjective_compares_what_it_measures(text: str, expected: Filter) -> None:
    assert filter_of(text) == expected


@pytest.mark.parametrize("text", ["fluffier than 20", "deeper than 20", "more colorful than 20"])
def test_an_adjective_that_fits_no_field_is_asked_about(text: str) -> None:
    reading = read(text)
    assert reading.filter is None
    assert reading.clarification
    assert "Price" in reading.clarification.choices[0]


def test_an_unknown_adjective_may_compare_either_way() -> None:
    reading = read("fluffier than 20 g")
    assert reading.filter == C(">", "weight", 20)
    assert reading.clarification
    assert reading.clarification.choices == ("Weight is more than 20 g", "Weight is less than 20 g")


def test_other_languages_have_comparatives_of_their_own() -> None:
    mesas = catalogs.parse(
        {
            "name": "mesas",
            "fields": [
                {"name": "profundidad", "type": "number", "unit": "cm"},
                {"name": "precio", "type": "integer"},
                {"name": "creado", "type": "date"},
            ],
        }
    )
    lexicon = Lexicon.of(mesas, languages.of("es"))
    for text, expected in {
        "más profundo que 60 cm": C(">", "profundidad", 60),
        "menos caro que 500": C("<", "precio", 500),
        "creado hace 2 meses o después": C(">=", "creado", RelativeDate(-2, "month")),
    }.items():
        assert parse(text, lexicon, today=TODAY).filter == expected, text
