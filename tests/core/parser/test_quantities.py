"""Quantities by themselves: numbers in digits and words, their scales and units."""

import pytest

from nlp2filters.core import languages
from nlp2filters.core.catalog import Field
from nlp2filters.core.languages import ANY_CURRENCY, ENGLISH
from nlp2filters.core.parser import quantities
from nlp2filters.core.parser.cursor import TokenCursor
from nlp2filters.core.parser.quantities import Quantity

NUMBERS = [
    ("en", "1,200", 1200),
    ("en", "1,200.50", 1200.5),
    ("en", "-5", -5),
    ("en", "100k", 100_000),
    ("en", "2.5 million", 2_500_000),
    ("en", "twenty five", 25),
    ("en", "two hundred and fifty", 250),
    ("en", "nineteen seventy", 1970),
    ("en", "twenty twenty four", 2024),
    ("en", "three and a half", 3.5),
    ("en", "half a million", 500_000),
    ("en", "a dozen", 12),
    ("en", "two thousand", 2000),
    ("en", "1 000 000", 1_000_000),
    ("en", "10 000", 10_000),
    ("en", "1 200,50", 1200.5),
    ("en", "1.971,13", 1971.13),
    ("en", "0,5", 0.5),
    ("en", "2,5 million", 2_500_000),
    ("en", "50 k", 50_000),
    ("en", "2 lakh", 200_000),
    ("en", "a hundred and fifty", 150),
    ("en", "a hundred and twenty thousand", 120_000),
    ("en", "two million five hundred thousand", 2_500_000),
    ("en", "one hundred twenty three thousand four hundred fifty six", 123_456),
    ("en", "eight thousand, three hundred sixty", 8360),
    ("en", "two thousand fourteen", 2014),
    ("en", "2 thousand 500", 2500),
    ("en", "a million and a half", 1_500_000),
    ("en", "five point three three thousand", 5330),
    ("en", "3 point 5", 3.5),
    ("en", "point two five", 0.25),
    ("en", "a couple hundred", 200),
    ("en", "a quarter million", 250_000),
    ("en", "2 1/2", 2.5),
    ("en", "2-1/2", 2.5),
    ("en", "2 ½", 2.5),
    ("en", "½", 0.5),
    ("en", "4 out of 5", 4),
    ("en", "4.5/5", 4.5),
    ("de", "drei Komma fünf", 3.5),
    ("de", "1 200,50", 1200.5),
    ("de", "zwei Tausend fünfhundert", 2500),
    ("es", "dos mil quinientos", 2500),
    ("es", "tres coma veinticinco", 3.25),
    ("es", "1.200,50", 1200.5),
    ("es", "2.5", 2.5),
    ("es", "cuarenta y dos", 42),
    ("es", "mil quinientos", 1500),
    ("es", "ciento veinticinco", 125),
    ("es", "dos mil", 2000),
]
AMOUNTS = [
    ("en", "$20", 20, "USD"),
    ("en", "20 euros", 20, "EUR"),
    ("en", "5 kg", 5, "kilogram"),
    ("en", "5in", 5, "inch"),
    ("en", "1 hour 30 minutes", 1.5, "hour"),
    ("en", "1h30", 1.5, "hour"),
    ("en", "a year and a half", 1.5, "year"),
    ("en", "half a pound", 0.5, "GBP"),
    ("en", "hundred dollars", 100, "USD"),
    ("en", "a couple of dollars", 2, "USD"),
    ("en", "2,5 kg", 2.5, "kilogram"),
    ("en", "3/4 inch", 0.75, "inch"),
    ("en", "99 cents", 0.99, "USD"),
    ("en", "50p", 0.5, "GBP"),
    ("en", "five dollars and fifty cents", 5.5, "USD"),
    ("en", "a grand", 1000, ANY_CURRENCY),
    ("es", "medio kilo", 0.5, "kilogram"),
    ("es", "80 metros cuadrados", 80, "meter ** 2"),
]


