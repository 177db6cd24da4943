"""The rules by which dates are read, and the cursor that they share."""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from nlp2filters.core.filters import Unit
from nlp2filters.core.languages.tables import Dates
from nlp2filters.core.parser.cursor import TokenCursor
from nlp2filters.core.parser.dates.periods import FIRST_YEAR, LAST_YEAR, SHIFTS, Period
from nlp2filters.core.words import Kind


@dataclass(frozen=True, slots=True)
class DateCursor(TokenCursor):
    """A cursor over the tokens of a text that is read on a day."""

    today: dt.date

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

    def year(self, offset: int) -> tuple[int, int] | None:
        """Return a year after "of", "in", a comma or nothing, and the number of tokens."""
        skipped = 0
        while skipped < 2 and self.norm(offset + skipped) in self.dates.of:
            skipped += 1
        year = self.digits(offset + skipped, FIRST_YEAR, LAST_YEAR)
        return (year, skipped + 1) if year else None

    def shift(self, offset: int, unit: Unit) -> tuple[int, int] | None:
        """Return how many units from now "of this month" or "next week" is, and the offset after it."""
        while self.norm(offset) in self.dates.of:
            offset += 1
        relative = self.phrase(self.dates.relative, offset)
        if not relative or relative[0] == "past" or self.unit_of_time(offset + relative[1]) != unit:
            return None
        return SHIFTS[relative[0]], offset + relative[1] + 1


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
