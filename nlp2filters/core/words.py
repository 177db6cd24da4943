"""Words: a text cut into tokens, each with the form under which it is looked up."""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import snowballstemmer

Kind = Literal["word", "number", "symbol", "quoted"]

_TOKEN = re.compile(
    r"""
      (?P<quoted>"[^"\n]{1,200}"|“[^”\n]{1,200}”)
    | (?P<number>\d{1,3}(?:,\d{3})+(?:\.\d+)?(?!\d)|\d+(?:\.\d+)?|\.\d+)
    | (?P<word>(?:(?<=\d)['’])?[^\W\d_]+(?:['’][^\W\d_]+)*)
    | (?P<symbol><=|>=|!=|<>|==|[<>=≤≥≠+\-–—%$€£¥₹°″,;:()&/])
    """,
    re.VERBOSE,
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_stemmer = snowballstemmer.stemmer("english")


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a text at code points `start` to `end`. `norm` is folded, `stem` is what is looked up."""

    text: str
    norm: str
    stem: str
    start: int
    end: int
    kind: Kind


def tokenize(text: str) -> list[Token]:
    """The tokens of a text, in order. Hyphens inside words vanish; those between numbers or blanks stay."""
    tokens = []
    for match in _TOKEN.finditer(text):
        kind: Kind = match.lastgroup  # type: ignore[assignment]
        if match[0] == "-" and _inside_word(text, match.start()):
            continue
        norm = fold(match[0]) if kind != "quoted" else match[0][1:-1]
        tokens.append(Token(match[0], norm, stem(norm) if kind == "word" else norm, match.start(), match.end(), kind))
    return tokens


def spaced(name: str) -> str:
    """An identifier as words: "numberOfPages" and "number_of_pages" as "number Of Pages", "number of pages"."""
    return _CAMEL.sub(" ", name).replace("_", " ").replace(".", " ")


def fold(text: str) -> str:
    """Without case and accents; apostrophes go with what follows an s."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(char for char in plain if not unicodedata.combining(char))
    return kept.replace("’", "'").lstrip("'").removesuffix("'s").replace("'", "")


@lru_cache(maxsize=65_536)
def stem(word: str) -> str:
    """The word without its English ending (Porter2)."""
    return str(_stemmer.stemWord(word))


def _inside_word(text: str, at: int) -> bool:
    before, after = text[at - 1 : at], text[at + 1 : at + 2]
    return bool(before.isalnum() and after.isalnum() and not (before.isdigit() and after.isdigit()))