def read(text: str, locale: str = "en") -> tuple[Quantity | None, int]:
    language = languages.of(locale)
    tokens = language.tokenize(text)
    return quantities.read(TokenCursor(tokens, 0, language)), len(tokens)


@pytest.mark.parametrize(("locale", "text", "value"), NUMBERS)
def test_a_number(locale: str, text: str, value: float) -> None:
    quantity, length = read(text, locale)
    assert quantity is not None
    assert (quantity.value, quantity.units, quantity.length) == (value, (), length)


@pytest.mark.parametrize(("locale", "text", "value", "unit"), AMOUNTS)
def test_an_amount(locale: str, text: str, value: float, unit: str) -> None:
    quantity, length = read(text, locale)
    assert quantity is not None
    assert (quantity.value, quantity.units[0], quantity.length) == (value, unit, length)


@pytest.mark.parametrize("text", ["a car", "half", "1234567890123456", "hundred", "- 5", "thousand foot"])
def test_other_words_are_no_number(text: str) -> None:
    assert read(text)[0] is None


def test_a_word_that_is_also_a_preposition_is_a_unit_only_at_the_end() -> None:
    for text, units in (("5 in", ("inch",)), ("5 in black", ())):
        quantity, _ = read(text)
        assert quantity is not None
        assert quantity.units == units


def test_the_period_of_a_rate() -> None:
    quantity, length = read("40 hours a week")
    assert quantity is not None
    assert (quantity.per, quantity.length) == ("week", length)


def test_a_plus_makes_a_minimum() -> None:
    quantity, _ = read("5+ kg")
    assert quantity is not None
    assert quantity.open


def test_a_word_before_it_needs_a_number() -> None:
    for text, value in (("over 12 500", 12_500), ("over 4,5", 4.5), ("under hundred", 100), ("under 1/2", 0.5)):
        tokens = ENGLISH.tokenize(text)
        quantity = quantities.read(TokenCursor(tokens, 1, ENGLISH))
        assert quantity is not None
        assert (quantity.value, quantity.length) == (value, len(tokens) - 1)


@pytest.mark.parametrize(
    ("text", "value", "length"),
    [
        ("4,6 or 8", 4, 1),
        ("5 100", 5, 1),
        ("three thousand, four bedrooms", 3000, 2),
        ("two $500", 2, 1),
        ("five thousand a month", 5000, 4),
        ("3 a week ago", 3, 1),
        ("1/2 off", 1, 1),
        ("4/5/2024", 4, 1),
    ],
)
def test_a_number_ends_before_what_is_another(text: str, value: float, length: int) -> None:
    quantity, _ = read(text)
    assert quantity is not None
    assert (quantity.value, quantity.length) == (value, length)


@pytest.mark.parametrize("text", ["V8s", "WH1000", "MS170"])
def test_digits_behind_letters_are_part_of_a_name(text: str) -> None:
    assert quantities.read(TokenCursor(ENGLISH.tokenize(text), 1, ENGLISH)) is None


@pytest.mark.parametrize("text", ["15 -20", "15 usd -20 usd", "$15 -20"])
def test_a_minus_behind_a_number_is_no_sign(text: str) -> None:
    tokens = ENGLISH.tokenize(text)
    at = [token.norm for token in tokens].index("-")
    assert quantities.read(TokenCursor(tokens, at, ENGLISH)) is None


def test_a_class_of_codes() -> None:
    quantity, length = read("4xx")
    assert quantity is not None
    assert (quantity.value, quantity.high, quantity.length) == (400, 499, length)


def test_three_digits_behind_a_point_are_thousands_of_money_unless_the_data_end_before() -> None:
    quantity, _ = read("1.299 €")
    assert quantity is not None
    for maximum, value in ((None, 1299), (5000, 1299), (3, 1.299)):
        field = Field("price", "money", currency="EUR", maximum=maximum)
        assert quantities.fit(quantity, field, ENGLISH) == value
