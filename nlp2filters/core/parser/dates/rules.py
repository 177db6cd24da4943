"""The rules by which dates are read, and the cursor that they share."""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from nlp2filters.core.filters import RelativeDate, Unit
from nlp2filters.core.languages.tables import Dates
from nlp2filters.core.parser import quantities
from nlp2filters.core.parser.cursor import TokenCursor
from nlp2filters.core.parser.dates.periods import FIRST_YEAR, LAST_YEAR, SHIFTS, Period
from nlp2filters.core.words import Kind

# A year in two digits lies at most this many years ahead.
MAX_YEARS_AHEAD = 20
LAST_DAY = 31


@dataclass(frozen=True, slots=True)
class Calendar:
    """The circumstances that a catalog sets for dates.

    Its fiscal years begin in the month `fiscal_year_start`. `dated`: a field holds dates; `instants`: a field holds
    instants, so that the time of day belongs to a date; `durations`: a field holds spans of time.
    """

    fiscal_year_start: int = 1
    dated: bool = True
    instants: bool = False
    durations: bool = False


@dataclass(frozen=True, slots=True)
class DateCursor(TokenCursor):
    """A cursor over the tokens of a text that is read on a day."""

    today: dt.date
    calendar: Calendar = field(default_factory=Calendar)

    @property
    def dates(self) -> Dates:
        """The tables of the language."""
        return self.language.dates

    def month(self, offset: int = 0) -> int | None:
        """Return the number of the month that is named there."""
        return self.dates.months.get(self.norm(offset))

    def unit_of_time(self, offset: int = 0) -> Unit | None:
        """Return the unit whose name is there: "week", "years"."""
        return self.language.unit_of_time(self.norm(offset))

    def skip_of(self, offset: int) -> int:
        """Return the offset after "of the", "in" or a comma."""
        most = offset + 2
        while offset < most and self.norm(offset) in self.dates.of:
            offset += 1
        return offset

    def year(self, offset: int) -> tuple[int, int] | None:
        """Return a year after "of", "in", a comma or nothing, and the number of tokens."""
        at = self.skip_of(offset)
        if year := self.digits(at, FIRST_YEAR, LAST_YEAR):
            return year, at + 1 - offset
        if year_in_words := self._year_in_words(at):
            return year_in_words[0], at + year_in_words[1] - offset
        return self._year_from_now(at, at - offset)

    def _year_in_words(self, offset: int) -> tuple[int, int] | None:
        """Read "two thousand and fourteen"."""
        if self.number_word(offset) is None:
            return None
        quantity = quantities.read(self.moved(offset))
        if quantity is None or quantity.units or not isinstance(quantity.value, int):
            return None
        value, length = quantity.value, quantity.length
        joining = self.phrase_length(self.language.numbers.joining, offset + length)
        if joining and value % 1000 == 0 and (rest := self.small_number(offset + length + joining)):
            value, length = value + rest[0], length + joining + rest[1]
        return (value, length) if FIRST_YEAR <= value <= LAST_YEAR else None

    def small_number(self, offset: int) -> tuple[int, int] | None:
        """Read a number in words below one hundred: "fourteen", "twenty one"."""
        quantity = quantities.read(self.moved(offset))
        in_words = self.number_word(offset) is not None
        if not in_words or quantity is None or not isinstance(quantity.value, int) or not 0 < quantity.value < 100:
            return None
        return quantity.value, quantity.number_length

    def _year_from_now(self, offset: int, skipped: int) -> tuple[int, int] | None:
        """Read "last year", also after the words skipped, and "year before last"."""
        if shift := self.shift(offset, "year"):
            return self.today.year + shift[0], skipped + shift[1] - offset
        behind = self.phrase(self.dates.relative_behind, offset + 1) if self.unit_of_time(offset) == "year" else None
        return (self.today.year + SHIFTS[behind[0]], skipped + 1 + behind[1]) if behind else None

    def short_year(self, offset: int) -> int | None:
        """Return a year in two digits: "24"."""
        value, token = self.digits(offset, 0, 99, longest=2), self.token(offset)
        if value is None or token is None or len(token.text) != 2:
            return None
        return 2000 + value - (100 if 2000 + value > self.today.year + MAX_YEARS_AHEAD else 0)

    def shift(self, offset: int, unit: Unit) -> tuple[int, int] | None:
        """Return how many units from now "of this month" or "next week" is, and the offset after it."""
        while self.norm(offset) in self.dates.of:
            offset += 1
        relative = self.phrase(self.dates.relative, offset)
        if not relative or relative[0] == "past" or self.unit_of_time(offset + relative[1]) != unit:
            return None
        return SHIFTS[relative[0]], offset + relative[1] + 1

    def ordinal(self, offset: int = 0) -> tuple[int, int] | None:
        """Return the number of "3rd", "third" or "twenty first", and its length in tokens."""
        if (digits := self.digits(offset, 1, 99)) and self.has_suffix(offset):
            return digits, 2
        ordinals = self.language.numbers.ordinals
        if number := ordinals.get(self.norm(offset)):
            return number, 1
        tens = self.number_word(offset)
        if tens and tens >= 20 and tens % 10 == 0 and 0 < (ones := ordinals.get(self.norm(offset + 1), 0)) < 10:
            return tens + ones, 2
        return None

    def has_suffix(self, offset: int) -> bool:
        """Return whether "st", "nd", … directly follow."""
        return self.norm(offset + 1) in self.dates.ordinal_suffix and self.adjoin(2, offset)

    def day_number(self, offset: int = 0) -> tuple[int, int] | None:
        """Return the number of a day in a month, in digits, and its length with "st", "nd", …."""
        day = self.digits(offset, 1, LAST_DAY, longest=2)
        return (day, 1 + self.has_suffix(offset)) if day else None

    def role(self, offset: int, role: str) -> tuple[str, int] | None:
        """Return the meaning of the phrase there in a role of the grammar, and its length."""
        match = self.language.match(self.tokens, self.at + offset)
        meaning = match.meanings.get(role) if match else None
        return (meaning, match.length) if match and meaning else None

    def joint(self, offset: int, *, between: bool) -> int:
        """Return the length of the "to" between the ends of a range, or of the "and" after "between"; or 0."""
        if (to := self.role(offset, "range")) and to[0] == "to":
            return to[1]
        both = self.role(offset, "junction") if between else None
        return both[1] if both and both[0] == "and" else 0

    def month_or_shift(self, offset: int) -> tuple[int, int | None, int] | None:
        """Return the month named there, or the one and its year that "of last month" is, and the offset after it."""
        if month := self.month(offset):
            return month, None, offset + 1
        shift = self.shift(offset, "month")
        if not shift and self.skip_of(offset) > offset and self.unit_of_time(self.skip_of(offset)) == "month":
            shift = 0, self.skip_of(offset) + 1
        if not shift:
            return None
        first = RelativeDate(shift[0], "month", "month").resolve(self.today)
        return first.month, first.year, shift[1]

    def skip_article(self, offset: int) -> int:
        """Return the offset after "the"."""
        return offset + (self.norm(offset) in self.language.numbers.determiners)

    def is_followed_by_grammar(self, offset: int) -> bool:
        """Return whether the text ends there, or goes on with a mark or a word of the grammar: not with a name."""
        token = self.token(offset)
        return token is None or token.kind == "symbol" or self.language.match(self.tokens, self.at + offset) is not None

    def opener(self, offset: int = 0) -> int:
        """Return the length of "between", or 0."""
        opened = self.role(offset, "range")
        return opened[1] if opened and opened[0] == "between" else 0


@dataclass(frozen=True, slots=True)
class DateRule:
    """One way to write a date or period: what it reads at a cursor, or None.

    It is tried where a token of one of the kinds in `begins` is. It reads its `examples`, by language, as a whole.
    """

    name: str
    begins: frozenset[Kind]
    examples: Mapping[str, tuple[str, ...]]
    read: Callable[[DateCursor], Period | None]


def longest(rules: Iterable[DateRule], cursor: DateCursor) -> Period | None:
    """Read by the rule that reads most; of several, by the first."""
    token = cursor.token()
    if token is None:
        return None
    best: Period | None = None
    for rule in rules:
        if token.kind in rule.begins and (period := rule.read(cursor)) and (not best or period.length > best.length):
            best = period
    return best
