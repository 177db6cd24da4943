"""A language is a data file: what every file must have, and what the locale decides."""

import datetime as dt
import re
import tomllib
from pathlib import Path

import pytest

from nlp2filters.core import catalog as catalogs
from nlp2filters.core import languages
from nlp2filters.core.filters import Between, Comparison, Filter
from nlp2filters.core.interpretation import resolve
from nlp2filters.core.languages.tables import load
from nlp2filters.core.linking import Lexicon
from nlp2filters.core.locales import CODES, LOCALES
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


FILES = sorted(Path(languages.__file__).parent.glob("*.toml"))


def test_a_language_file_without_a_table_names_it(tmp_path: Path) -> None:
    path = tmp_path / "xx.toml"
    text = FILES[0].read_text("utf-8")
    assert "[dates.days]" in text
    path.write_text(text.replace("[dates.days]", "[dates.dias]").replace('"than" = [', '"then" = ['), "utf-8")
    with pytest.raises(ValueError, match=r"^xx\.toml: .*") as refused:
        load(path)
    message = str(refused.value)
    assert "dates.days: " in message
    assert "dates.dias: " in message
    assert "than: missing: than" in message


def test_a_language_file_with_a_wrong_type_names_the_key(tmp_path: Path) -> None:
    path = tmp_path / "xx.toml"
    path.write_text(FILES[0].read_text("utf-8").replace("[dates.days]", '[dates.days]\nnever = "no"'), "utf-8")
    with pytest.raises(ValueError, match=r"^xx\.toml: dates\.days\.never: "):
        load(path)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_language_has_the_same_tables(path: Path) -> None:
    """The tables of one file are those that all have; only what they list differs."""
    load(path)
    own, first = (tomllib.loads(file.read_text("utf-8")) for file in (path, FILES[0]))
    assert own.keys() == first.keys()
    for name in ("numbers", "dates", "clock", "fields", "names", "followup"):
        assert own[name].keys() == first[name].keys(), name
    for name, meanings in first["grammar"].items():
        assert own["grammar"][name].keys() == meanings.keys(), name


@pytest.mark.parametrize("locale", ["en", "es", "en-GB", "es-MX"])
def test_known_locales(locale: str) -> None:
    assert re.fullmatch(LOCALES, locale)


@pytest.mark.parametrize("locale", CODES)
def test_every_phrase_is_written_as_it_is_looked_up(locale: str) -> None:
    """Without accents and upper case: another form would never be found."""
    language = languages.of(locale)
    for kind, meanings in language.grammar.items():
        for phrases in meanings.values():
            for phrase in phrases:
                norms = [token.norm for token in language.tokenize(phrase)]
                assert norms, f"{kind}: {phrase!r}"
                assert phrase == phrase.lower()
                assert "".join(norms) == phrase.replace(" ", ""), f"{kind}: {phrase!r}"


@pytest.mark.parametrize("locale", ["xx", "es-mx", "es-419", "", "en_US"])
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
