"""Periods: a first and a last day, in the calendar or relative to today."""

import datetime as dt
from dataclasses import dataclass, replace

from dateutil.relativedelta import relativedelta

from nlp2filters.core.filters import RelativeDate, Unit
from nlp2filters.core.languages.tables import Which

Day = dt.date | RelativeDate

FIRST_YEAR, LAST_YEAR = 1000, 2999
SHIFTS = {"this": 0, "last": -1, "past": -1, "next": 1}


@dataclass(frozen=True, slots=True)
class Period:
    """A period from day `low` to day `high`, both inclusive. `other` is another reading of the same words.

    `length` counts the tokens. `yearless`: a month or day without a year, read as the one that suits most fields.
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


def calendar_day(year: int, month: int, day: int, length: int) -> Period | None:
    """Return a day of the calendar; None if there is no such day."""
    try:
        date = dt.date(year, month, day)
    except ValueError:
        return None
    return Period(date, date, length)


def nearest_day(month: int, day: int, length: int, today: dt.date) -> Period | None:
    """Return the nearest day to today, for a day without a year."""
    periods = (calendar_day(year, month, day, length) for year in range(today.year - 1, today.year + 2))
    days = [(abs(period.low - today), period) for period in periods if period and isinstance(period.low, dt.date)]
    return replace(min(days, key=lambda pair: pair[0])[1], yearless=True) if days else None


def months(year: int, first: int, last: int, length: int) -> Period:
    """Return the period of some months of a year."""
    after = dt.date(year + last // 12, last % 12 + 1, 1)
    return Period(dt.date(year, first, 1), after - dt.timedelta(days=1), length)


def years(first: int, last: int, length: int) -> Period:
    """Return the period of some calendar years."""
    return Period(dt.date(first, 1, 1), dt.date(last, 12, 31), length)


def calendar_year(number: int, length: int) -> Period | None:
    """Return the calendar year of a number, if it can be one."""
    return years(number, number, length) if FIRST_YEAR <= number <= LAST_YEAR else None


def decade(number: int, length: int, today: dt.date) -> Period:
    """Return the latest decade that ends in this number and has begun."""
    century = today.year // 100 * 100
    first = century + number if century + number <= today.year else century - 100 + number
    return years(first, first + 9, length)


def quarter(number: int, year: int, length: int) -> Period:
    """Return a quarter of a year."""
    return months(year, 3 * number - 2, 3 * number, length)


def in_days(today: dt.date, days: int, length: int) -> Period:
    """Return the day so many days from today."""
    day = today + dt.timedelta(days=days)
    return Period(day, day, length)


def shifted(offset: int, unit: Unit, length: int) -> Period:
    """Return the day so many units from today."""
    day = RelativeDate(offset, unit)
    return Period(day, day, length)


def whole(which: Which, unit: Unit, length: int) -> Period:
    """Return this, the last or the next calendar unit."""
    offset = SHIFTS[which]
    return Period(RelativeDate(offset, unit, unit), RelativeDate(offset, unit, unit, "last"), length)


def reaching(offset: int, unit: Unit, length: int) -> Period:
    """Return the period from today to so many units away, or from there to today."""
    day, today = RelativeDate(offset, unit), RelativeDate(0, "day")
    return Period(day, today, length) if offset < 0 else Period(today, day, length)
