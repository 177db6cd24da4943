"""Dates in the calendar: days, months, quarters, seasons and decades."""

import re
from dataclasses import replace

from nlp2filters.core.languages.tables import DateOrder
from nlp2filters.core.parser.dates import periods
from nlp2filters.core.parser.dates.periods import FIRST_YEAR, LAST_YEAR, Period
from nlp2filters.core.parser.dates.rules import DateCursor, DateRule, longest
from nlp2filters.core.words import Kind

NUMBER: frozenset[Kind] = frozenset({"number"})
WORD: frozenset[Kind] = frozenset({"word"})

_YEAR_FIRST_MARKS = frozenset("-/.")
# Numbers with a fraction that are parts of a date: "27.02.2025" where the decimal mark is a point.
_DOTTED = re.compile(r"(?P<year>\d{4})\.(?P<month>\d\d?)\.(?P<day>\d\d?)|(?P<d>\d\d?)\.(?P<m>\d\d?)\.(?P<y>\d{4})")
_DOTTED_TOKENS = 3
# The "1800s" are a century, the "2000s" a decade.
CENTURIES = range(FIRST_YEAR, 2000, 100)


# days in digits


def _year_first(cursor: DateCursor) -> Period | None:
    year, mark = cursor.digits(0, FIRST_YEAR, LAST_YEAR), cursor.norm(1)
    month = cursor.digits(2, 1, 12, longest=2)
    if not year or not month or mark not in _YEAR_FIRST_MARKS or not cursor.adjoin(3):
        return None
    day = cursor.digits(4, 1, 31, longest=2)
    if day and cursor.norm(3) == mark and cursor.adjoin(5):
        return periods.calendar_day(year, month, day, 5)
    return periods.months(year, month, month, 3) if mark == "-" and len(cursor.norm(2)) == 2 else None


def _numeric(cursor: DateCursor) -> Period | None:
    """Read 12/31/2025. Where the month comes first, as Americans write it, day first is the other reading."""
    mark = cursor.norm(1)
    order = _order(cursor, mark)
    first, second = cursor.digits(0, 1, 31), cursor.digits(2, 1, 31)
    if not order or not first or not second or not cursor.adjoin(3):
        return None
    year = _numeric_year(cursor, mark) if cursor.norm(3) == mark and cursor.adjoin(5) else None
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


def _order(cursor: DateCursor, mark: str) -> DateOrder | None:
    """Return which of the day and the month comes first in the region."""
    order = cursor.dates.numeric.get(mark)
    return order and cursor.dates.order_by_region.get(cursor.language.region, order)


def _numeric_year(cursor: DateCursor, mark: str) -> int | None:
    """Return the year in four digits or, but for numbers with hyphens, which may be anything, in two."""
    year = cursor.digits(4, FIRST_YEAR, LAST_YEAR)
    return cursor.short_year(4) if year is None and mark != "-" else year


def _dotted(cursor: DateCursor) -> Period | None:
    if "." not in (cursor.token() or cursor.tokens[0]).text:
        return None
    for length in range(_DOTTED_TOKENS, 0, -1):
        text = "".join(token.text for token in cursor.tokens[cursor.at : cursor.at + length])
        if cursor.adjoin(length) and (match := _DOTTED.fullmatch(text)):
            year, month, day = (int(match[name] or match[name[0]]) for name in ("year", "month", "day"))
            return periods.calendar_day(year, month, day, length)
    return None


# days and months in words


def _day_first(cursor: DateCursor) -> Period | None:
    if number := cursor.day_number():
        day, offset = number
        offset += cursor.norm(offset) in cursor.dates.of
    elif (ordinal := cursor.ordinal()) and cursor.norm(ordinal[1]) in cursor.dates.of - {","}:
        day, offset = ordinal[0], ordinal[1] + 1
    else:
        return None
    month = cursor.month_or_shift(offset) or cursor.month_or_shift(offset - 1)
    if not month or (month[1] and offset == 1):
        return None
    if month[1]:
        return periods.calendar_day(month[1], month[0], day, month[2])
    short = cursor.short_year(month[2])
    if short and cursor.is_followed_by_grammar(month[2] + 1):
        return periods.calendar_day(short, month[0], day, month[2] + 1)
    return _day_of(cursor, month[0], day, month[2])


