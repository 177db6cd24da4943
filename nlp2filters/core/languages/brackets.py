"""Brackets: two words around a part of a sentence that mean one thing, as German "fängt im Mai an" for "anfangen"."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from nlp2filters.core.words import Token, stem

# At most this many tokens stand between the two words.
MAX_INSIDE = 10


class Brackets:
    """The brackets of a language: by their first and their last word, the word that stands for both."""

    def __init__(self, pairs: Mapping[str, str], stemmer: str, ends: Callable[[Token], bool]) -> None:
        """Index `pairs`, with keys such as "fangt an". `ends` is true for a token that ends a part of a sentence."""
        self._stemmer, self._ends = stemmer, ends
        self._words: dict[str, dict[str, str]] = defaultdict(dict)
        for pair, word in pairs.items():
            first, last = pair.split()
            self._words[first][last] = word

    def replace(self, tokens: list[Token]) -> list[Token]:
        """Put the one word in place of the first, and leave out the last."""
        at = 0
        while at < len(tokens):
            if (lasts := self._words.get(tokens[at].norm)) and (last := self._last(tokens, at, lasts)):
                word = lasts[tokens[last].norm]
                opening = replace(tokens[at], norm=word, stem=stem(word, self._stemmer))
                tokens = [*tokens[:at], opening, *tokens[at + 1 : last], *tokens[last + 1 :]]
            at += 1
        return tokens

    def _last(self, tokens: Sequence[Token], first: int, lasts: Mapping[str, str]) -> int | None:
        """Return the place of the word that closes the bracket: at the end of its part of the sentence."""
        for at in range(first + 1, min(len(tokens), first + MAX_INSIDE + 2)):
            if tokens[at].norm in lasts and (at + 1 == len(tokens) or self._ends(tokens[at + 1])):
                return at
            if tokens[at].norm in {",", ";"}:
                return None
        return None
