"""How a language file says that words are formed: tried on English with tables that it does not have."""

import datetime as dt
from dataclasses import replace

import pytest

from nlp2filters.core import catalog as catalogs
from nlp2filters.core.filters import Comparison, Filter
from nlp2filters.core.interpretation import resolve
from nlp2filters.core.languages import ENGLISH, Language
from nlp2filters.core.languages.tables import Compounds
from nlp2filters.core.linking import Lexicon
from nlp2filters.core.parser import dates, parse, quantities, times, tokens
from nlp2filters.core.parser.cursor import TokenCursor
from nlp2filters.core.parser.dates import DateCursor
from nlp2filters.core.words import Token

TODAY = dt.date(2026, 11, 24)
LANGUAGE = replace(
    ENGLISH,
    plural_endings=("oj",),
    numbers=replace(ENGLISH.numbers, parts={"and": 0, "ahalf": 0.5}),
    dates=replace(
        ENGLISH.dates,
        numeric={".": "day first", "/": "day first"},
        ordinal_suffix=ENGLISH.dates.ordinal_suffix | {"."},
    ),
    clock=replace(ENGLISH.clock, hour=type(ENGLISH.clock.am)([("oclock", "oclock")])),
    compounds=Compounds(linking=("", "o"), digraphs={"ue": "u"}),
    brackets={"pick up": "pickup", "by sorted": "sorted by"},
)
CATALOG = catalogs.parse(
    {
        "name": "houses",
        "nouns": ["house"],
        "fields": [
            {"name": "price", "type": "money", "currency": "USD"},
            {"name": "livingspace", "type": "number"},
            {"name": "style", "type": "keyword", "values": ["town", "country", "Zurich"]},
            {"name": "garden", "type": "boolean"},
        ],
    }
)


def lexicon(language: Language = LANGUAGE) -> Lexicon:
    return Lexicon.of(CATALOG, language)


def words(text: str, language: Language = LANGUAGE) -> list[str]:
    return [token.norm for token in tokens.tokenize(text, lexicon(language))]


def split(text: str) -> list[Token]:
    return LANGUAGE.tokenize(text)


def cursor(text: str) -> DateCursor:
    return DateCursor(split(text), 0, LANGUAGE, TODAY)


def read(text: str) -> Filter | None:
    return resolve(parse(text, lexicon(), today=TODAY), TODAY).filter


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("twentyone", 21),
        ("oneandtwenty", 21),
        ("twohundredandfifty", 250),
        ("hundredfifty", 150),
        ("twothousandthreehundred", 2300),
        ("twentythousand", 20_000),
        ("twoahalf", 2.5),
    ],
)
def test_a_number_in_one_word(text: str, value: float) -> None:
    quantity = quantities.read(cursor(text))
    assert quantity is not None
    assert quantity.value == value


@pytest.mark.parametrize("text", ["oneish", "android", "twenty" * 20])
def test_other_words_are_no_number(text: str) -> None:
    assert quantities.read(cursor(text)) is None


def test_without_parts_a_number_in_one_word_is_a_word() -> None:
    assert quantities.read(TokenCursor(ENGLISH.tokenize("twentyone"), 0, ENGLISH)) is None


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("03.05.2024", dt.date(2024, 5, 3)),
        ("3/5/2024", dt.date(2024, 5, 3)),
        ("31.12.2025", dt.date(2025, 12, 31)),
        ("3. May 2024", dt.date(2024, 5, 3)),
        ("12.11.", dt.date(2026, 11, 12)),
    ],
)
def test_a_date_with_dots(text: str, day: dt.date) -> None:
    period = dates.read(cursor(text))
    assert period is not None
    assert (period.low, period.high, period.length) == (day, day, len(split(text)))


@pytest.mark.parametrize("text", ["31.2.2025", "13.13.2025", "1.5", "1,200.50"])
def test_other_numbers_with_dots_are_no_date(text: str) -> None:
    assert dates.read(cursor(text)) is None


@pytest.mark.parametrize(
    ("text", "time"),
    [("17 oclock", "17:00"), ("7 oclock 30", "07:30"), ("7:15 oclock", "07:15"), ("9 oclock", "09:00")],
)
def test_a_word_after_the_hour_makes_a_time(text: str, time: str) -> None:
    clock = times.read(cursor(text))
    assert clock is not None
    assert (clock.time, clock.length) == (dt.time.fromisoformat(time), len(split(text)))


@pytest.mark.parametrize(
    ("text", "norms"),
    [
        ("townhouse", ["town", "house"]),
        ("townohouses", ["town", "houses"]),
        ("gardenhouse", ["garden", "house"]),
        # What else comes before a field or the records only describes them.
        ("saleprice", ["price"]),
        ("pricehouse", ["house"]),
        # An unknown first part may be what is looked for.
        ("farmhouse", ["farmhouse"]),
        ("space", ["livingspace"]),
        ("Zuerich", ["zurich"]),
        ("gardenoj", ["garden"]),
        ("nothing else", ["nothing", "else"]),
    ],
)
def test_compounds_and_spellings(text: str, norms: list[str]) -> None:
    assert words(text) == norms


def test_without_tables_the_tokens_stay_as_they_are() -> None:
    assert words("townhouse saleprice space Zuerich", ENGLISH) == ["townhouse", "saleprice", "space", "zuerich"]


def test_the_parts_of_a_compound_have_their_own_places() -> None:
    text = "a Townhouse"
    assert [text[token.start : token.end] for token in tokens.tokenize(text, lexicon())] == ["a", "Town", "house"]


@pytest.mark.parametrize(
    ("text", "norms"),
    [
        ("pick her up", ["pickup", "her"]),
        ("pick her up, now", ["pickup", "her", ",", "now"]),
        ("pick her up and go", ["pickup", "her", "and", "go"]),
        # The second word must end its part of the sentence.
        ("pick up speed", ["pick", "up", "speed"]),
        ("pick her, then up", ["pick", "her", ",", "then", "up"]),
    ],
)
def test_two_words_around_others_are_one(text: str, norms: list[str]) -> None:
    assert [token.norm for token in split(text)] == norms


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("townhouses", Comparison("=", "style", "town")),
        ("saleprice under twohundred dollars", Comparison("<", "price", 200)),
        ("space over 50", Comparison(">", "livingspace", 50)),
    ],
)
def test_the_parser_reads_them(text: str, expected: Filter) -> None:
    assert read(text) == expected


@pytest.mark.parametrize("text", ["x" * 4000, "ein" * 1333, "house" * 800, " ".join(["hundredhundredhundred"] * 190)])
def test_long_words_take_no_time(text: str) -> None:
    parse(text, lexicon(), today=TODAY)
