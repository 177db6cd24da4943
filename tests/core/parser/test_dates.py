"""Dates and periods by themselves: what each way to write them means on a day."""

import datetime as dt

import pytest

from nlp2filters.core import languages
from nlp2filters.core.parser import dates
from nlp2filters.core.parser.dates import Period
from nlp2filters.core.parser.dates.rules import DateCursor, DateRule

# A Tuesday.
TODAY = dt.date(2026, 11, 24)

RULE_EXAMPLES = [
    pytest.param(rule, locale, text, id=f"{rule.name}: {text}")
    for rule in dates.RULES
    for locale, texts in rule.examples.items()
    for text in texts
]

# The language, the text, and the first and last day of what it means.
PERIODS = [
    ("en", "2025-12-31", "2025-12-31", "2025-12-31"),
    ("en", "2025-02", "2025-02-01", "2025-02-28"),
    ("en", "12/31/2025", "2025-12-31", "2025-12-31"),
    ("en", "31/12/2025", "2025-12-31", "2025-12-31"),
    ("en", "3rd of March, 2025", "2025-03-03", "2025-03-03"),
    ("en", "3 March", "2027-03-03", "2027-03-03"),
    ("en", "12 August", "2026-08-12", "2026-08-12"),
    ("en", "3rd of next month", "2026-12-03", "2026-12-03"),
    ("en", "March 3rd, 2025", "2025-03-03", "2025-03-03"),
    ("en", "March 2024", "2024-03-01", "2024-03-31"),
    ("en", "February of 2024", "2024-02-01", "2024-02-29"),
    ("en", "April", "2026-04-01", "2026-04-30"),
    ("en", "December", "2025-12-01", "2025-12-31"),
    ("en", "1980s", "1980-01-01", "1989-12-31"),
    ("en", "the 90's", "1990-01-01", "1999-12-31"),
    ("en", "20s", "2020-01-01", "2029-12-31"),
    ("en", "30s", "1930-01-01", "1939-12-31"),
    ("en", "the eighties", "1980-01-01", "1989-12-31"),
    ("en", "summer 2025", "2025-06-01", "2025-08-31"),
    ("en", "Q3 2025", "2025-07-01", "2025-09-30"),
    ("en", "third quarter", "2026-07-01", "2026-09-30"),
    ("en", "today", "2026-11-24", "2026-11-24"),
    ("en", "yesterday", "2026-11-23", "2026-11-23"),
    ("en", "this year", "2026-01-01", "2026-12-31"),
    ("en", "last week", "2026-11-16", "2026-11-22"),
    ("en", "last 7 days", "2026-11-17", "2026-11-24"),
    ("en", "past month", "2026-10-24", "2026-11-24"),
    ("en", "next two weeks", "2026-11-24", "2026-12-08"),
    ("en", "3 days ago", "2026-11-21", "2026-11-21"),
    ("en", "a year ago", "2025-11-24", "2025-11-24"),
    ("en", "Friday", "2026-11-27", "2026-11-27"),
    ("en", "last Friday", "2026-11-20", "2026-11-20"),
    ("en", "Monday of next week", "2026-11-30", "2026-11-30"),
    ("en", "this weekend", "2026-11-28", "2026-11-29"),
    ("en", "last weekend", "2026-11-21", "2026-11-22"),
    ("en", "the end of the year", "2026-12-31", "2026-12-31"),
    ("en", "start of March", "2026-03-01", "2026-03-01"),
    ("en", "second week of May 2025", "2025-05-08", "2025-05-14"),
    ("en", "2024/03/04", "2024-03-04", "2024-03-04"),
    ("en", "31-12-2024", "2024-12-31", "2024-12-31"),
    ("en", "31.12.2024", "2024-12-31", "2024-12-31"),
    ("en", "2024.12.31", "2024-12-31", "2024-12-31"),
    ("en", "12/31/24", "2024-12-31", "2024-12-31"),
    ("en", "12/31/85", "1985-12-31", "1985-12-31"),
    ("en", "2014 Feb 17", "2014-02-17", "2014-02-17"),
    ("en", "4 Mar 24", "2024-03-04", "2024-03-04"),
    ("en", "April first 2021", "2021-04-01", "2021-04-01"),
    ("en", "twenty second of May 2024", "2024-05-22", "2024-05-22"),
    ("en", "September two thousand and fourteen", "2014-09-01", "2014-09-30"),
    ("en", "May last year", "2025-05-01", "2025-05-31"),
    ("en", "5 to 12 January 2024", "2024-01-05", "2024-01-12"),
    ("en", "between the 5th and the 12th of January 2024", "2024-01-05", "2024-01-12"),
    ("en", "March 3-5", "2027-03-03", "2027-03-05"),
    ("en", "1 to 10 of last month", "2026-10-01", "2026-10-10"),
    ("en", "2018 from February to December", "2018-02-01", "2018-12-31"),
    ("en", "2024 Q2", "2024-04-01", "2024-06-30"),
    ("en", "H1 2024", "2024-01-01", "2024-06-30"),
    ("en", "1800s", "1800-01-01", "1899-12-31"),
    ("en", "2000s", "2000-01-01", "2009-12-31"),
    ("en", "17th century", "1601-01-01", "1700-12-31"),
    ("en", "last summer", "2026-06-01", "2026-08-31"),
    ("en", "winter 2024", "2024-12-01", "2025-02-28"),
    ("en", "week 12 of 2024", "2024-03-18", "2024-03-24"),
    ("en", "week of March 10th 2025", "2025-03-10", "2025-03-16"),
    ("en", "week after next", "2026-12-07", "2026-12-13"),
    ("en", "month before last", "2026-09-01", "2026-09-30"),
    ("en", "first 2 months of 2021", "2021-01-01", "2021-02-28"),
    ("en", "first two weeks of 2021", "2021-01-01", "2021-01-14"),
    ("en", "last 10 days of May 2025", "2025-05-22", "2025-05-31"),
    ("en", "last Friday of this month", "2026-11-27", "2026-11-27"),
    ("en", "second half of 2023", "2023-07-01", "2023-12-31"),
    ("en", "first half of May 2025", "2025-05-01", "2025-05-15"),
    ("en", "early 2018", "2018-01-01", "2018-04-30"),
    ("en", "mid 2018", "2018-05-01", "2018-08-31"),
    ("en", "late 2018", "2018-09-01", "2018-12-31"),
    ("en", "mid 90s", "1994-01-01", "1996-12-31"),
    ("en", "late May 2025", "2025-05-21", "2025-05-31"),
    ("en", "day before yesterday", "2026-11-22", "2026-11-22"),
    ("en", "within 2 weeks of January 15 2025", "2025-01-01", "2025-01-29"),
    ("en", "two weeks before Feb 1 2025", "2025-01-18", "2025-01-18"),
    ("en", "1.5 years ago", "2025-05-24", "2025-05-24"),
    ("en", "past half year", "2026-05-24", "2026-11-24"),
    ("en", "3 to 5 days ago", "2026-11-19", "2026-11-21"),
    ("en", "10 days from now", "2026-12-04", "2026-12-04"),
    ("en", "year to date", "2026-01-01", "2026-11-24"),
    ("en", "rest of the year", "2026-11-24", "2026-12-31"),
    ("en", "this past Monday", "2026-11-23", "2026-11-23"),
    ("en", "Friday the 13th", "2026-11-13", "2026-11-13"),
    ("en", "Monday, June 3", "2024-06-03", "2024-06-03"),
    ("en", "FY2024", "2024-01-01", "2024-12-31"),
    ("de", "3.5.24", "2024-05-03", "2024-05-03"),
    ("de", "5. bis 12. Januar 2024", "2024-01-05", "2024-01-12"),
    ("de", "ersten Hälfte 2024", "2024-01-01", "2024-06-30"),
    ("de", "letzten Freitag des Monats", "2026-11-27", "2026-11-27"),
    ("es", "principios de 2023", "2023-01-01", "2023-04-30"),
    ("es", "hace dos años y medio", "2024-05-24", "2024-05-24"),
    ("es", "las primeras dos semanas de 2024", "2024-01-01", "2024-01-14"),
    ("es", "3 de marzo de 2025", "2025-03-03", "2025-03-03"),
    ("es", "semana pasada", "2026-11-16", "2026-11-22"),
    ("es", "mes que viene", "2026-12-01", "2026-12-31"),
    ("es", "hace 3 días", "2026-11-21", "2026-11-21"),
    ("es", "hace un mes", "2026-10-24", "2026-10-24"),
    ("es", "últimos 7 días", "2026-11-17", "2026-11-24"),
    ("es", "años 90", "1990-01-01", "1999-12-31"),
    ("es", "anteayer", "2026-11-22", "2026-11-22"),
]


