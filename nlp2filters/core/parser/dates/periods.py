"""Periods: a first and a last day or instant, in the calendar or relative to now."""

import datetime as dt
import math
from dataclasses import dataclass, replace
from typing import TypeGuard

from dateutil.relativedelta import relativedelta

from nlp2filters.core.filters import ClockUnit, Relative, RelativeDate, RelativeInstant, Unit
from nlp2filters.core.languages.tables import Third, Which

Moment = dt.date | Relative

FIRST_YEAR, LAST_YEAR = 1000, 2999
SHIFTS: dict[Which, int] = {"this": 0, "last": -1, "past": -1, "next": 1, "before last": -2, "after next": 2}
CLOCK_SECONDS: dict[ClockUnit, int] = {"second": 1, "minute": 60, "hour": 3600}
DAY_SECONDS = 24 * 3600
LAST_TIME = dt.time.max
_STEPS = {"week": relativedelta(weeks=1), "month": relativedelta(months=1), "year": relativedelta(years=1)}


@dataclass(frozen=True, slots=True)
class Period:
    """A period from `low` to `high`, both inclusive. `other` is another reading of the same words.

    `length` counts the tokens. `every`: it comes again each year ("April"), month ("the 14th") or week ("Friday"), and
    this is the one that suits most fields. `deadline`: it is the last that is allowed ("by Friday"). `either_side`: it
    ends now, or as well begins now ("within two weeks").
    """

    low: Moment
    high: Moment
    length: int
    other: "Period | None" = None
    every: Unit | None = None
    deadline: bool = False
    either_side: bool = False

    @property
    def yearless(self) -> bool:
        """True for a month or a day without a year."""
        return self.every == "year"

    @property
    def days(self) -> tuple[dt.date, dt.date] | None:
        """The first and the last day, if both are days of the calendar."""
        low, high = self.low, self.high
        return (low, high) if _is_day(low) and _is_day(high) else None

    @property
    def day(self) -> dt.date | RelativeDate | None:
        """The only day, if it is one; not the edge of a calendar unit, which is not known yet."""
        low = self.low
        if low != self.high or not (_is_day(low) or (isinstance(low, RelativeDate) and low.floor == "day")):
            return None
        return low

    @property
    def time(self) -> dt.time | None:
        """The time of day, if it is one instant."""
        low = self.low
        if low != self.high:
            return None
        return low.time() if isinstance(low, dt.datetime) else low.time if isinstance(low, RelativeInstant) else None

    @property
    def years(self) -> tuple[int, int] | None:
        """The first and the last year, for a period of whole calendar years."""
        if not (days := self.days):
            return None
        low, high = days
        whole = (low.month, low.day, high.month, high.day) == (1, 1, 12, 31)
        return (low.year, high.year) if whole else None

    def in_years(self, today: dt.date) -> tuple[int, int] | None:
        """Return the first and the last year, also for a period that counts in years: "four years ago"."""
        resolved = self.resolve(today)
        counts_years = any(isinstance(end, RelativeDate) and end.unit == "year" for end in (self.low, self.high))
        if not (days := resolved.days):
            return None
        # A field of years cannot tell the parts of one.
        is_part = self.every is None and self.days is not None and days[0].year == days[1].year and days[0] < days[1]
        return (days[0].year, days[1].year) if counts_years or is_part else resolved.years

    @property
    def is_decade(self) -> bool:
        """True if it has at least ten whole calendar years."""
        years = self.years
        return years is not None and years[1] - years[0] >= 9

    def resolve(self, today: dt.date) -> "Period":
        """Return the period in calendar days, as far as it has days."""
        low, high = (day.resolve(today) if isinstance(day, RelativeDate) else day for day in (self.low, self.high))
        return Period(low, high, self.length)

    def in_days(self) -> "Period":
        """Return the days that the period begins and ends on."""
        return replace(self, low=_day_of(self.low), high=_day_of(self.high), other=self.other and self.other.in_days())

    def moved(self, count: int) -> "Period":
        """Return the same months, days or times so many years, months or weeks later: in steps of `every`."""
        assert isinstance(self.low, dt.date) and isinstance(self.high, dt.date)
        step = _STEPS[self.every or "year"] * count
        low, high = self.low + step, self.high + step
        if self.every == "year" and (self.high + dt.timedelta(days=1)).day == 1:
            # February has 29 days in some years.
            high += relativedelta(day=31)
        return replace(self, low=low, high=high)

    def mirrored(self) -> "Period":
        """Return the period on the other side of now."""
        assert isinstance(self.low, Relative) and isinstance(self.high, Relative)
        return replace(self, low=self.high, high=replace(self.low, offset=-self.low.offset))

    def is_over(self, today: dt.date) -> bool:
        """Return whether it ended before today."""
        high = self.high
        return isinstance(high, dt.date) and dt.date(high.year, high.month, high.day) < today

    def is_ahead(self, today: dt.date) -> bool:
        """Return whether it begins after today."""
        low = self.low
        return isinstance(low, dt.date) and dt.date(low.year, low.month, low.day) > today

    def at(self, time: dt.time, today: dt.date, length: int) -> "Period":
        """Return the instant on its only day, or on its first."""
        low = self.low
        if isinstance(low, RelativeInstant) and low.time:
            instant: Moment = replace(low, time=time)
        else:
            instant = _instant(low, time, today)
        return replace(self, low=instant, high=instant, length=length, other=None)

    def within_day(self, first: dt.time, last: dt.time, today: dt.date, length: int) -> "Period":
        """Return the part of its only day between two times."""
        low, high = _instant(self.low, first, today), _instant(self.low, last, today)
        return replace(self, low=low, high=high, length=length, other=None)


