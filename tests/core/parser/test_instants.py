"""Instants: times on a day, parts of a day, hours before now; and the circumstances that a catalog sets."""

import datetime as dt

import pytest

from nlp2filters.core import catalog as catalogs
from nlp2filters.core import languages
from nlp2filters.core.filters import Between, Comparison, Filter, RelativeDate, RelativeInstant
from nlp2filters.core.parser import dates
from nlp2filters.core.parser.dates import Calendar, DateCursor, Moment, Period
from tests.core.parser.shop import filter_of
from tests.core.parser.shop import read as read_text

# A Tuesday.
TODAY = dt.date(2026, 11, 24)
INSTANTS = Calendar(instants=True)

LOGS = catalogs.parse(
    {
        "name": "logs",
        "fields": [{"name": "host", "type": "keyword"}, {"name": "seen", "type": "datetime"}],
    }
)


def read(text: str, locale: str = "en", calendar: Calendar = INSTANTS) -> Period | None:
    language = languages.of(locale)
    return dates.read(DateCursor(language.tokenize(text), 0, language, TODAY, calendar))


def on_day(offset: int, hour: int, minute: int = 0) -> RelativeInstant:
    return RelativeInstant(offset, "day", dt.time(hour, minute))


def end(offset: int, hour: int) -> RelativeInstant:
    return RelativeInstant(offset, "day", dt.time(hour, 59, 59, 999_999))


@pytest.mark.parametrize(
    ("locale", "text", "low", "high"),
    [
        ("en", "last 24 hours", RelativeInstant(-24, "hour"), RelativeInstant(0, "hour")),
        ("en", "past hour", RelativeInstant(-1, "hour"), RelativeInstant(0, "hour")),
        ("en", "past 90 minutes", RelativeInstant(-90, "minute"), RelativeInstant(0, "minute")),
        ("en", "an hour and a half ago", RelativeInstant(-90, "minute"), RelativeInstant(-90, "minute")),
        ("en", "10 pm yesterday", on_day(-1, 22), on_day(-1, 22)),
        ("en", "yesterday at 8", on_day(-1, 8), on_day(-1, 8)),
        ("en", "noon today", on_day(0, 12), on_day(0, 12)),
        ("en", "10 yesterday morning", on_day(-1, 10), on_day(-1, 10)),
        ("en", "9 yesterday evening", on_day(-1, 21), on_day(-1, 21)),
        ("en", "yesterday after 10 pm", on_day(-1, 22), RelativeInstant(-1, "day", dt.time.max)),
        ("en", "yesterday before 6:30", on_day(-1, 0), on_day(-1, 6, 30)),
        ("en", "yesterday between 2 and 4 pm", on_day(-1, 14), on_day(-1, 16)),
        ("en", "this morning", on_day(0, 4), end(0, 11)),
        ("en", "yesterday evening", on_day(-1, 18), RelativeInstant(-1, "day", dt.time.max)),
        ("en", "last night", on_day(-1, 18), end(0, 3)),
        ("en", "2025-06-01 14:00", dt.datetime(2025, 6, 1, 14), dt.datetime(2025, 6, 1, 14)),
        ("en", "2025-06-01 14:00:30", dt.datetime(2025, 6, 1, 14, 0, 30), dt.datetime(2025, 6, 1, 14, 0, 30)),
        ("en", "June 1 2025 at 2 pm", dt.datetime(2025, 6, 1, 14), dt.datetime(2025, 6, 1, 14)),
        ("de", "gestern um 22 Uhr", on_day(-1, 22), on_day(-1, 22)),
        ("de", "gestern Abend", on_day(-1, 18), RelativeInstant(-1, "day", dt.time.max)),
        ("es", "ayer a las 10 de la noche", on_day(-1, 22), on_day(-1, 22)),
    ],
)
def test_instants(locale: str, text: str, low: Moment, high: Moment) -> None:
    period = read(text, locale)
    assert period is not None
    assert (period.low, period.high) == (low, high)
    assert period.length == len(languages.of(locale).tokenize(text))


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("2025-06-01T14:00", None),
        ("2025-06-01T14:00Z", dt.UTC),
        ("2025-06-01T14:00:00Z", dt.UTC),
        ("2025-06-01T14:00+02:00", dt.timezone(dt.timedelta(hours=2))),
        ("2025-06-01T14:00-05:30", dt.timezone(-dt.timedelta(hours=5, minutes=30))),
    ],
)
@pytest.mark.parametrize("calendar", [INSTANTS, Calendar()])
def test_iso_instants_in_any_catalog(text: str, zone: dt.tzinfo | None, calendar: Calendar) -> None:
    period = read(text, calendar=calendar)
    assert period is not None
    assert period.low == dt.datetime(2025, 6, 1, 14, tzinfo=zone)
    assert period.length == len(languages.of("en").tokenize(text))


