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
    place = cursor(text, locale, at)
    return dates.read(place.tokens, at, place.language, TODAY)


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