def cursor(text: str, locale: str, at: int = 0) -> DateCursor:
    language = languages.of(locale)
    return DateCursor(language.tokenize(text), at, language, TODAY)


def read(text: str, locale: str = "en", at: int = 0) -> Period | None:
    return dates.read(cursor(text, locale, at))


@pytest.mark.parametrize(("rule", "locale", "text"), RULE_EXAMPLES)
def test_a_rule_reads_its_examples(rule: DateRule, locale: str, text: str) -> None:
    place = cursor(text, locale)
    assert place.tokens[0].kind in rule.begins
    period = rule.read(place)
    assert period is not None
    assert period.length == len(place.tokens)


@pytest.mark.parametrize(("locale", "text", "low", "high"), PERIODS)
def test_the_days_of_a_period(locale: str, text: str, low: str, high: str) -> None:
    period = read(text, locale)
    assert period is not None
    assert period.length == len(cursor(text, locale).tokens)
    days = period.resolve(TODAY)
    assert (days.low, days.high) == (dt.date.fromisoformat(low), dt.date.fromisoformat(high))


@pytest.mark.parametrize("text", ["May", "march", "sat", "2025-13-01", "31 February 2025", "the last", "5", "1980"])
def test_other_words_are_no_date(text: str) -> None:
    assert read(text) is None


def test_a_word_that_is_also_a_month_is_one_after_a_preposition() -> None:
    period = read("in May", at=1)
    assert period is not None
    assert period.low == dt.date(2026, 5, 1)


@pytest.mark.parametrize(
    ("text", "first", "other"),
    [("2/3/2025", "2025-02-03", "2025-03-02"), ("next Friday", "2026-11-27", "2026-12-04")],
)
def test_two_readings(text: str, first: str, other: str) -> None:
    period = read(text)
    assert period is not None
    assert period.low == dt.date.fromisoformat(first)
    assert period.other is not None
    assert period.other.low == dt.date.fromisoformat(other)


def test_the_longest_reading_wins() -> None:
    period = read("March 3, 2025 and later")
    assert period is not None
    assert (period.low, period.length) == (dt.date(2025, 3, 3), 4)
