"""Dates in the calendar: days, months, quarters, seasons and decades."""

from dataclasses import replace

from nlp2filters.core.filters import RelativeDate
from nlp2filters.core.parser.dates import periods
from nlp2filters.core.parser.dates.periods import FIRST_YEAR, LAST_YEAR, Period
from nlp2filters.core.parser.dates.rules import DateCursor, DateRule
from nlp2filters.core.words import Kind

NUMBER: frozenset[Kind] = frozenset({"number"})
WORD: frozenset[Kind] = frozenset({"word"})


def _iso(cursor: DateCursor) -> Period | None:
    year = cursor.digits(0, FIRST_YEAR, LAST_YEAR)
    if not year or cursor.norm(1) != "-" or not cursor.adjoin(3):
        return None
    month = cursor.digits(2, 1, 12)
    if not month or len(cursor.norm(2)) != 2:
        return None
    day = cursor.digits(4, 1, 31)
    if day and cursor.norm(3) == "-" and cursor.adjoin(5):
        return periods.calendar_day(year, month, day, 5)
    return periods.months(year, month, month, 3)


def _numeric(cursor: DateCursor) -> Period | None:
    """Read 12/31/2025. Where the month comes first, as Americans write it, day first is the other reading."""
    mark = cursor.norm(1)
    order = cursor.dates.numeric.get(mark)
    first, second = cursor.digits(0, 1, 31), cursor.digits(2, 1, 31)
    if not order or not first or not second or not cursor.adjoin(3):
        return None
    year = cursor.digits(4, FIRST_YEAR, LAST_YEAR) if cursor.norm(3) == mark and cursor.adjoin(5) else None
    if not year:
        is_day = mark in cursor.dates.ordinal_suffix and second <= 12
        length = 4 if cursor.norm(3) == mark and cursor.adjoin(4) else 3
        return periods.nearest_day(second, first, length, cursor.today) if is_day else None
    day_first = periods.calendar_day(year, second, first, 5)
    if order == "day first":
        return day_first
    month_first = periods.calendar_day(year, first, second, 5)
    if month_first and day_first and first != second:
        return replace(month_first, other=day_first)
    return month_first or day_first


def _day_first(cursor: DateCursor) -> Period | None:
    day = cursor.digits(0, 1, 31)
    if not day:
        return None
    offset = 2 if cursor.norm(1) in cursor.dates.ordinal_suffix and cursor.adjoin(2) else 1
    offset += cursor.norm(offset) in cursor.dates.of
    month = cursor.month(offset)
    if offset > 1 and (shift := cursor.shift(offset, "month")):
        first = RelativeDate(shift[0], "month", "month").resolve(cursor.today)
        return periods.calendar_day(first.year, first.month, day, shift[1])
    return _day_of(cursor, month, day, offset + 1) if month else None


def _month_first(cursor: DateCursor) -> Period | None:
    month = cursor.month()
    if not month:
        return None
    if day := cursor.digits(1, 1, 31):
        return _day_of(cursor, month, day, 3 if cursor.norm(2) in cursor.dates.ordinal_suffix else 2)
    if year := cursor.year(1):
        return periods.months(year[0], month, month, 1 + year[1])
    if cursor.norm() in cursor.dates.ambiguous_months and cursor.norm(-1) not in cursor.dates.before_months:
        return None
    latest = cursor.today.year - (month > cursor.today.month)
    return replace(periods.months(latest, month, month, 1), yearless=True)


def _day_of(cursor: DateCursor, month: int, day: int, offset: int) -> Period | None:
    """Return the day of a year that follows, or the nearest one to today."""
    if year := cursor.year(offset):
        return periods.calendar_day(year[0], month, day, offset + year[1])
    return periods.nearest_day(month, day, offset, cursor.today)


def _decade_digits(cursor: DateCursor) -> Period | None:
    skipped = int(cursor.norm() in cursor.dates.of)
    token = cursor.token(skipped)
    if not token or not token.text.isdecimal() or not token.text.endswith("0"):
        return None
    if cursor.norm(skipped + 1) not in cursor.dates.decade_suffix or not cursor.adjoin(2, skipped):
        return None
    number = int(token.text)
    if len(token.text) == 4 and FIRST_YEAR <= number <= LAST_YEAR:
        return periods.years(number, number + 9, skipped + 2)
    return periods.decade(number, skipped + 2, cursor.today) if len(token.text) == 2 else None


def _decade_word(cursor: DateCursor) -> Period | None:
    if cursor.norm() in cursor.dates.decade_prefix:
        number = cursor.integer(1)
        is_decade = number is not None and 0 < number < 100 and number % 10 == 0
        return periods.decade(number, 2, cursor.today) if number and is_decade else None
    skipped = int(cursor.norm() in cursor.dates.of)
    number = cursor.dates.decades.get(cursor.norm(skipped))
    return periods.decade(number, skipped + 1, cursor.today) if number is not None else None


def _season(cursor: DateCursor) -> Period | None:
    season = cursor.dates.seasons.get(cursor.norm())
    year = cursor.year(1) if season else None
    return periods.months(year[0], *season, 1 + year[1]) if season and year else None


def _quarter(cursor: DateCursor) -> Period | None:
    number = cursor.digits(1, 1, 4) if cursor.norm() in cursor.dates.quarter and cursor.adjoin(2) else None
    return _quarter_of(cursor, number, 2) if number else None


def _quarter_ordinal(cursor: DateCursor) -> Period | None:
    number, offset = cursor.language.numbers.ordinals.get(cursor.norm()), 1
    if number is None and cursor.norm(1) in cursor.dates.ordinal_suffix:
        number, offset = cursor.digits(0, 1, 4), 2
    if not number or number > 4 or cursor.unit_of_time(offset) != "quarter":
        return None
    return _quarter_of(cursor, number, offset + 1)


def _quarter_of(cursor: DateCursor, number: int, offset: int) -> Period:
    """Return the quarter of a year that follows, or of this one."""
    year, length = cursor.year(offset) or (cursor.today.year, 0)
    return periods.quarter(number, year, offset + length)


RULES = (
    DateRule("ISO 8601", NUMBER, {"en": ("2025-12-31", "2025-12")}, _iso),
    DateRule("numeric", NUMBER, {"en": ("12/31/2025", "31/12/2025")}, _numeric),
    DateRule(
        "day first",
        NUMBER,
        {"en": ("3 March", "3rd of March, 2025", "3rd of next month"), "es": ("3 de marzo de 2025",)},
        _day_first,
    ),
    DateRule("month first", WORD, {"en": ("March 3rd, 2025", "March 3", "March 2025", "April")}, _month_first),
    DateRule("decade in digits", NUMBER | WORD, {"en": ("1980s", "80s", "the 80's")}, _decade_digits),
    DateRule("decade in words", WORD, {"en": ("eighties", "the eighties"), "es": ("años 80",)}, _decade_word),
    DateRule("season", WORD, {"en": ("summer 2025", "autumn of 2025")}, _season),
    DateRule("quarter", WORD, {"en": ("Q3", "Q3 2025")}, _quarter),
    DateRule("ordinal quarter", NUMBER | WORD, {"en": ("third quarter of 2025", "3rd quarter")}, _quarter_ordinal),
)
