"""A cursor over the tokens of a text, for the readers of numbers, dates, times and follow-ups."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import wraps
from itertools import pairwise
from typing import Any, Self, TypeVar

from nlp2filters.core.languages import Language
from nlp2filters.core.languages.phrases import PhraseTable
from nlp2filters.core.words import Token

Meaning = TypeVar("Meaning")
Cursor = TypeVar("Cursor", bound="TokenCursor")
Reading = TypeVar("Reading")

# A phrase before a place that is looked for has at most this many words.
MAX_PHRASE = 4


@dataclass(frozen=True, slots=True)
class TokenCursor:
    """A place in the tokens of a text. Offsets count from it; beyond the end there is nothing.

    `readings` are the results of readers by place: all cursors of a text share them (see `read_once`).
    """

    tokens: Sequence[Token]
    at: int
    language: Language
    readings: dict[tuple[object, int], Any] = field(default_factory=dict, compare=False, repr=False, kw_only=True)

    def moved(self, by: int) -> Self:
        """Return a cursor so many tokens further on."""
        return replace(self, at=self.at + by) if by else self

    def token(self, offset: int = 0) -> Token | None:
        """Return a token."""
        at = self.at + offset
        return self.tokens[at] if 0 <= at < len(self.tokens) else None

    def norm(self, offset: int = 0) -> str:
        """Return the folded text of a token, or nothing."""
        at = self.at + offset
        return self.tokens[at].norm if 0 <= at < len(self.tokens) else ""

    def adjoin(self, length: int, offset: int = 0) -> bool:
        """Return whether there are `length` tokens without blanks between them."""
        tokens = self.tokens[self.at + offset : self.at + offset + length]
        return len(tokens) == length and all(token.end == following.start for token, following in pairwise(tokens))

    def phrase(self, table: PhraseTable[Meaning], offset: int = 0) -> tuple[Meaning, int] | None:
        """Return the meaning and the length in tokens of the longest phrase there."""
        return table.longest(self.tokens, self.at + offset)

    def phrase_length(self, table: PhraseTable[Meaning], offset: int = 0) -> int:
        """Return the length in tokens of the longest phrase there, or 0."""
        return table.length(self.tokens, self.at + offset)

    def unit(self, offset: int = 0) -> tuple[tuple[str, ...], int] | None:
        """Return the units that the name of one there may stand for, and its length in tokens."""
        return self.language.unit(self.tokens, self.at + offset)

    def is_unit(self, offset: int = 0) -> bool:
        """Return whether a unit is there, or the hundredth of a currency, such as "cents"."""
        return self.unit(offset) is not None or self.phrase_length(self.language.numbers.hundredths, offset) > 0

    def follows(self, *roles: str) -> bool:
        """Return whether a phrase with one of these roles in the grammar ends right before the cursor."""
        for length in range(1, min(self.at, MAX_PHRASE) + 1):
            phrase = tuple(token.norm for token in self.tokens[self.at - length : self.at])
            if not self.language.phrase_roles.get(phrase, {}).keys().isdisjoint(roles):
                return True
        return False

    def roles(self, offset: int = 0) -> Mapping[str, str]:
        """Return the roles in the grammar of the word there."""
        return self.language.phrase_roles.get((self.norm(offset),), {})

    def digits(self, offset: int, low: int, high: int, longest: int = 4) -> int | None:
        """Return a whole number in that range, in at most so many digits."""
        token = self.token(offset)
        if not token or token.kind != "number" or not token.text.isdecimal() or len(token.text) > longest:
            return None
        value = int(token.text)
        return value if low <= value <= high else None

    def integer(self, offset: int = 0) -> int | None:
        """Return a whole number of up to three digits, or one in words."""
        value = self.digits(offset, 0, 999, longest=3)
        return self.number_word(offset) if value is None else value

    def number_word(self, offset: int = 0) -> int | None:
        """Return a whole number in words."""
        value = self.language.number(self.norm(offset))
        return value if isinstance(value, int) else None

    def count(self, offset: int = 0) -> int | None:
        """Return a whole number, or 1 for "a"."""
        return 1 if self.norm(offset) in self.language.numbers.one else self.integer(offset)


def read_once(read: Callable[[Cursor], Reading]) -> Callable[[Cursor], Reading]:
    """Let a reader read each place of a text only once: many rules begin with a number or a span of time."""

    @wraps(read)
    def reading(cursor: Cursor) -> Reading:
        key = read, cursor.at
        if key not in cursor.readings:
            cursor.readings[key] = read(cursor)
        result: Reading = cursor.readings[key]
        return result

    return reading
