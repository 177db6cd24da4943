"""Quantities by themselves: numbers in digits and words, their scales and units."""

import pytest

from nlp2filters.core import languages
from nlp2filters.core.parser import quantities
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
    ("es", "medio kilo", 0.5, "kilogram"),
    ("es", "80 metros cuadrados", 80, "meter ** 2"),
]


def read(text: str, locale: str = "en") -> tuple[Quantity | None, int]:
    language = languages.of(locale)
    tokens = language.tokenize(text)
    return quantities.read(tokens, 0, language), len(tokens)


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


@pytest.mark.parametrize("text", ["a car", "half", "1234567890123456", "hundred", "- 5"])
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
