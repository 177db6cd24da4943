"""The words of code and of texts about it: those of names, too."""

import re
from functools import lru_cache

import snowballstemmer

# A vocabulary of code has some ten thousand words.
_CACHED = 50_000
_WORD = re.compile(r"[A-Za-z][a-z]+|[A-Z]+(?![a-z])|\d+")
_STOP_WORDS = frozenset(
    """
    a an and are as at be by do does for from how in into is it its of on or that the this to what when where
    which who with
    """.split()  # noqa: SIM905
)
_STEMMER = snowballstemmer.stemmer("english")


def words(text: str) -> list[str]:
    """Return the words of a text or of code in lower case: those of `max_retries` and `maxRetries` are alike."""
    return [word.lower() for word in _WORD.findall(text) if word.lower() not in _STOP_WORDS]


def stems(text: str) -> list[str]:
    """Return the stems of the words, by which `retried` and `retries` are alike."""
    return [_stem(word) for word in words(text)]


@lru_cache(_CACHED)
def _stem(word: str) -> str:
    stem: str = _STEMMER.stemWord(word)
    return stem
