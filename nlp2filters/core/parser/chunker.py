"""The chunker: it splits a text into chunks, each a few tokens with every role that they can play."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

from nlp2filters.core import field_words
from nlp2filters.core.budget import TOKEN_STEPS, Budget
from nlp2filters.core.catalog import Field
from nlp2filters.core.languages import Language, PhraseMatch
from nlp2filters.core.linking import MAX_PHRASE, Candidate, FieldTarget, Lexicon, Match, Similar, ValueTarget, phrase_of
from nlp2filters.core.parser import dates, numbers, quantities, times
from nlp2filters.core.parser.dates import DateCursor, Period
from nlp2filters.core.parser.quantities import FIRST_LIKELY_YEAR, Quantity
from nlp2filters.core.parser.times import Clock
from nlp2filters.core.words import Token

# An ordinal in digits is shorter than this.
LONGEST_ORDINAL = 4
# The spelling of at most this many words of a text is looked up.
MAX_CORRECTIONS = 100
# Looking up spellings takes at most this many steps; the words that follow must be spelled right.
MAX_CORRECTION_STEPS = 100_000

Part = TypeVar("Part", Period, Quantity, Clock, Match, PhraseMatch)

_NOTHING: Mapping[str, str] = {}
_WITHOUT_CONTENT = frozenset({"filler", "copula", "having", "results", "degree"})


@dataclass(frozen=True, slots=True)
class Name:
    """A value that no list holds, and its field."""

    field: str
    value: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Chunk:
    """Tokens `start` to `end` (exclusive), and what they can be.

    `roles` are the roles in the grammar, `candidates` the possible meanings in the catalog. `field_probabilities` is,
    by field, the tagger's probability that the words are (part of) one of its values.
    """

    start: int
    end: int
    roles: Mapping[str, str] = field(default_factory=dict)
    candidates: tuple[Candidate, ...] = ()
    quantity: Quantity | None = None
    period: Period | None = None
    quoted: str | None = None
    name: Name | None = None
    clock: Clock | None = None
    field_probabilities: Mapping[str, float] = field(default_factory=dict)

    def role(self, kind: str) -> str | None:
        """Return the meaning of the words in that role of the grammar."""
        return self.roles.get(kind)

    @property
    def is_value(self) -> bool:
        """True for a quantity, a date or a time of day."""
        return self.quantity is not None or self.period is not None or self.clock is not None

    @property
    def is_unknown(self) -> bool:
        """True if nothing at all is known about it."""
        return not (self.roles or self.candidates or self.is_value or self.quoted or self.name)

    @property
    def is_stopword(self) -> bool:
        """True if it carries no content, such as "the" or "of"."""
        return not self.candidates and not self.is_value and bool(self.roles.keys() & _WITHOUT_CONTENT)


def chunk(tokens: Sequence[Token], lexicon: Lexicon, similar: Similar, today: dt.date, budget: Budget) -> list[Chunk]:
    """Split the tokens into chunks: the longest phrase at each place, from any source."""
    return _Chunker(tokens, lexicon, similar, today, budget).chunks()


def _value_field(match: Match) -> str | None:
    target = match.candidates[0].target
    return target.field.name if isinstance(target, ValueTarget) else None


def _acronym(match: Match) -> str | None:
    """Return the known value in capitals that is all that the words name."""
    values = {c.target.value if isinstance(c.target, ValueTarget) else "" for c in match.candidates}
    return values.pop() if len(values) == 1 and all(map(str.isupper, values)) else None


def _names_field(match: Match) -> bool:
    """Return whether the words are the whole name of a field."""
    names = (candidate for candidate in match.candidates if candidate.source in ("exact", "synonym"))
    return any(isinstance(candidate.target, FieldTarget) for candidate in names)


def _if_long(part: Part | None, length: int) -> Part | None:
    """Return what has been read, if it is the longest: shorter readings of the same words do not count."""
    return part if part and part.length == length else None


@dataclass
class _Chunker:
    tokens: Sequence[Token]
    lexicon: Lexicon
    similar: Similar
    today: dt.date
    budget: Budget
    corrections: int = 0
    correction_steps: int = 0

    @cached_property
    def timed(self) -> bool:
        """True if a field holds times of day or instants."""
        return bool(self.lexicon.typed("time", "datetime"))

    @cached_property
    def start(self) -> DateCursor:
        """The cursor of the readers at the first token."""
        return DateCursor(self.tokens, 0, self.language, self.today, self.calendar)

    @cached_property
    def calendar(self) -> dates.Calendar:
        """The circumstances that the catalog sets for dates."""
        return dates.Calendar(
            self.lexicon.catalog.fiscal_year_start,
            dated=bool(self.lexicon.typed("date", "datetime"))
            or any(map(self._is_called_year, self.lexicon.typed("integer"))),
            instants=bool(self.lexicon.typed("datetime")) and not self.lexicon.typed("time"),
            durations=bool(self.lexicon.measured_in(("day", "hour", "minute"))),
        )

    def _is_called_year(self, field: Field) -> bool:
        return not field_words.words(field).isdisjoint(self.language.dates.periods["year"])

    @property
    def language(self) -> Language:
        return self.lexicon.language

    def chunks(self) -> list[Chunk]:
        chunks: list[Chunk] = []
        at = 0
        while at < len(self.tokens):
            chunk = self._chunk(at)
            if chunks and chunk.quantity and self._is_part_of_name(chunk, chunks[-1]):
                chunk = Chunk(at, at + 1)
            chunks.append(chunk)
            at = chunk.end
        return chunks

    def _chunk(self, at: int) -> Chunk:
        self.budget.spend(TOKEN_STEPS)
        if self.tokens[at].kind == "quoted":
            return Chunk(at, at + 1, quoted=self.tokens[at].norm)
        period, quantity = self._period_or_quantity(at)
        time = times.read(self.start.moved(at)) if self.timed else None
        phrase = self.language.match(self.tokens, at)
        match = self._match_beside(at, phrase)
        if match and self._is_name_and_date(at, match, period):
            period = None
        if match and phrase and match.length == phrase.length == 1 and (acronym := _acronym(match)):
            # "IN" is India and "POST" a method, but "in" is neither.
            is_spelled = self.tokens[at].text == acronym and any(token.text.islower() for token in self.tokens)
            phrase, match = (None, match) if is_spelled else (phrase, None)
        lengths = [part.length for part in (period, quantity, time, match, phrase) if part]
        if not lengths:
            match = self._unknown(at)
        length = max(lengths, default=match.length if match else 1)
        phrase, match = _if_long(phrase, length), _if_long(match, length)
        return Chunk(
            at,
            at + length,
            roles=phrase.meanings if phrase else _NOTHING,
            candidates=match.candidates if match else (),
            quantity=_if_long(quantity, length),
            period=_if_long(period, length),
            clock=_if_long(time, length),
        )

    def _is_part_of_name(self, chunk: Chunk, before: Chunk) -> bool:
        """Return whether a bare number belongs to the unknown name before it: "GTX 1080", "iPhone 15", "f-150"."""
        is_bare = chunk.quantity is not None and chunk.quantity.whole and chunk.end == chunk.start + 1
        if not is_bare or not before.is_unknown or self.tokens[chunk.start].kind != "number":
            return False
        is_year = chunk.quantity is not None and FIRST_LIKELY_YEAR <= chunk.quantity.value <= self.today.year + 1
        return not is_year and self._is_spelled_like_model(self.tokens[chunk.start - 1])

    def _is_spelled_like_model(self, token: Token) -> bool:
        """Return whether the word is one letter or has capitals inside, unless the whole text is in capitals."""
        if token.kind != "word" or len(token.text) == 1:
            return token.kind == "word"
        return any(map(str.isupper, token.text[1:])) and any(other.text.islower() for other in self.tokens)

    def _period_or_quantity(self, at: int) -> tuple[Period | None, Quantity | None]:
        cursor = self.start.moved(at)
        period, quantity = dates.read(cursor), quantities.read(cursor) or self._ordinal(at)
        if quantity and self._is_article_and_name(cursor, quantity):
            quantity = None
        if period and quantity and quantity.units and quantity.length == period.length:
            # A phrase such as "1990s" is a decade, not an amount.
            return period, None
        return period, quantity

    def _is_article_and_name(self, cursor: DateCursor, quantity: Quantity) -> bool:
        """Return whether "a year" names a field, as in "a year of 1983"; "under a year" is an amount."""
        if cursor.norm() not in self.language.numbers.one or not quantity.units or numbers.takes_value(cursor):
            return False
        match = self._match(cursor.at + 1)
        return match is not None and 1 + match.length >= quantity.length and _names_field(match)

    def _is_name_and_date(self, at: int, match: Match, period: Period | None) -> bool:
        """Return whether a field is named before a shorter date: in "week of March 10th", by "week of"."""
        if not period or not match.length < period.length or not _names_field(match):
            return False
        rest = dates.read(self.start.moved(at + match.length))
        return rest is not None and match.length + rest.length == period.length

    def _match_beside(self, at: int, phrase: PhraseMatch | None) -> Match | None:
        """Look up the words at a place in the catalog; a negation of what follows it is no value."""
        match = self._match(at)
        if match and phrase and "negation" in phrase.meanings and self._negates(match, at + phrase.length):
            return None
        return match

    def _match(self, at: int) -> Match | None:
        """Look up the words at a place in the catalog."""
        if at not in self._matches:
            self._matches[at] = self.lexicon.match(self.tokens, at)
        return self._matches[at]

    @cached_property
    def _matches(self) -> dict[int, Match | None]:
        return {}

    def _ordinal(self, at: int) -> Quantity | None:
        """Read "third floor", "3rd floor" as a number, if a field that counts in whole numbers follows."""
        value, length = self.language.numbers.ordinals.get(self.tokens[at].norm), 1
        if (own := self._match(at)) and own.length > 1 and _names_field(own):
            # "First response" is the name itself.
            return None
        if self._has_ordinal_suffix(at):
            value, length = int(self.tokens[at].norm), 2
        if value is None or at + length >= len(self.tokens):
            return None
        match = self._match(at + length)
        targets = (candidate.target for candidate in match.candidates) if match else ()
        counts = any(isinstance(target, FieldTarget) and target.field.type == "integer" for target in targets)
        return Quantity(value, (), length, length) if counts else None

    def _has_ordinal_suffix(self, at: int) -> bool:
        """Return whether the token is a number that "st", "nd", … directly follow."""
        token, after = self.tokens[at], self.tokens[at + 1 : at + 2]
        if token.kind != "number" or not token.norm.isdecimal() or len(token.norm) >= LONGEST_ORDINAL:
            return False
        suffixes = self.language.dates.ordinal_suffix
        return bool(after) and after[0].start == token.end and after[0].norm in suffixes

    def _negates(self, match: Match, at: int) -> bool:
        """Return whether "not rated R" is the opposite of "rated R", not the value "Not Rated" and an R."""
        after = self._match(at) if at < len(self.tokens) else None
        field = _value_field(match)
        return after is not None and field is not None and field == _value_field(after)

    def _unknown(self, at: int) -> Match | None:
        """Match unknown words: a last name, initials, a misspelling, or something similar in meaning."""
        if self.tokens[at].kind != "word":
            return None
        lexicon, tokens = self.lexicon, self.tokens
        if match := lexicon.surname(tokens, at) or lexicon.abbreviation(tokens, at) or lexicon.joined(tokens, at):
            return match
        if self.corrections < MAX_CORRECTIONS and self.correction_steps < MAX_CORRECTION_STEPS:
            self.corrections, before = self.corrections + 1, self.budget.spent
            match = self.lexicon.spelled_like(self.tokens, at, self.budget)
            self.correction_steps += self.budget.spent - before
            if match:
                return match
        for length in range(min(MAX_PHRASE, len(self.tokens) - at), 0, -1):
            if candidates := self.similar.get(phrase_of(self.tokens[at : at + length])):
                return Match(length, candidates)
        return None
