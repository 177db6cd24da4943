"""Phrases of a language file, indexed by their first word."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Generic, TypeVar

from nlp2filters.core.words import Token

Meaning = TypeVar("Meaning")


class PhraseTable(Generic[Meaning]):
    """Phrases with a meaning each. Of those that begin at a place of a text the longest wins, then the first."""

    __slots__ = ("_by_first_word",)

    def __init__(self, phrases: Iterable[tuple[str, Meaning]] = ()) -> None:
        by_first_word: dict[str, list[tuple[tuple[str, ...], Meaning]]] = defaultdict(list)
        for phrase, meaning in phrases:
            words = tuple(phrase.split())
            by_first_word[words[0]].append((words, meaning))
        self._by_first_word = {
            first: sorted(entries, key=lambda entry: -len(entry[0])) for first, entries in by_first_word.items()
        }

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
        return word in self._by_first_word

    def matches(self, tokens: Sequence[Token], at: int) -> Iterator[tuple[Meaning, int]]:
        """Yield the meaning and the length in tokens of each phrase that begins at a token, the longest first."""
        if at >= len(tokens):
            return
        for words, meaning in self._by_first_word.get(tokens[at].norm, ()):
            if len(words) == 1 or tuple(token.norm for token in tokens[at : at + len(words)]) == words:
                yield meaning, len(words)

    def longest(self, tokens: Sequence[Token], at: int) -> tuple[Meaning, int] | None:
        """Return the meaning and the length in tokens of the longest phrase that begins at the token `at`."""
        return next(self.matches(tokens, at), None)

    def length(self, tokens: Sequence[Token], at: int) -> int:
        """Return the length in tokens of the longest phrase that begins at the token `at`, or 0."""
        match = self.longest(tokens, at)
        return match[1] if match else 0


def plain(phrases: Iterable[str]) -> PhraseTable[str]:
    """Index a list of phrases that all mean the same."""
    return PhraseTable((phrase, phrase) for phrase in phrases)
