"""Texts cut into tokens."""

import pytest

from nlp2filters.core.words import tokenize


def norms(text: str, decimal: str = ".") -> list[str]:
    return [token.norm for token in tokenize(text, decimal=decimal)]


@pytest.mark.parametrize(
    ("text", "decimal", "expected"),
    [
        ("1,200.5", ".", ["1200.5"]),
        ("1.200,5", ",", ["1200.5"]),
        ("1.200", ",", ["1200"]),
        ("1.200.000", ",", ["1200000"]),
        ("1.20", ",", ["1.20"]),
        ("0,5", ",", ["0.5"]),
        ("2, 3", ",", ["2", ",", "3"]),
        ("1.971,13", ".", ["1971.13"]),
        ("1,971.13", ",", ["1971.13"]),
        ("1.200.000", ".", ["1200000"]),
        ("1,200,000", ",", ["1200000"]),
        ("1.200", ".", ["1.200"]),
        ("12,50,000", ".", ["1250000"]),
        ("1'200.50", ".", ["1200.50"]),
        ("4,6", ".", ["4", ",", "6"]),
        ("10k-20k", ".", ["10", "k", "-", "20", "k"]),
        ("38xa-3", ".", ["38", "xa", "3"]),
        ("½", ".", ["0.5"]),
        ("1.250,-", ",", ["1250"]),
        ("2¼", ",", ["2.25"]),
    ],
)
def test_numbers_with_a_decimal_point_or_comma(text: str, decimal: str, expected: list[str]) -> None:
    assert norms(text, decimal) == expected


def test_signs_are_told_apart_that_only_an_accent_divides() -> None:
    assert norms("≠ = ≤") == ["≠", "=", "≤"]


def test_the_stem_is_of_the_language() -> None:
    assert [token.stem for token in tokenize("baratos", stemmer="spanish")] == ["barat"]
