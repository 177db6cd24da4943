"""Dates: days and periods, absolute ("March 2005", "the 90s") or relative to today ("last week", "3 days ago").

A period has a first and a last day. Relative dates stay symbolic, so that the same interpretation is right tomorrow
too.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import cast

from dateutil.relativedelta import relativedelta

from nlp2filters.core.filters import RelativeDate, Unit
from nlp2filters.core.languages import Language
from nlp2filters.core.words import Token

Day = dt.date | RelativeDate

FIRST_YEAR, LAST_YEAR = 1000, 2999


@dataclass(frozen=True, slots=True)
class Period:
    """A period from day `low` to day `high`, both inclusive. `other` is another reading of the same words.

    `yearless`: a month or day without a year, read as the one that suits most fields.
    """

    low: Day
    high: Day
    length: int
    other: "Period | None" = None
    yearless: bool = False

    @property
    def years(self) -> tuple[int, int] | None:
        """The first and the last year, for a period of whole calendar years."""
        low, high = self.low, self.high
        if not isinstance(low, dt.date) or not isinstance(high, dt.date):
            return None
        whole = (low.month, low.day, high.month, high.day) == (1, 1, 12, 31)
        return (low.year, high.year) if whole else None

    @property
    def is_decade(self) -> bool:
        """True if it has at least ten whole calendar years."""
        years = self.years
        return years is not None and years[1] - years[0] >= 9

    def resolve(self, today: dt.date) -> "Period":
        """Return the period in calendar days."""
        low, high = (day.resolve(today) if isinstance(day, RelativeDate) else day for day in (self.low, self.high))
        return Period(low, high, self.length)

    def moved(self, years: int) -> "Period":
        """Return the same months or days so many years later."""
        assert isinstance(self.low, dt.date) and isinstance(self.high, dt.date)
        low, high = self.low + relativedelta(years=years), self.high + relativedelta(years=years)
        if (self.high + dt.timedelta(days=1)).day == 1:
            # February has 29 days in some years.
            high += relativedelta(day=31)
        return replace(self, low=low, high=high)


def read(tokens: Sequence[Token], at: int, language: Language, today: dt.date) -> Period | None:
    """Read the longest date or period that begins at the token `at`. A bare year is left to `year`."""
    reader = _Reader(tokens, at, language, today)
    found = (*reader.readings(), *reader.parts())
    return max((period for period in found if period), key=lambda period: period.length, default=None)


def year(number: int, length: int) -> Period | None:
    """Return the calendar year of a number, if it can be one."""
    if not FIRST_YEAR <= number <= LAST_YEAR:
        return None
    return Period(dt.date(number, 1, 1), dt.date(number, 12, 31), length)


@dataclass(frozen=True, slots=True)
class _Reader:
    tokens: Sequence[Token]
    at: int
    language: Language
    today: dt.date

    def readings(self) -> Iterator[Period | None]:
        token = self.tokens[self.at]
        if token.kind == "number":
            yield self._iso()
            yield self._slashed()
            yield self._day_first()
            yield self._decade_digits(self.at)
            yield self._ago()
            yield self._quarter_ordinal()
        elif token.kind == "word":
            yield self._weekend()
            yield self._month_first()
            yield self._decade_word()
            yield self._season()
            yield self._quarter()
            yield self._quarter_ordinal()
            yield self._relative()
            yield self._relative_behind()
            yield self._days()
            yield self._weekday()
            yield self._ago()
            if token.norm in self.language.dates.of:
                yield self._decade_digits(self.at + 1, skipped=1)

    def parts(self) -> Iterator[Period | None]:
        """Yield parts of larger periods. They do not nest: "the end of the end of the year" is not a date."""
        if self.tokens[self.at].kind == "word":
            yield self._edge()
            yield self._week_of_month()

    # the words at hand

    def _token(self, offset: int) -> Token | None:
        at = self.at + offset
        return self.tokens[at] if at < len(self.tokens) else None

    def _norm(self, offset: int) -> str:
        token = self._token(offset)
        return token.norm if token else ""

    def _integer(self, offset: int) -> int | None:
        """Read a whole number of up to three digits, or below one hundred in words."""
        token = self._token(offset)
        if token and token.kind == "number" and token.text.isdecimal() and len(token.text) <= 3:
            return int(token.text)
        return self.language.numbers.words.get(token.norm) if token else None

    def _counted(self, offset: int) -> int | None:
        """Read a whole number, or "a" as 1."""
        return 1 if self._norm(offset) in self.language.numbers.one else self._integer(offset)

    def _digits(self, offset: int, low: int, high: int) -> int | None:
        token = self._token(offset)
        if not token or token.kind != "number" or not token.text.isdecimal() or len(token.text) > 4:
            return None
        value = int(token.text)
        return value if low <= value <= high else None

    def _year(self, offset: int) -> tuple[int, int] | None:
        """Read a year after "of", "in", a comma or nothing: the number, and the tokens it takes."""
        skipped = 0
        while skipped < 2 and self._norm(offset + skipped) in self.language.dates.of:
            skipped += 1
        found = self._digits(offset + skipped, FIRST_YEAR, LAST_YEAR)
        return (found, skipped + 1) if found else None

    def _adjoining(self, length: int) -> bool:
        """Return whether the next `length` tokens have no blanks between them."""
        taken = self.tokens[self.at : self.at + length]
        return len(taken) == length and all(a.end == b.start for a, b in pairwise(taken))

    def _phrase(self, table: object, offset: int = 0) -> tuple[str, int] | None:
        """Return the longest phrase of a table of lists that begins there: its key and its length in tokens."""
        best: tuple[str, int] | None = None
        for key, said in self.language.phrases(table, self._norm(offset)):
            if [self._norm(offset + i) for i in range(len(said))] == said and (best is None or len(said) > best[1]):
                best = key, len(said)
        return best

    def _period_unit(self, offset: int) -> Unit | None:
        norm = self._norm(offset)
        for unit, said in self.language.dates.periods.items():
            if norm in said:
                return unit
        return None

    # absolute

    def _iso(self) -> Period | None:
        year = self._digits(0, FIRST_YEAR, LAST_YEAR)
        if not year or self._norm(1) != "-" or not self._adjoining(3):
            return None
        month = self._digits(2, 1, 12)
        if not month or len(self._norm(2)) != 2:
            return None
        day = self._digits(4, 1, 31)
        if day and self._norm(3) == "-" and self._adjoining(5):
            return _day(year, month, day, 5)
        return _months(year, month, month, 3)

    def _slashed(self) -> Period | None:
        """Read 12/31/2025, month first as Americans write it; day first is the other reading."""
        if self._norm(1) != "/" or self._norm(3) != "/" or not self._adjoining(5):
            return None
        first, second, year = self._digits(0, 1, 31), self._digits(2, 1, 31), self._digits(4, FIRST_YEAR, LAST_YEAR)
        if not first or not second or not year:
            return None
        american, european = _day(year, first, second, 5), _day(year, second, first, 5)
        if american and european and first != second:
            return Period(american.low, american.high, 5, european)
        return american or european

    def _day_first(self) -> Period | None:
        day = self._digits(0, 1, 31)
        offset = 1
        if self._norm(1) in self.language.dates.ordinal_suffix and self._adjoining(2):
            offset = 2
        if self._norm(offset) in self.language.dates.of:
            offset += 1
        month = self.language.dates.months.get(self._norm(offset))
        if day and offset > 1 and (said := self._shifted(offset, "month")):
            first = RelativeDate(said[0], "month", "month").resolve(self.today)
            return _day(first.year, first.month, day, said[1])
        if not day or not month:
            return None
        offset += 1
        if said := self._year(offset):
            return _day(said[0], month, day, offset + said[1])
        return self._nearest(month, day, offset)

    def _month_first(self) -> Period | None:
        month = self.language.dates.months.get(self._norm(0))
        if not month:
            return None
        offset = 1
        day = self._digits(offset, 1, 31)
        if day:
            offset += 1
            if self._norm(offset) in self.language.dates.ordinal_suffix:
                offset += 1
            if said := self._year(offset):
                return _day(said[0], month, day, offset + said[1])
            return self._nearest(month, day, offset)
        if said := self._year(offset):
            return _months(said[0], month, month, offset + said[1])
        if self._is_verb():
            return None
        return replace(_months(self.today.year - (month > self.today.month), month, month, offset), yearless=True)

    def _is_verb(self) -> bool:
        """Return whether the word is no month: "may" and "march" alone are months only after a word such as "in"."""
        if self._norm(0) not in ("may", "march", "mar", "sat", "sun", "dec"):
            return False
        before = self.tokens[self.at - 1].norm if self.at else ""
        return before not in ("in", "since", "before", "after", "until", "from", "to", "of", "last", "this", "next")

    def _nearest(self, month: int, day: int, length: int) -> Period | None:
        """Return the nearest day to today, for a day without a year."""
        years = range(self.today.year - 1, self.today.year + 2)
        found = [replace(period, yearless=True) for year in years if (period := _day(year, month, day, length))]
        return min(found, key=lambda period: abs(cast(dt.date, period.low) - self.today), default=None)

    def _edge(self) -> Period | None:
        """Read "the end of the year", "the start of March": one day."""
        dates = self.language.dates
        for edge, phrases in (("start", dates.start), ("end", dates.end)):
            for phrase in phrases:
                length = len(phrase.split())
                if " ".join(self._norm(i) for i in range(length)) == phrase and (of := self._part(length)):
                    day = of.low if edge == "start" else of.high
                    return replace(of, low=day, high=day, length=length + of.length, other=None)
        return None

    def _part(self, offset: int) -> Period | None:
        """Read the period that begins there, also "the year" for this one, or a year in digits."""
        if (number := self._digits(offset, FIRST_YEAR, LAST_YEAR)) is not None:
            return year(number, 1)
        the = self._norm(offset) in self.language.numbers.determiners
        if unit := self._period_unit(offset + the):
            return _whole("this", unit, 1 + the)
        if self._token(offset) is None:
            return None
        found = _Reader(self.tokens, self.at + offset, self.language, self.today).readings()
        return max((period for period in found if period), key=lambda period: period.length, default=None)

    def _week_of_month(self) -> Period | None:
        """Read "first week of January"."""
        number = self.language.numbers.ordinals.get(self._norm(0))
        if not number or number > 4 or self._period_unit(1) != "week":
            return None
        offset = 2 + (self._norm(2) in self.language.dates.of)
        month = self._part(offset)
        if month is None or not isinstance(month.low, dt.date) or month.low.day != 1:
            return None
        first = month.low + dt.timedelta(days=7 * (number - 1))
        return replace(month, low=first, high=first + dt.timedelta(days=6), length=offset + month.length)

    def _weekend(self) -> Period | None:
        """Read "this weekend": Saturday and Sunday."""
        said = self._phrase(self.language.dates.relative)
        offset = said[1] if said and said[0] in ("this", "last", "next") else 0
        for phrase in self.language.dates.weekend:
            length = len(phrase.split())
            if " ".join(self._norm(offset + i) for i in range(length)) != phrase:
                continue
            saturday = 5 - self.today.weekday() + {"last": -7, "next": 7}.get(said[0] if said and offset else "", 0)
            low, high = (_in_days(self.today, saturday + day, offset + length) for day in (0, 1))
            return Period(low.low, high.high, offset + length)
        return None

    def _decade_digits(self, at: int, skipped: int = 0) -> Period | None:
        """Read "1980s", "80s", "the 80's"."""
        offset = at - self.at
        token, suffix = self._token(offset), self._token(offset + 1)
        if not token or not suffix or suffix.start != token.end or not token.text.isdecimal():
            return None
        if suffix.norm not in self.language.dates.decade_suffix:
            return None
        if len(token.text) == 4 and token.text.endswith("0") and FIRST_YEAR <= int(token.text) <= LAST_YEAR:
            return _years(int(token.text), int(token.text) + 9, skipped + 2)
        if len(token.text) == 2 and token.text.endswith("0"):
            return self._decade(int(token.text), skipped + 2)
        return None

    def _decade_word(self) -> Period | None:
        if self._norm(0) in self.language.dates.decade_prefix:
            decade = self._integer(1)
            return self._decade(decade, 2) if decade and decade < 100 and decade % 10 == 0 else None
        offset = 1 if self._norm(0) in self.language.dates.of else 0
        decade = self.language.dates.decades.get(self._norm(offset))
        return self._decade(decade, offset + 1) if decade is not None else None

    def _decade(self, decade: int, length: int) -> Period:
        """Return the latest decade of that name that has begun."""
        century = self.today.year // 100 * 100
        first = century + decade if century + decade <= self.today.year else century - 100 + decade
        return _years(first, first + 9, length)

    def _season(self) -> Period | None:
        season = self.language.dates.seasons.get(self._norm(0))
        said = self._year(1)
        return _months(said[0], season[0], season[1], 1 + said[1]) if season and said else None

    def _quarter(self) -> Period | None:
        """Read "Q3 2025"."""
        if self._norm(0) not in self.language.dates.quarter:
            return None
        number = self._digits(1, 1, 4)
        return self._quarter_of(number, 2) if number and self._adjoining(2) else None

    def _quarter_ordinal(self) -> Period | None:
        """Read "third quarter of 2025", "3rd quarter 2025"."""
        number = self.language.numbers.ordinals.get(self._norm(0))
        offset = 1
        if number is None:
            number, offset = self._digits(0, 1, 4), 2
            if self._norm(1) not in self.language.dates.ordinal_suffix:
                return None
        if not number or number > 4 or self._period_unit(offset) != "quarter":
            return None
        return self._quarter_of(number, offset + 1)

    def _quarter_of(self, number: int, offset: int) -> Period | None:
        said = self._year(offset)
        year, length = said if said else (self.today.year, 0)
        return _months(year, 3 * number - 2, 3 * number, offset + length)

    # relative to today

    def _days(self) -> Period | None:
        offset = self.language.dates.days.get(self._norm(0))
        if offset is None:
            return None
        day = RelativeDate(offset, "day")
        return Period(day, day, 1)

    def _relative(self) -> Period | None:
        """Read "this year", "last 7 days", "past month", "next two weeks"."""
        said = self._phrase(self.language.dates.relative)
        if not said or said[0] == "ago":
            return None
        which, length = said
        number = self._integer(length)
        unit = self._period_unit(length + (number is not None))
        if unit is None:
            return None
        if number is not None:
            length += 1
        if number is not None or which == "past":
            return _reaching(-(number or 1) if which in ("last", "past") else number or 1, unit, length + 1)
        return _whole(which, unit, length + 1)

    def _relative_behind(self) -> Period | None:
        """Read "semana pasada", in languages that put the word for "last" after the period."""
        unit = self._period_unit(0)
        said = self._phrase(self.language.dates.relative_behind, 1) if unit else None
        return _whole(said[0], unit, 1 + said[1]) if unit and said else None

    def _shifted(self, offset: int, unit: Unit) -> tuple[int, int] | None:
        """Read "of this month", "next week": how many units from now, and the place after it."""
        while self._norm(offset) in self.language.dates.of:
            offset += 1
        relative = self.language.dates.relative
        for phrases, shift in ((relative.this, 0), (relative.last, -1), (relative.next, 1)):
            if self._norm(offset) in phrases and self._period_unit(offset + 1) == unit:
                return shift, offset + 2
        return None

    def _ago(self) -> Period | None:
        """Read "3 days ago", "a week ago"; in other languages the word for "ago" comes first."""
        if self._norm(0) in self.language.dates.ago_before:
            number, unit = self._counted(1), self._period_unit(2)
            if number is None or unit is None:
                return None
            day = RelativeDate(-number, unit)
            return Period(day, day, 3)
        number = self._counted(0)
        unit = self._period_unit(1)
        if number is None or unit is None or self._norm(2) not in self.language.dates.relative.ago:
            return None
        day = RelativeDate(-number, unit)
        return Period(day, day, 3)

    def _weekday(self) -> Period | None:
        """Read "Friday" as the coming one, "last Friday" as the one before today.

        "next Friday" has two readings.
        """
        said = self._phrase(self.language.dates.relative)
        offset = said[1] if said and said[0] in ("this", "last", "next") else 0
        weekday = self.language.dates.weekdays.get(self._norm(offset))
        if weekday is None or (not offset and len(self._norm(0)) < 4):
            return None
        if not offset and (shifted := self._shifted(1, "week")):
            monday = 7 * shifted[0] - self.today.weekday()
            return _in_days(self.today, monday + weekday, shifted[1])
        ahead = (weekday - self.today.weekday()) % 7 or 7
        length = offset + 1
        if said and offset and said[0] == "last":
            return _in_days(self.today, ahead - 7 if ahead < 7 else -7, length)
        coming = _in_days(self.today, ahead, length)
        if not said or said[0] != "next":
            return coming
        monday = 7 - self.today.weekday()
        other = _in_days(self.today, monday + weekday, length)
        return coming if other.low == coming.low else Period(coming.low, coming.high, length, other)


def _day(year: int, month: int, day: int, length: int) -> Period | None:
    try:
        found = dt.date(year, month, day)
    except ValueError:
        return None
    return Period(found, found, length)


def _months(year: int, first: int, last: int, length: int) -> Period:
    after = dt.date(year + last // 12, last % 12 + 1, 1)
    return Period(dt.date(year, first, 1), after - dt.timedelta(days=1), length)


def _years(first: int, last: int, length: int) -> Period:
    return Period(dt.date(first, 1, 1), dt.date(last, 12, 31), length)


def _in_days(today: dt.date, days: int, length: int) -> Period:
    day = today + dt.timedelta(days=days)
    return Period(day, day, length)


def _whole(which: str, unit: Unit, length: int) -> Period:
    """Return this, the last or the next calendar unit."""
    offset = {"this": 0, "last": -1, "next": 1}[which]
    return Period(RelativeDate(offset, unit, unit), RelativeDate(offset, unit, unit, "last"), length)


def _reaching(offset: int, unit: Unit, length: int) -> Period:
    """Return the period from today to so many units away, or from there to today."""
    day, today = RelativeDate(offset, unit), RelativeDate(0, "day")
    return Period(day, today, length) if offset < 0 else Period(today, day, length)