def _month_first(cursor: DateCursor) -> Period | None:
    month = cursor.month()
    if not month:
        return None
    if number := cursor.day_number(1):
        return _day_of(cursor, month, number[0], 1 + number[1])
    if (ordinal := cursor.ordinal(1)) and not cursor.unit_of_time(1 + ordinal[1]):
        return _day_of(cursor, month, ordinal[0], 1 + ordinal[1])
    if year := cursor.year(1):
        return periods.months(year[0], month, month, 1 + year[1])
    if cursor.norm() in cursor.dates.ambiguous_months and cursor.norm(-1) not in cursor.dates.before_months:
        return None
    return _latest_month(cursor, month)


def _latest_month(cursor: DateCursor, month: int) -> Period:
    latest = cursor.today.year - (month > cursor.today.month)
    return replace(periods.months(latest, month, month, 1), every="year")


def _day_of(cursor: DateCursor, month: int, day: int, offset: int) -> Period | None:
    """Return the day of a year that follows, or the nearest one to today."""
    if year := cursor.year(offset):
        return periods.calendar_day(year[0], month, day, offset + year[1])
    return periods.nearest_day(month, day, offset, cursor.today)


def _day_of_month(cursor: DateCursor) -> Period | None:
    """Read "the 14th" where nothing follows that it could count."""
    day = cursor.day_number()
    articles = cursor.language.numbers.determiners - cursor.language.numbers.one
    if not day or day[1] < 2 or cursor.norm(-1) not in articles:
        return None
    return periods.nearest_day_of_month(day[0], day[1], cursor.today) if cursor.is_followed_by_grammar(day[1]) else None


# ranges


def _days_and_month(cursor: DateCursor) -> Period | None:
    """Read "5 to 12 January 2024", also after "between the"."""
    opened = cursor.opener()
    first = cursor.day_number(start := cursor.skip_article(opened))
    joint = cursor.joint(start + first[1], between=opened > 0) if first else 0
    if not first or not joint:
        return None
    last = cursor.day_number(end := cursor.skip_article(start + first[1] + joint))
    if not last:
        return None
    offset = end + last[1]
    month = cursor.month_or_shift(cursor.skip_of(offset)) or cursor.month_or_shift(offset)
    return _days(cursor, month, first[0], last[0]) if month else None


def _month_and_days(cursor: DateCursor) -> Period | None:
    """Read "January 5-12, 2024"."""
    opened = cursor.opener()
    month, first = cursor.month(opened), cursor.day_number(opened + 1)
    joint = cursor.joint(opened + 1 + first[1], between=opened > 0) if month and first else 0
    if not month or not first or not joint:
        return None
    last = cursor.day_number(end := cursor.skip_article(opened + 1 + first[1] + joint))
    if not last or cursor.month(cursor.skip_of(end + last[1])):
        return None
    return _days(cursor, (month, None, end + last[1]), first[0], last[0])


def _days(cursor: DateCursor, month: tuple[int, int | None, int], first: int, last: int) -> Period | None:
    """Return some days of a month, in its year, the one that follows or the nearest one."""
    number, year, offset = month
    low = periods.calendar_day(year, number, first, offset) if year else _day_of(cursor, number, first, offset)
    if not low or not low.days or first >= last:
        return None
    high = periods.calendar_day(low.days[0].year, number, last, low.length)
    return replace(low, high=high.high) if high else None


def _year_apart(cursor: DateCursor) -> Period | None:
    """Read a year before its months or day: "2014 Feb 17", "in 2018 from February to December"."""
    year, offset = cursor.digits(0, FIRST_YEAR, LAST_YEAR), 1
    if not year and (shift := cursor.shift(0, "year")):
        year, offset = cursor.today.year + shift[0], shift[1]
    if not year:
        return None
    start = cursor.skip_of(offset)
    opened = cursor.norm(start) in cursor.dates.range_openers
    first = _without_year(cursor.moved(start + opened))
    if not first:
        return None
    low, end = _in_year(first, year), start + opened + first.length
    joint = cursor.joint(end, between=opened)
    last = _without_year(cursor.moved(end + joint)) if joint else None
    if not last:
        return None if opened else replace(low, length=end)
    high = _in_year(last, year)
    is_range = low.days and high.days and low.days[0] <= high.days[1]
    return replace(low, high=high.high, length=end + joint + last.length) if is_range else None


