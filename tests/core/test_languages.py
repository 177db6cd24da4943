"""A language is a data file: what every file must have, and what the locale decides."""

import datetime as dt
import re
from typing import Any

import pytest

from nlp2filters.core import catalog as catalogs
from nlp2filters.core import languages
from nlp2filters.core.filters import Between, Comparison, Filter
from nlp2filters.core.interpretation import resolve
from nlp2filters.core.languages import LOCALES
from nlp2filters.core.linking import Lexicon
from nlp2filters.core.parser import parse

TODAY = dt.date(2026, 11, 24)
C = Comparison

CATALOG = catalogs.parse(
    {
        "name": "ofertas",
        "fields": [
            {"name": "precio", "type": "money", "currency": "MXN"},
            {"name": "peso", "type": "number", "unit": "kg"},
            {"name": "publicado", "type": "date", "synonyms": ["publicados"]},
        ],
    }
)


def read(text: str, locale: str = "es") -> Filter | None:
    lexicon = Lexicon.of(CATALOG, languages.of(locale))
    return resolve(parse(text, lexicon, today=TODAY), TODAY).filter


def shape(data: Any, depth: int = 2) -> Any:
    """The names of the tables, and of what the grammar means; not the words."""
    if not depth or not isinstance(data, dict):
        return None
    return {name: shape(part, depth - 1 if name == "grammar" else 0) for name, part in data.items()}


def test_every_language_has_the_same_tables() -> None:
    assert shape(languages.of("es").data) == shape(languages.of("en").data)
    for name, meanings in languages.of("en").data["grammar"].items():
        assert meanings.keys() == languages.of("es").data["grammar"][name].keys(), name


@pytest.mark.parametrize("locale", ["en", "es", "en-GB", "es-MX"])
def test_known_locales(locale: str) -> None:
    assert re.fullmatch(LOCALES, locale)


@pytest.mark.parametrize("locale", ["en", "es"])
def test_every_phrase_is_written_as_it_is_looked_up(locale: str) -> None:
    """Without accents and upper case: another form would never be found."""
    language = languages.of(locale)
    for kind, meanings in language.data["grammar"].items():
        for phrases in meanings.values():
            for phrase in phrases:
                norms = [token.norm for token in language.tokenize(phrase)]
                assert norms, f"{kind}: {phrase!r}"
                assert phrase == phrase.lower()
                assert "".join(norms) == phrase.replace(" ", ""), f"{kind}: {phrase!r}"


@pytest.mark.parametrize("locale", ["de", "es-mx", "es-419", "", "en_US"])
def test_other_locales_are_none(locale: str) -> None:
    assert not re.fullmatch(LOCALES, locale)


@pytest.mark.parametrize(
    ("text", "locale", "amount"),
    [
        ("menos de 1.200 pesos", "es", 1200),
        ("menos de 1.200,50 pesos", "es", 1200.5),
        ("menos de 12,5 pesos", "es-ES", 12.5),
        ("menos de 2.5 pesos", "es", 2.5),
        ("menos de 1,200.50 pesos", "es-MX", 1200.5),
        ("menos de dos mil pesos", "es", 2000),
        ("menos de mil quinientos pesos", "es", 1500),
        ("menos de ciento veinticinco pesos", "es", 125),
        ("menos de cuarenta y dos pesos", "es", 42),
    ],
)
def test_the_locale_says_how_numbers_are_written(text: str, locale: str, amount: float) -> None:
    assert read(text, locale) == C("<", "precio", amount)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("publicado la semana pasada", Between("publicado", dt.date(2026, 11, 16), dt.date(2026, 11, 22))),
        ("publicado hace 3 días", C("=", "publicado", dt.date(2026, 11, 21))),
        ("publicado hace un mes", C("=", "publicado", dt.date(2026, 10, 24))),
        ("publicado en los últimos 7 días", Between("publicado", dt.date(2026, 11, 17), dt.date(2026, 11, 24))),
        ("publicado el 3 de marzo de 2025", C("=", "publicado", dt.date(2025, 3, 3))),
        ("publicado en los años 90", Between("publicado", dt.date(1990, 1, 1), dt.date(1999, 12, 31))),
        ("medio kilo o más", C(">=", "peso", 0.5)),
        ("entre 2 y 3 kilos", Between("peso", 2, 3)),
    ],
)
def test_spanish(text: str, expected: Filter) -> None:
    assert read(text) == expected
