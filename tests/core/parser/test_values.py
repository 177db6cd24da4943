"""Values as a field holds them, and the tests that comparisons make of them."""

import datetime as dt

import pytest

from nlp2filters.core import catalog as catalogs
from nlp2filters.core import languages, parser
from nlp2filters.core.catalog import Field
from nlp2filters.core.filters import Between, Comparison, Leaf, Not, RelativeDate, Scalar
from nlp2filters.core.linking import Lexicon
from nlp2filters.core.parser import values
from nlp2filters.core.parser.values import Bound, Range, Relation

TODAY = dt.date(2026, 11, 24)
PRICE = Field("price", "money", currency="USD")
COUNT = Field("count", "integer")
WEIGHT = Field("weight", "number", unit="kg")
YEAR = Field("release_year", "integer")
RELEASED = Field("released", "date")
DEADLINE = Field("deadline", "date")
STARTS = Field("starts", "time")


@pytest.mark.parametrize(
    ("text", "field", "low", "high"),
    [
        ("$80", PRICE, 80, 80),
        ("80 kg", PRICE, None, None),
        ("2000 g", WEIGHT, 2, 2),
        ("1990s", YEAR, 1990, 1999),
        ("1990s", COUNT, None, None),
        ("2005", RELEASED, dt.date(2005, 1, 1), dt.date(2005, 12, 31)),
        ("October 3", RELEASED, dt.date(2026, 10, 3), dt.date(2026, 10, 3)),
        ("October 3", DEADLINE, dt.date(2027, 10, 3), dt.date(2027, 10, 3)),
        ("2 years", RELEASED, RelativeDate(-2, "year"), RelativeDate(-2, "year")),
        ("2000 years", RELEASED, None, None),
        ("6 pm", STARTS, dt.time(18), dt.time(18)),
        ("6 pm", COUNT, None, None),
    ],
)
def test_a_value_as_the_field_holds_it(text: str, field: Field, low: Scalar | None, high: Scalar | None) -> None:
    lexicon = Lexicon.of(catalogs.Catalog("things", (PRICE, WEIGHT, RELEASED, STARTS)))
    (item,) = parser.sentence_of(text, lexicon.language.tokenize(text), lexicon, TODAY).chunks
    held = values.in_field(item, field, lexicon.language, TODAY)
    assert (held and (held.low, held.high)) == (None if low is None else (low, high))


@pytest.mark.parametrize(
    ("field", "locale", "is_year"),
    [
        (Field("release_year", "integer"), "en", True),
        (Field("n", "integer", label="Model year"), "en", True),
        (Field("releaseYear", "integer"), "en", True),
        (Field("año", "integer"), "es", True),
        (Field("year", "number"), "en", False),
        (Field("count", "integer"), "en", False),
        (Field("count", "integer", minimum=1900, maximum=2020), "en", True),
        (Field("count", "integer", minimum=1200, maximum=1300), "en", False),
        (Field("year", "integer", minimum=1200, maximum=1300), "en", True),
        (Field("year", "integer", minimum=0, maximum=300), "en", False),
    ],
)
def test_a_field_holds_years_if_its_name_or_its_data_say_so(field: Field, locale: str, is_year: bool) -> None:
    assert values.is_year(field, languages.of(locale)) == is_year


DAY = Range(dt.date(2005, 1, 1), dt.date(2005, 12, 31))


@pytest.mark.parametrize(
    ("relation", "field", "value", "expected"),
    [
        ("=", PRICE, Range(80, 80), Comparison("=", "price", 80)),
        ("=", RELEASED, DAY, Between("released", DAY.low, DAY.high)),
        ("=", COUNT, Range(2.2, 2.2), Between("count", 2, 3)),
        ("<>", PRICE, Range(80, 80), Comparison("<>", "price", 80)),
        ("<>", RELEASED, DAY, Not(Between("released", DAY.low, DAY.high))),
        ("after", RELEASED, DAY, Comparison(">", "released", DAY.high)),
        ("since", RELEASED, DAY, Comparison(">=", "released", DAY.low)),
        ("before", RELEASED, DAY, Comparison("<", "released", DAY.low)),
        ("until", RELEASED, DAY, Comparison("<=", "released", DAY.high)),
        ("within", PRICE, Range(80, 80), Comparison("<=", "price", 80)),
        ("within", RELEASED, DAY, Between("released", DAY.low, DAY.high)),
        ("~", WEIGHT, Range(50, 50), Between("weight", 45, 55)),
        ("~", COUNT, Range(55, 55), Between("count", 50, 60)),
        ("~", YEAR, Range(1999, 1999), Between("release_year", 1998, 2000)),
        ("~", STARTS, Range(dt.time(20), dt.time(20)), Comparison("=", "starts", dt.time(20))),
    ],
)
def test_a_relation_as_a_test(relation: Relation, field: Field, value: Range, expected: Leaf | Not) -> None:
    assert values.test(relation, field, value) == expected


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (Range(5, 5), Range(10, 10), (5, 10)),
        (Range(10, 10), Range(5, 5), (5, 10)),
        (DAY, Range(dt.date(2007, 1, 1), dt.date(2007, 12, 31)), (dt.date(2005, 1, 1), dt.date(2007, 12, 31))),
        (Range(dt.date(2007, 1, 1), dt.date(2007, 12, 31)), DAY, (dt.date(2005, 1, 1), dt.date(2007, 12, 31))),
    ],
)
def test_a_range_goes_from_the_lesser_to_the_greater(low: Range, high: Range, expected: tuple[Scalar, Scalar]) -> None:
    assert values.between(PRICE, low, high) == Between("price", *expected)


@pytest.mark.parametrize(
    ("field", "low", "reached"),
    [
        (Field("n", "integer", minimum=1, maximum=9), 5, True),
        (Field("n", "integer", minimum=1, maximum=9), 2023, False),
        (Field("n", "integer", minimum=1), 2023, None),
        (Field("day", "date", minimum="2020-01-01", maximum="2021-12-31"), dt.date(2021, 5, 1), True),
        (Field("day", "datetime", minimum="2020-01-01T10:00:00", maximum="2021-12-31"), dt.date(2022, 1, 1), False),
        (Field("day", "date", minimum="2020-01-01", maximum="2021-12-31"), RelativeDate(0, "day"), None),
        (Field("at", "time", minimum="08:00:00", maximum="18:00:00"), dt.time(9), None),
    ],
)
def test_the_data_seen_reach_a_value_or_not(field: Field, low: Scalar, reached: bool | None) -> None:
    assert values.reaches(field, Range(low, low)) is reached


@pytest.mark.parametrize(
    ("bound", "field", "relation"),
    [
        (">=", COUNT, ">="),
        ("worse", COUNT, "<="),
        ("until", RELEASED, "until"),
        ("older", RELEASED, "until"),
        ("older", YEAR, "until"),
        ("older", COUNT, ">="),
        ("newer", RELEASED, "since"),
        ("newer", COUNT, "<="),
    ],
)
def test_a_bound_means_what_it_can_for_the_field(bound: Bound, field: Field, relation: Relation) -> None:
    assert values.bounded(bound, field, languages.of("en")) == relation
