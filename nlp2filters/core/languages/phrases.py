"""Phrases of a language file, indexed by their first word."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Generic, TypeVar

from nlp2filters.core.words import Token

Meaning = TypeVar("Meaning")


class PhraseTable(Generic[Meaning]):
    """Phrases with a meaning each. Of those that begin at a place of a text the longest wins, then the first."""

    __slots__ = ("_lengths", "_meanings")

    def __init__(self, phrases: Iterable[tuple[str, Meaning]] = ()) -> None:
        meanings: dict[tuple[str, ...], list[Meaning]] = defaultdict(list)
        lengths: dict[str, set[int]] = defaultdict(set)
        for phrase, meaning in phrases:
            words = tuple(phrase.split())
            meanings[words].append(meaning)
            lengths[words[0]].add(len(words))
        self._meanings = dict(meanings)
        self._lengths = {first: sorted(of_first, reverse=True) for first, of_first in lengths.items()}

    @classmethod
    def of_values(cls, values: Mapping[str, Meaning]) -> "PhraseTable[Meaning]":
        """Index a table that gives each phrase a value."""
        return cls(values.items())

    @classmethod
    def of_lists(cls, lists: Mapping[Meaning, Sequence[str]]) -> "PhraseTable[Meaning]":
        """Index a table that lists the phrases of each meaning."""
        return cls((phrase, meaning) for meaning, phrases in lists.items() for phrase in phrases)

    def begins(self, word: str) -> bool:
        """Return whether a phrase begins with the word."""
        return word in self._lengths

    def matches(self, tokens: Sequence[Token], at: int) -> Iterator[tuple[Meaning, int]]:
        """Yield the meaning and the length in tokens of each phrase that begins at a token, the longest first."""
        if at >= len(tokens):
            return
        for length in self._lengths.get(tokens[at].norm, ()):
            words = tuple([token.norm for token in tokens[at : at + length]])
            # At the end of the text they are fewer.
            for meaning in self._meanings.get(words, ()) if len(words) == length else ():
                yield meaning, length

    def longest(self, tokens: Sequence[Token], at: int) -> tuple[Meaning, int] | None:
        """Return the meaning and the length in tokens of the longest phrase that begins at the token `at`."""
        # Few words begin a phrase.
        if at >= len(tokens) or tokens[at].norm not in self._lengths:
            return None
        return next(self.matches(tokens, at), None)

    def length(self, tokens: Sequence[Token], at: int) -> int:
        """Return the length in tokens of the longest phrase that begins at the token `at`, or 0."""
        match = self.longest(tokens, at)
        return match[1] if match else 0


def plain(phrases: Iterable[str]) -> PhraseTable[str]:
    """Index a list of phrases that all mean the same."""
    return PhraseTable((phrase, phrase) for phrase in phrases)