def _without_year(cursor: DateCursor) -> Period | None:
    """Read a month, a day, a quarter or a half of a year that is not named."""
    period = longest((_MONTH_FIRST, _DAY_FIRST, _QUARTER), cursor)
    if period is None and (month := cursor.month()) and cursor.norm(-1) not in cursor.dates.of | {""}:
        is_joined = cursor.at > 0 and cursor.tokens[cursor.at - 1].kind != "number"
        return _latest_month(cursor, month) if is_joined else None
    return period if period and period.yearless else None


def _in_year(period: Period, year: int) -> Period:
    assert period.days
    return replace(period.moved(year - period.days[0].year), every=None)


# longer periods


def _decade_digits(cursor: DateCursor) -> Period | None:
    skipped = int(cursor.norm() in cursor.dates.of)
    token = cursor.token(skipped)
    if not token or not token.text.isdecimal() or not token.text.endswith("0"):
        return None
    if cursor.norm(skipped + 1) not in cursor.dates.decade_suffix or not cursor.adjoin(2, skipped):
        return None
    number = int(token.text)
    if number in CENTURIES:
        return periods.years(number, number + 99, skipped + 2)
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
    """Read "summer 2025", "last summer"."""
    relative = cursor.phrase(cursor.dates.relative)
    which, offset = relative or (None, 0)
    season = cursor.dates.seasons.get(cursor.norm(offset))
    if season and which:
        return periods.season(*season, periods.SHIFTS[which], offset + 1, cursor.today)
    year = cursor.year(1) if season else None
    return periods.months(year[0], *season, 1 + year[1]) if season and year else None


def _century(cursor: DateCursor) -> Period | None:
    ordinal = cursor.ordinal()
    multiple = cursor.dates.multiples.get(cursor.norm(ordinal[1])) if ordinal else None
    if not ordinal or multiple != (100, "year") or not FIRST_YEAR // 100 < ordinal[0] <= LAST_YEAR // 100:
        return None
    return periods.years(100 * ordinal[0] - 99, 100 * ordinal[0], ordinal[1] + 1)


def _week_number(cursor: DateCursor) -> Period | None:
    """Read "calendar week 12", "week 12 of 2024": the weeks of ISO 8601, the first of which has the first Thursday."""
    prefix = cursor.phrase_length(cursor.dates.week_number)
    offset = prefix or int(cursor.unit_of_time() == "week")
    number = cursor.digits(offset, 1, 53, longest=2) if offset else None
    year = cursor.year(offset + 1) if number else None
    if not number or not (prefix or year):
        return None
    monday = periods.monday(year[0] if year else cursor.today.year, number)
    length = offset + 1 + (year[1] if year else 0)
    return periods.week_of(monday, length) if monday else None