def test_times_are_left_alone_where_no_field_holds_instants() -> None:
    period = read("Friday at 5 pm", calendar=Calendar())
    assert period is not None
    assert (period.low, period.length) == (dt.date(2026, 11, 27), 1)
    assert read("this morning", calendar=Calendar()) is None


def test_minutes_are_how_long_something_takes_where_a_field_holds_that() -> None:
    assert read("last 90 minutes", calendar=Calendar(durations=True)) is None
    assert read("within 2 weeks", calendar=Calendar(durations=True)) is None


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("FY2024", "2023-10-01", "2024-09-30"),
        ("FY24", "2023-10-01", "2024-09-30"),
        ("FY 2023/24", "2023-10-01", "2024-09-30"),
        ("fiscal year 2024", "2023-10-01", "2024-09-30"),
        ("this fiscal year", "2026-10-01", "2027-09-30"),
        ("last fiscal year", "2025-10-01", "2026-09-30"),
        ("Q1 of fiscal year 2025", "2024-10-01", "2024-12-31"),
        ("H2 FY2025", "2025-04-01", "2025-09-30"),
    ],
)
def test_fiscal_years_begin_where_the_catalog_says(text: str, low: str, high: str) -> None:
    period = read(text, calendar=Calendar(fiscal_year_start=10))
    assert period is not None
    assert (period.low, period.high) == (dt.date.fromisoformat(low), dt.date.fromisoformat(high))
    assert period.length == len(languages.of("en").tokenize(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("seen in the last 24 hours", Comparison(">=", "seen", RelativeInstant(-24, "hour"))),
        ("seen less than 2 hours ago", Comparison(">", "seen", RelativeInstant(-2, "hour"))),
        ("seen within 30 minutes", Comparison(">=", "seen", RelativeInstant(-30, "minute"))),
        ("seen 3 hours ago", Between("seen", RelativeInstant(-210, "minute"), RelativeInstant(-150, "minute"))),
        ("seen after 9:30", Comparison(">", "seen", on_day(0, 9, 30))),
        ("seen by noon", Comparison("<=", "seen", on_day(0, 12))),
        ("seen from 8 to 10 this morning", Between("seen", on_day(0, 8), on_day(0, 10))),
        ("seen between 2 and 4 pm yesterday", Between("seen", on_day(-1, 14), on_day(-1, 16))),
        ("seen around 3 pm", Between("seen", on_day(0, 14, 30), on_day(0, 15, 30))),
        ("seen on 2025-06-01", Comparison("=", "seen", dt.date(2025, 6, 1))),
    ],
)
def test_tests_of_instants(text: str, expected: Filter) -> None:
    assert filter_of(text, LOGS) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # The dates are days: an instant is its day, so many hours are so many days, rounded up.
        ("released in the last 24 hours", Between("released", RelativeDate(-1, "day"), RelativeDate(0, "day"))),
        ("released in the last 36 hours", Between("released", RelativeDate(-2, "day"), RelativeDate(0, "day"))),
        ("released after 2025-06-01T14:00", Comparison(">", "released", dt.date(2025, 6, 1))),
        ("released by the end of March 2025", Comparison("<=", "released", dt.date(2025, 3, 31))),
        ("released by Friday", Comparison("<=", "released", dt.date(2026, 11, 27))),
        ("released since Monday", Comparison(">=", "released", dt.date(2026, 11, 23))),
        (
            "released over the last year",
            Between("released", RelativeDate(-1, "year", "year"), RelativeDate(-1, "year", "year", "last")),
        ),
        ("released over the last 2 years", Between("released", RelativeDate(-2, "year"), RelativeDate(0, "day"))),
        ("released within 2 weeks", Between("released", RelativeDate(-2, "week"), RelativeDate(0, "day"))),
    ],
)
def test_tests_of_days(text: str, expected: Filter) -> None:
    assert filter_of(text) == expected


@pytest.mark.parametrize("text", ["the 14th floor", "the 14th street", "a3nd"])
def test_an_ordinal_before_a_name_is_no_day(text: str) -> None:
    assert read_text(text).filter is None


def test_early_is_a_part_of_the_year_and_no_order() -> None:
    reading = read_text("released in early 2018")
    assert reading.filter == Between("released", dt.date(2018, 1, 1), dt.date(2018, 4, 30))
    assert reading.sort == ()
