"""Days on a datetime field, and the normal form."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from nlp2filters.core.catalog import Catalog, Field, Value
from nlp2filters.core.dialects.lowering import lower
from nlp2filters.core.filters import And, Between, Comparison, Filter, IsNull, Not, OneOf, Or

DAY = dt.date(2026, 1, 31)
NEXT = dt.date(2026, 2, 1)
START = dt.datetime(2026, 1, 31, tzinfo=dt.UTC)
END = dt.datetime(2026, 2, 1, tzinfo=dt.UTC)
NOON = dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC)
WITHIN = And((Comparison(">=", "seen", START), Comparison("<", "seen", END)))
OUTSIDE = Or((Comparison("<", "seen", START), Comparison(">=", "seen", END)))


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (Comparison("=", "seen", DAY), WITHIN),
        (Comparison("<>", "seen", DAY), OUTSIDE),
        (Not(Comparison("=", "seen", DAY)), OUTSIDE),
        (Comparison("<", "seen", DAY), Comparison("<", "seen", START)),
        (Comparison("<=", "seen", DAY), Comparison("<", "seen", END)),
        (Comparison(">", "seen", DAY), Comparison(">=", "seen", END)),
        (Comparison(">=", "seen", DAY), Comparison(">=", "seen", START)),
        (Between("seen", DAY, DAY), WITHIN),
        (Not(Between("seen", DAY, DAY)), OUTSIDE),
        (Between("seen", DAY, NOON), And((Comparison(">=", "seen", START), Comparison("<=", "seen", NOON)))),
        (Between("seen", NOON, DAY), And((Comparison(">=", "seen", NOON), Comparison("<", "seen", END)))),
        (OneOf("seen", (DAY,)), WITHIN),
        (OneOf("seen", (DAY, NOON)), Or((WITHIN, Comparison("=", "seen", NOON)))),
        (Not(OneOf("seen", (DAY, NOON))), And((OUTSIDE, Comparison("<>", "seen", NOON)))),
        (Between("seen", NOON, NOON), Between("seen", NOON, NOON)),
        (Not(Between("seen", NOON, NOON)), Not(Between("seen", NOON, NOON))),
        (Comparison("=", "released", DAY), Comparison("=", "released", DAY)),
        (Between("released", DAY, NEXT), Between("released", DAY, NEXT)),
        (And((IsNull("brand"), Between("seen", DAY, DAY))), And((IsNull("brand"), *WITHIN.args))),
    ],
)
def test_lowering(shop: Catalog, node: Filter, expected: Filter) -> None:
    assert lower(node, shop) == expected


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (Comparison("=", "city", "Pune"), OneOf("city", ("Pune", "PUNE", " Pune"))),
        (Comparison("<>", "city", "Pune"), Not(OneOf("city", ("Pune", "PUNE", " Pune")))),
        (OneOf("city", ("Goa", "Pune")), OneOf("city", ("Goa", "Pune", "PUNE", " Pune"))),
        (Not(OneOf("city", ("Pune",))), Not(OneOf("city", ("Pune", "PUNE", " Pune")))),
        (Comparison("=", "city", "Goa"), Comparison("=", "city", "Goa")),
    ],
)
def test_a_value_is_asked_for_in_all_its_spellings(node: Filter, expected: Filter) -> None:
    values = (Value("Pune", ("PUNE", " Pune", "Poona")), Value("Goa"))
    assert lower(node, Catalog("towns", (Field("city", "keyword", values=values, closed=True),))) == expected


def test_a_day_of_the_clock_change_has_25_hours(shop: Catalog) -> None:
    lowered = lower(Comparison("=", "seen", dt.date(2026, 10, 25)), shop, ZoneInfo("Europe/Berlin"))
    start, end = dt.datetime(2026, 10, 24, 22, tzinfo=dt.UTC), dt.datetime(2026, 10, 25, 23, tzinfo=dt.UTC)
    assert lowered == And((Comparison(">=", "seen", start), Comparison("<", "seen", end)))


@pytest.mark.parametrize("hours", [-12, 0, 12])
@pytest.mark.parametrize("day", [dt.date.min, dt.date.max])
def test_the_ends_of_the_calendar(shop: Catalog, hours: int, day: dt.date) -> None:
    lowered = lower(Comparison("=", "seen", day), shop, dt.timezone(dt.timedelta(hours=hours)))
    assert isinstance(lowered, And)
