"""Words: a text split into tokens, each with the form under which it is looked up."""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Literal

import snowballstemmer

Kind = Literal["word", "number", "symbol", "quoted"]

# One sign for a fraction, alone or behind a whole number.
_FRACTIONS = "½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞"
# SYMBOL and NUMBER stand for what the language adds, and for the marks in its numbers.
_PATTERN = rf"""
      (?P<quoted>"[^"\n]{{1,200}}"|“[^”\n]{{1,200}}”)
    | (?P<number>NUMBER)
    | (?P<word>(?:(?<=\d)['’])?[^\W\d_{_FRACTIONS}]+(?:['’][^\W\d_{_FRACTIONS}]+)*)
    | (?P<symbol><=|>=|!=|<>|==|[<>=≤≥≠+\-–—%$€£¥¢₹°″,;:()&/]SYMBOL)
    """
# Numbers in digits; DECIMAL is the mark before the fraction, GROUP the one between thousands. Some are written as
# elsewhere in the world, in ways that have only one reading: with the marks changed over, or with many groups.
_NUMBER = rf"""
      \d{{1,3}}(?:GROUP\d{{3}})+(?:DECIMAL\d+)?(?!\d)
    | (?<![\d.,])\d{{1,3}}(?:DECIMAL\d{{3}})+GROUP\d+(?![.,]?\d)
    | (?<![\d.,])\d{{1,3}}(?:DECIMAL\d{{3}}){{2,}}(?![.,]?\d)
    | (?<![\d.,])\d{{1,2}}(?:,\d{{2}})+,\d{{3}}(?![.,]?\d)
    | \d{{1,3}}(?:['’]\d{{3}})+(?:[.,]\d+)?(?!\d)
    | \d*[{_FRACTIONS}]
    | PLAIN
    """
# With a decimal comma, "2.5" is accepted too.
_PLAIN = {".": r"\d+(?:\.\d+)?|\.\d+", ",": r"\d+(?:[.,]\d+)?|,\d+"}
# Prices without cents: "1.250,-".
_WHOLE_PRICE = r"\d+(?:\.\d{3})*,[-–]{1,2}(?!\d)|"
# Where dots are written in dates, the "3" and the "5" of "3.5.2025" are numbers of their own, and a dot is a token
# within a date and behind an ordinal.
_DATE_NUMBERS = r"\d{1,2}(?=\.\d{1,2}\.)|(?<=\d\.)\d{1,2}(?=\.)|"
_DATE_DOTS = r"""
      | (?<=\d)\.(?=\d)
      | (?:(?<=(?<!\d)\d)|(?<=(?<!\d)\d\d))\.(?=\s+[^\W\d_])
      | (?<!\S)\.(?!\S)
    """


@cache
def _token_pattern(decimal: str, *, dotted_dates: bool) -> re.Pattern[str]:
    group = re.escape({".": ",", ",": "."}[decimal])
    number = _WHOLE_PRICE if decimal == "," else ""
    number += _NUMBER.replace("DECIMAL", re.escape(decimal)).replace("GROUP", group).replace("PLAIN", _PLAIN[decimal])
    if dotted_dates:
        number = rf"(?!(?<=\d)\.)(?:{_DATE_NUMBERS}{number})"
    pattern = _PATTERN.replace("NUMBER", number).replace("SYMBOL", _DATE_DOTS if dotted_dates else "")
    return re.compile(pattern, re.VERBOSE)


_GROUPED = re.compile(r"\d{1,3}[.,]\d{3}")
# The letters behind digits, such as the "k" of "10k".
_UNIT_OF_AMOUNT = re.compile(r"(?<=\d)[^\W\d_]{1,3}\Z")
# Before a hyphen, so many characters are looked at.
LONGEST_AMOUNT = 16
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a text, from code point `start` to `end`. `norm` is folded, `stem` is looked up."""

    text: str
    norm: str
    stem: str
    start: int
    end: int
    kind: Kind


def tokenize(text: str, *, decimal: str = ".", stemmer: str = "english", dotted_dates: bool = False) -> list[Token]:
    """Split a text into tokens. Hyphens inside words are dropped; those between numbers or blanks stay.

    `decimal` is "." or ","; the other one separates thousands. The norm of a number has a point before its fraction
    and nothing between its thousands.
    `dotted_dates`: the dots in "3.5.2025" and "3. May" are tokens.
    """
    tokens = []
    for match in _token_pattern(decimal, dotted_dates=dotted_dates).finditer(text):
        kind: Kind = match.lastgroup  # type: ignore[assignment]
        if match[0] == "-" and _inside_word(text, match.start()):
            continue
        norm = _norm(match[0], kind, decimal)
        stemmed = stem(norm, stemmer) if kind == "word" else norm
        tokens.append(Token(match[0], norm, stemmed, match.start(), match.end(), kind))
    return tokens


def _norm(text: str, kind: Kind, decimal: str) -> str:
    match kind:
        case "quoted":
            return text[1:-1]
        case "symbol":
            return text
        case "number":
            return _with_point(text, decimal)
    return fold(text)


def _with_point(number: str, decimal: str) -> str:
    """Rewrite a number with a point before its fraction and nothing between thousands: "1.200,5" becomes "1200.5"."""
    if number.isdecimal():
        return number
    if number[-1] in _FRACTIONS:
        return str(round(int(number[:-1] or 0) + unicodedata.numeric(number[-1]), 6))
    number = number.rstrip(",-–").replace("'", "").replace("’", "")
    mark = _decimal_mark(number, decimal)
    whole, _, fraction = number.rpartition(mark) if mark else (number, "", "")
    whole = whole.replace(".", "").replace(",", "")
    return f"{whole}.{fraction}" if mark else whole


def _decimal_mark(number: str, decimal: str) -> str | None:
    """Return the mark in a number that comes before its fraction: the last of two, or one that groups no digits."""
    marks = [char for char in number if char in ".,"]
    if len(set(marks)) == 2:
        return marks[-1]
    if len(marks) != 1:
        return None
    groups = _GROUPED.fullmatch(number) is not None
    return None if groups and marks[0] != decimal else marks[0]


def spaced(name: str) -> str:
    """Split an identifier into words: "numberOfPages" becomes "number Of Pages", "a_b.c" becomes "a b c"."""
    return _CAMEL.sub(" ", name).replace("_", " ").replace(".", " ")


def fold(text: str) -> str:
    """Remove case, accents, apostrophes, and the "s" of a possessive."""
    plain = text.lower() if text.isascii() else _without_accents(text.casefold())
    return plain.replace("’", "'").lstrip("'").removesuffix("'s").replace("'", "")


def _without_accents(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(char for char in decomposed if not unicodedata.combining(char))


@cache
def _stemmer(algorithm: str) -> Any:
    return snowballstemmer.stemmer(algorithm)


@lru_cache(maxsize=65_536)
def stem(word: str, stemmer: str = "english") -> str:
    """Return the word without its ending, by Snowball's algorithm for the language."""
    return str(_stemmer(stemmer).stemWord(word))


def _inside_word(text: str, at: int) -> bool:
    before, after = text[at - 1 : at], text[at + 1 : at + 2]
    if not (before.isalnum() and after.isalnum()):
        return False
    # "10-20" and "10k-20k" are ranges.
    if before.isdigit():
        return not after.isdigit()
    unit = _UNIT_OF_AMOUNT.search(text, max(0, at - LONGEST_AMOUNT), at)
    return not (unit and re.compile(rf"\d[\d.,]*{unit[0]}\b").match(text, at + 1))