def _is_day(moment: Moment) -> TypeGuard[dt.date]:
    return isinstance(moment, dt.date) and not isinstance(moment, dt.datetime)


def _instant(day: Moment, time: dt.time, today: dt.date) -> Moment:
    if isinstance(day, RelativeDate):
        if day.floor == "day":
            return RelativeInstant(day.offset, day.unit, time)
        day = day.resolve(today)
    assert isinstance(day, dt.date)
    return dt.datetime.combine(dt.date(day.year, day.month, day.day), time)


def _day_of(moment: Moment) -> Moment:
    """Return the day of an instant; so many hours ago are so many days, rounded up."""
    match moment:
        case dt.datetime():
            return moment.date()
        case RelativeInstant(offset, unit, None):
            days = math.ceil(abs(offset) * CLOCK_SECONDS[unit] / DAY_SECONDS)  # type: ignore[index]  # without a time
            return RelativeDate(days if offset > 0 else -days, "day")
        case RelativeInstant(offset, unit):
            return RelativeDate(offset, unit)  # type: ignore[arg-type]  # with a time
        case _:
            return moment


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
    return replace(min(days, key=lambda pair: pair[0])[1], every="year") if days else None


def nearest_day_of_month(day: int, length: int, today: dt.date) -> Period | None:
    """Return the nearest day to today, for a day without a month; the one before, of two as near."""
    first = today.replace(day=1)
    months_ = (first + relativedelta(months=shift) for shift in (-2, -1, 0, 1, 2))
    periods = (calendar_day(month.year, month.month, day, length) for month in months_)
    days = [(abs(period.low - today), period) for period in periods if period and isinstance(period.low, dt.date)]
    return replace(min(days, key=lambda pair: pair[0])[1], every="month") if days else None


