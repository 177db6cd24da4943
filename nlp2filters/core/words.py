"""Words: a text split into tokens, each with the form under which it is looked up."""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Literal

import snowballstemmer

Kind = Literal["word", "number", "symbol", "quoted"]

# SYMBOL and NUMBER stand for what the language adds, and for the marks in its numbers.
_PATTERN = r"""
      (?P<quoted>"[^"\n]{1,200}"|“[^”\n]{1,200}”)
    | (?P<number>NUMBER)
    | (?P<word>(?:(?<=\d)['’])?[^\W\d_]+(?:['’][^\W\d_]+)*)
    | (?P<symbol><=|>=|!=|<>|==|[<>=≤≥≠+\-–—%$€£¥₹°″,;:()&/]SYMBOL)
    """
# The key is the decimal mark. With a decimal comma, "2.5" is accepted too.
_NUMBERS = {
    ".": r"\d{1,3}(?:,\d{3})+(?:\.\d+)?(?!\d)|\d+(?:\.\d+)?|\.\d+",
    ",": r"\d{1,3}(?:\.\d{3})+(?:,\d+)?(?!\d)|\d+(?:[.,]\d+)?|,\d+",
}
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
    number = _NUMBERS[decimal]
    if dotted_dates:
        number = rf"(?!(?<=\d)\.)(?:{_DATE_NUMBERS}{number})"
    pattern = _PATTERN.replace("NUMBER", number).replace("SYMBOL", _DATE_DOTS if dotted_dates else "")
    return re.compile(pattern, re.VERBOSE)


_DOTTED_THOUSANDS = re.compile(r"\d{1,3}(?:\.\d{3})+(?:,\d+)?")
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

    `decimal` is "." or ","; the other one separates thousands. The norm of a number has a point before its fraction.
    `dotted_dates`: the dots in "3.5.2025" and "3. May" are tokens.
    """
    tokens = []
    for match in _token_pattern(decimal, dotted_dates=dotted_dates).finditer(text):
        kind: Kind = match.lastgroup  # type: ignore[assignment]
        if match[0] == "-" and _inside_word(text, match.start()):
            continue
        norm = match[0][1:-1] if kind == "quoted" else match[0] if kind == "symbol" else fold(match[0])
        if kind == "number" and decimal == ",":
            norm = _with_point(norm)
        stemmed = stem(norm, stemmer) if kind == "word" else norm
        tokens.append(Token(match[0], norm, stemmed, match.start(), match.end(), kind))
    return tokens


def _with_point(number: str) -> str:
    """Rewrite a number with a decimal comma: "1.200,5" becomes "1200.5"."""
    return (number.replace(".", "") if _DOTTED_THOUSANDS.fullmatch(number) else number).replace(",", ".")


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
    return bool(before.isalnum() and after.isalnum() and not (before.isdigit() and after.isdigit()))