def _quarter(cursor: DateCursor) -> Period | None:
    """Read "Q3", "H1 2024", "Q1 of fiscal year 2025"."""
    letter = cursor.norm()
    months = 3 if letter in cursor.dates.quarter else 6 if letter in cursor.dates.half else None
    number = cursor.digits(1, 1, 12 // months, longest=1) if months and cursor.adjoin(2) else None
    return _part_of_year(cursor, number, months, 2) if number and months else None


def _quarter_ordinal(cursor: DateCursor) -> Period | None:
    ordinal = cursor.ordinal()
    if not ordinal or ordinal[0] > 4 or cursor.unit_of_time(ordinal[1]) != "quarter":
        return None
    return _part_of_year(cursor, ordinal[0], 3, ordinal[1] + 1)


def _part_of_year(cursor: DateCursor, number: int, months: int, offset: int) -> Period | None:
    """Return a quarter or a half of the year that follows, or of this one."""
    if (start := cursor.skip_of(offset)) and (fiscal := _fiscal(cursor.moved(start))):
        part = periods.nth(fiscal, number, months, "month")
        return part and replace(part, length=start + fiscal.length)
    year = cursor.year(offset)
    first = months * (number - 1) + 1
    period = periods.months(year[0] if year else cursor.today.year, first, first + months - 1, offset)
    return replace(period, length=offset + year[1]) if year else replace(period, every="year")


def _fiscal(cursor: DateCursor) -> Period | None:
    """Read "FY2024", "fiscal year 2024", "last fiscal year"; a fiscal year is called after the year that it ends in."""
    start = cursor.calendar.fiscal_year_start
    current = cursor.today.year + (1 < start <= cursor.today.month)
    relative = cursor.phrase(cursor.dates.relative)
    which, offset = relative if relative and relative[0] in periods.SHIFTS else (None, 0)
    length = cursor.phrase_length(cursor.dates.fiscal, offset)
    if not length:
        return None
    offset += length
    if which:
        return periods.fiscal_year(current + periods.SHIFTS[which], start, offset)
    number = cursor.digits(offset, FIRST_YEAR, LAST_YEAR) or cursor.short_year(offset)
    if not number:
        return None
    if cursor.norm(offset + 1) in ("/", "-") and cursor.adjoin(3, offset) and cursor.short_year(offset + 2):
        number, offset = number + 1, offset + 2
    return periods.fiscal_year(number, start, offset + 1)


_DAY_FIRST = DateRule(
    "day first",
    NUMBER | WORD,
    {
        "en": ("3 March", "3rd of March, 2025", "3rd of next month", "04-Mar-2024", "first of May 2024"),
        "es": ("3 de marzo de 2025",),
    },
    _day_first,
)
_MONTH_FIRST = DateRule(
    "month first",
    WORD,
    {
        "en": (
            "March 3rd, 2025",
            "March 3",
            "March 2025",
            "April",
            "April first 2021",
            "May two thousand and nineteen",
            "May last year",
        )
    },
    _month_first,
)
_QUARTER = DateRule("quarter", WORD, {"en": ("Q3", "Q3 2025", "H1 2024", "Q1 of fiscal year 2025")}, _quarter)

RULES = (
    DateRule("ISO 8601", NUMBER, {"en": ("2025-12-31", "2025-12", "2025/12/31")}, _year_first),
    DateRule("numeric", NUMBER, {"en": ("12/31/2025", "31/12/2025", "12/31/25", "31-12-2025")}, _numeric),
    DateRule("with dots", NUMBER, {"en": ("31.12.2025", "2025.12.31"), "de": ("2025.12.31",)}, _dotted),
    _DAY_FIRST,
    _MONTH_FIRST,
    DateRule("days and their month", NUMBER | WORD, {"en": ("5 to 12 January 2024",)}, _days_and_month),
    DateRule("month and its days", WORD, {"en": ("March 3-5", "March 3rd to the 5th, 2024")}, _month_and_days),
    DateRule(
        "year apart",
        NUMBER | WORD,
        {"en": ("2014 Feb 17", "2018 from February to December", "2024 Q2", "last year in May")},
        _year_apart,
    ),
    DateRule("day of a month", NUMBER, {}, _day_of_month),
    DateRule("decade in digits", NUMBER | WORD, {"en": ("1980s", "80s", "the 80's")}, _decade_digits),
    DateRule("decade in words", WORD, {"en": ("eighties", "the eighties"), "es": ("años 80",)}, _decade_word),
    DateRule("season", WORD, {"en": ("summer 2025", "autumn of 2025", "last summer")}, _season),
    DateRule("century", NUMBER | WORD, {"en": ("17th century", "nineteenth century")}, _century),
    DateRule("week number", WORD, {"en": ("calendar week 12", "week 12 of 2024"), "de": ("KW 12",)}, _week_number),
    _QUARTER,
    DateRule("ordinal quarter", NUMBER | WORD, {"en": ("third quarter of 2025", "3rd quarter")}, _quarter_ordinal),
    DateRule("fiscal year", WORD, {"en": ("FY2024", "FY 2023/24", "fiscal year 2024", "last fiscal year")}, _fiscal),
)