def months(year: int, first: int, last: int, length: int) -> Period:
    """Return the period of some months of a year, up to one of the next year if the last comes before the first."""
    last += 12 * (last < first)
    after = dt.date(year + last // 12, last % 12 + 1, 1)
    return Period(dt.date(year, first, 1), after - dt.timedelta(days=1), length)


def season(first: int, last: int, shift: int, length: int, today: dt.date) -> Period:
    """Return the season of this year, or the one before or after now."""
    year = today.year
    if shift < 0:
        year -= months(year, first, last, length).high >= today  # type: ignore[operator]  # days of the calendar
    elif shift > 0:
        year += months(year, first, last, length).low <= today  # type: ignore[operator]
    return months(year, first, last, length)


def monday(year: int, week: int) -> dt.date | None:
    """Return the first day of a week of ISO 8601; None if the year has no such week."""
    try:
        return dt.date.fromisocalendar(year, week, 1)
    except ValueError:
        return None


def years(first: int, last: int, length: int) -> Period:
    """Return the period of some calendar years."""
    return Period(dt.date(first, 1, 1), dt.date(last, 12, 31), length)


def calendar_year(number: int, length: int) -> Period | None:
    """Return the calendar year of a number, if it can be one."""
    return years(number, number, length) if FIRST_YEAR <= number <= LAST_YEAR else None


def fiscal_year(number: int, start: int, length: int) -> Period:
    """Return the fiscal year that begins in the month `start` and ends in the year of the number."""
    first = dt.date(number - (start > 1), start, 1)
    return Period(first, first + relativedelta(years=1) - dt.timedelta(days=1), length)


def decade(number: int, length: int, today: dt.date) -> Period:
    """Return the latest decade that ends in this number and has begun."""
    century = today.year // 100 * 100
    first = century + number if century + number <= today.year else century - 100 + number
    return years(first, first + 9, length)


def in_days(today: dt.date, days: int, length: int) -> Period:
    """Return the day so many days from today."""
    day = today + dt.timedelta(days=days)
    return Period(day, day, length)


def week_of(day: dt.date, length: int) -> Period:
    """Return the week of a day, from Monday."""
    monday = day - dt.timedelta(days=day.weekday())
    return Period(monday, monday + dt.timedelta(days=6), length)


def away(offset: int, unit: Unit | ClockUnit) -> Relative:
    """Return the day or instant so many units from now."""
    is_clock = unit in CLOCK_SECONDS
    return RelativeInstant(offset, unit) if is_clock else RelativeDate(offset, unit)  # type: ignore[arg-type]


def shifted(offset: int, unit: Unit | ClockUnit, length: int) -> Period:
    """Return the day or instant so many units from now."""
    moment = away(offset, unit)
    return Period(moment, moment, length)


def whole(which: Which, unit: Unit, length: int) -> Period:
    """Return this, the last or the next calendar unit."""
    offset = SHIFTS[which]
    return Period(RelativeDate(offset, unit, unit), RelativeDate(offset, unit, unit, "last"), length)


def reaching(offset: int, unit: Unit | ClockUnit, length: int) -> Period:
    """Return the period from now to so many units away, or from there to now."""
    moment, now = away(offset, unit), away(0, unit if unit in CLOCK_SECONDS else "day")
    return Period(moment, now, length) if offset < 0 else Period(now, moment, length)


def later(day: dt.date, count: int, unit: Unit) -> dt.date:
    """Return the day so many units after another; as `RelativeDate`, within the years 1 to 9999."""
    return RelativeDate(count, unit).resolve(day)


def nth(whole_: Period, number: int, count: int, unit: Unit) -> Period | None:
    """Return the so-manieth `count` units inside a period, from its end if the number is negative.

    None if the period is no longer than that.
    """
    if not (days := whole_.days):
        return None
    first, last = days
    if number > 0:
        low = later(first, (number - 1) * count, unit)
        high = later(first, number * count, unit) - dt.timedelta(days=1)
    else:
        after = last + dt.timedelta(days=1)
        low = later(after, number * count, unit)
        high = later(after, (number + 1) * count, unit) - dt.timedelta(days=1)
    low, high = max(low, first), min(high, last)
    return replace(whole_, low=low, high=high, other=None) if low <= high and (low, high) != days else None


def nth_weekday(whole_: Period, number: int, weekday: int) -> Period | None:
    """Return the so-manieth such weekday of a period, the last if the number is negative."""
    if not (days := whole_.days):
        return None
    first, last = days
    if number > 0:
        day = first + dt.timedelta(days=(weekday - first.weekday()) % 7 + 7 * (number - 1))
    else:
        day = last - dt.timedelta(days=(last.weekday() - weekday) % 7 + 7 * (-number - 1))
    return replace(whole_, low=day, high=day, other=None) if first <= day <= last else None


def third(whole_: Period, which: Third) -> Period | None:
    """Return the early, middle or late part: a third in whole years, months or days, the first part the longest."""
    return _share(whole_, 3, ("early", "mid", "late").index(which))


def half(whole_: Period, number: int) -> Period | None:
    """Return the first or second half of a period."""
    return _share(whole_, 2, number - 1)


def _share(whole_: Period, parts: int, index: int) -> Period | None:
    if not (days := whole_.days):
        return None
    first, after = days[0], days[1] + dt.timedelta(days=1)
    unit, count = _units(first, after, parts)
    if count < parts:
        return None
    # Of 10 years, the early ones are 4, and of 31 days 10.
    rounded = math.ceil if unit != "day" else math.floor
    starts = [rounded(count * part / parts) for part in range(parts + 1)]
    low, high = later(first, starts[index], unit), later(first, starts[index + 1], unit) - dt.timedelta(days=1)
    return replace(whole_, low=low, high=high, other=None)


def _units(first: dt.date, after: dt.date, parts: int) -> tuple[Unit, int]:
    """Return the largest unit in which a period can be divided, and how many it has."""
    between = relativedelta(after, first)
    if not between.days and not between.months and between.years >= parts:
        return "year", between.years
    count = between.years * 12 + between.months
    return ("month", count) if not between.days and count >= parts else ("day", (after - first).days)
