"""Times of day: "5 pm", "17:30", "half past 7 in the evening", "noon"."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from nlp2filters.core.languages import Language
from nlp2filters.core.words import Token


@dataclass(frozen=True, slots=True)
class Clock:
    """A time of day, and the number of tokens that say it."""

    time: dt.time
    length: int


def read(tokens: Sequence[Token], at: int, language: Language) -> Clock | None:
    """Read the time of day that begins at the token `at`; a bare number is none."""
    return _Reader(tokens, at, language).read()


@dataclass(slots=True)
class _Reader:
    tokens: Sequence[Token]
    at: int
    language: Language

    def read(self) -> Clock | None:
        words = self.language.clock
        if (norm := self._norm(0)) in words.named:
            return Clock(dt.time(words.named[norm]), 1)
        for minutes, sign in ((words.minutes.past, 1), (words.minutes.to, -1)):
            if found := self._before_hour(minutes, sign):
                return found
        hour, minute, length = self._hour(0), 0, 1
        if hour is None:
            return None
        told = False
        if self._norm(1) == ":" and self._adjoining(2) and (found_minute := self._minute(2)) is not None:
            minute, length, told = found_minute, 3, True
            if self._norm(3) == ":" and self._adjoining(5) and self._minute(4) is not None:
                length = 5
        return self._with_half(hour, minute, length, told=told)

    def _before_hour(self, minutes: Mapping[str, int], sign: int) -> Clock | None:
        """Read "half past 7", "quarter to 6", "ten to 8"."""
        for phrase, minute in minutes.items():
            said = phrase.split()
            if [self._norm(i) for i in range(len(said))] != said:
                continue
            hour = self._hour(len(said))
            if hour is None:
                continue
            moved = hour * 60 + sign * minute
            if not 0 <= moved < 24 * 60:
                continue
            return self._with_half(moved // 60, moved % 60, len(said) + 1, told=True)
        return None

    def _with_half(self, hour: int, minute: int, length: int, *, told: bool) -> Clock | None:
        """Read "pm" or "in the evening" after the hour; without them and without minutes, it is not a time."""
        for phrases, afternoon in ((self.language.clock.am, 0), (self.language.clock.pm, 12)):
            for phrase in phrases:
                said = phrase.split()
                if [self._norm(length + i) for i in range(len(said))] != said or hour > 12:
                    continue
                return Clock(dt.time(hour % 12 + afternoon, minute), length + len(said))
        return Clock(dt.time(hour, minute), length) if told else None

    def _norm(self, offset: int) -> str:
        at = self.at + offset
        return self.tokens[at].norm if at < len(self.tokens) else ""

    def _hour(self, offset: int) -> int | None:
        value = self._digits(offset)
        if value is None:
            value = self.language.numbers.words.get(self._norm(offset))
        return value if value is not None and value < 24 else None

    def _minute(self, offset: int) -> int | None:
        value = self._digits(offset)
        return value if value is not None and value < 60 and len(self._norm(offset)) == 2 else None

    def _digits(self, offset: int) -> int | None:
        norm = self._norm(offset)
        return int(norm) if norm.isdecimal() and norm.isascii() and len(norm) <= 2 else None

    def _adjoining(self, length: int) -> bool:
        taken = self.tokens[self.at : self.at + length]
        return all(a.end == b.start for a, b in pairwise(taken))
