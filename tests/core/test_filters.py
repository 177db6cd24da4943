"""The filter algebra."""

import datetime as dt
from typing import Any, Literal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp2filters.core.cql2.scalars import scalar_from_json, scalar_to_json
from nlp2filters.core.filters import (
    And,
    Between,
    ClockUnit,
    Comparison,
    Contains,
    Filter,
    IsNull,
    Not,
    OneOf,
    Or,
    RelativeDate,
    RelativeInstant,
    Unit,
    all_of,
    any_of,
    leaves,
    map_leaves,
    negate,
    push_not_inward,
    resolve,
)
from tests.core.trees import depth, trees, units

A, B, C = IsNull("a"), IsNull("b"), Contains("c", "x")


@given(trees)
def test_negation_normal_form(node: Filter) -> None:
    def normal(part: Filter) -> bool:
        match part:
            case Not(arg):
                return isinstance(arg, Between | OneOf | Contains | IsNull)
            case And(args) | Or(args):
                return all(map(normal, args))
            case _:
                return True

    assert normal(push_not_inward(node))
    assert normal(negate(node))
    assert negate(negate(node)) == push_not_inward(node)
    assert depth(push_not_inward(node)) <= depth(node) + 1


@given(trees)
def test_leaves_are_those_that_map_leaves_visits(node: Filter) -> None:
    seen: list[Filter] = []
    assert map_leaves(node, lambda leaf: seen.append(leaf) or leaf) == node  # type: ignore[func-returns-value]
    assert seen == list(leaves(node))


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (Comparison("=", "a", 1), Comparison("<>", "a", 1)),
        (Comparison("<", "a", 1), Comparison(">=", "a", 1)),
        (Comparison(">=", "a", 1), Comparison("<", "a", 1)),
        (A, Not(A)),
        (Not(A), A),
        (And((A, Not(B))), Or((Not(A), B))),
        (Or((A, And((B, C)))), And((Not(A), Or((Not(B), Not(C)))))),
    ],
)
def test_negate(node: Filter, expected: Filter) -> None:
    assert negate(node) == expected


@pytest.mark.parametrize(
    ("joined", "expected"),
    [
        (all_of(), None),
        (all_of(None, A), A),
        (all_of(A, A), A),
        (all_of(A, And((B, C))), And((A, B, C))),
        (all_of(A, Or((B, C))), And((A, Or((B, C))))),
        (any_of(None, None), None),
        (any_of(Or((A, B)), C), Or((A, B, C))),
    ],
)
def test_joining(joined: Filter | None, expected: Filter | None) -> None:
    assert joined == expected


def test_no_filter_has_no_leaves() -> None:
    assert list(leaves(None)) == []


@pytest.mark.parametrize(
    ("today", "relative", "expected"),
    [
        ("2026-11-24", RelativeDate(0, "day"), "2026-11-24"),
        ("2026-11-24", RelativeDate(-7, "day"), "2026-11-17"),
        ("2026-11-24", RelativeDate(1, "day"), "2026-11-25"),
        ("2026-11-24", RelativeDate(0, "week", "week"), "2026-11-23"),
        ("2026-11-23", RelativeDate(0, "week", "week"), "2026-11-23"),
        ("2026-11-22", RelativeDate(0, "week", "week"), "2026-11-16"),
        ("2026-11-24", RelativeDate(-1, "week", "week"), "2026-11-16"),
        ("2027-01-01", RelativeDate(0, "week", "week"), "2026-12-28"),
        ("2026-11-24", RelativeDate(0, "month", "month"), "2026-11-01"),
        ("2026-03-31", RelativeDate(-1, "month"), "2026-02-28"),
        ("2024-03-31", RelativeDate(-1, "month"), "2024-02-29"),
        ("2026-03-31", RelativeDate(-1, "month", "month"), "2026-02-01"),
        ("2026-11-24", RelativeDate(0, "quarter", "quarter"), "2026-10-01"),
        ("2026-01-15", RelativeDate(-1, "quarter", "quarter"), "2025-10-01"),
        ("2026-05-31", RelativeDate(-1, "quarter"), "2026-02-28"),
        ("2026-06-30", RelativeDate(0, "quarter", "quarter"), "2026-04-01"),
        ("2026-11-24", RelativeDate(0, "year", "year"), "2026-01-01"),
        ("2026-11-24", RelativeDate(1, "year", "year"), "2027-01-01"),
        ("2024-02-29", RelativeDate(-1, "year"), "2023-02-28"),
        ("2024-02-29", RelativeDate(4, "year"), "2028-02-29"),
        ("2024-02-29", RelativeDate(-3, "day", "month"), "2024-02-01"),
        ("2024-02-29", RelativeDate(1, "day", "year"), "2024-01-01"),
        ("2026-11-24", RelativeDate(0, "year", "year", "last"), "2026-12-31"),
        ("2026-11-24", RelativeDate(-1, "quarter", "quarter", "last"), "2026-09-30"),
        ("2024-03-31", RelativeDate(-1, "month", "month", "last"), "2024-02-29"),
        ("2026-11-24", RelativeDate(0, "week", "week", "last"), "2026-11-29"),
    ],
)
def test_relative_dates(today: str, relative: RelativeDate, expected: str) -> None:
    assert relative.resolve(dt.date.fromisoformat(today)) == dt.date.fromisoformat(expected)


@pytest.mark.parametrize(("week_start", "expected"), [(0, "2026-11-23"), (6, "2026-11-22"), (5, "2026-11-21")])
def test_weeks_begin_where_the_caller_says(week_start: int, expected: str) -> None:
    today = dt.date(2026, 11, 24)
    assert RelativeDate(0, "week", "week").resolve(today, week_start) == dt.date.fromisoformat(expected)


@given(st.dates(dt.date(1900, 1, 1), dt.date(2200, 1, 1)), units, units, st.integers(-50, 50), st.integers(0, 6))
def test_a_floor_is_never_later_and_begins_its_unit(
    today: dt.date, unit: Unit, floor: Unit, offset: int, week_start: int
) -> None:
    start = RelativeDate(offset, unit, floor).resolve(today, week_start)
    unfloored = RelativeDate(offset, unit).resolve(today, week_start)
    assert dt.timedelta(0) <= unfloored - start < dt.timedelta(366)
    assert RelativeDate(0, floor, floor).resolve(start, week_start) == start


@pytest.mark.parametrize(
    ("today", "relative", "expected"),
    [
        ("2026-11-24", RelativeDate(9000, "year"), dt.date.max),
        ("2026-11-24", RelativeDate(10**12, "day"), dt.date.max),
        ("2026-11-24", RelativeDate(-9999, "year"), dt.date.min),
        ("2026-11-24", RelativeDate(-(10**30), "week", "year", "last"), dt.date.min),
        ("9999-12-31", RelativeDate(0, "year", "year", "last"), dt.date.max),
        ("0001-01-01", RelativeDate(0, "week", "week"), dt.date.min),
    ],
)
def test_a_day_beyond_the_calendar_is_its_nearest(today: str, relative: RelativeDate, expected: dt.date) -> None:
    assert relative.resolve(dt.date.fromisoformat(today)) == expected


@given(st.dates(), units, units, st.integers(), st.sampled_from(["first", "last"]), st.integers(0, 6))
def test_every_relative_date_is_a_day(
    today: dt.date, unit: Unit, floor: Unit, offset: int, edge: Literal["first", "last"], week_start: int
) -> None:
    assert isinstance(RelativeDate(offset, unit, floor, edge).resolve(today, week_start), dt.date)


BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("now", "relative", "expected"),
    [
        ("2025-06-18T12:00", RelativeInstant(0, "hour"), "2025-06-18T10:00"),
        ("2025-06-18T12:00", RelativeInstant(-90, "minute"), "2025-06-18T08:30"),
        ("2025-06-18T00:10", RelativeInstant(-30, "second"), "2025-06-17T22:09:30"),
        ("2025-06-18T00:10", RelativeInstant(0, "day", dt.time(9)), "2025-06-18T07:00"),
        ("2025-06-18T00:10", RelativeInstant(-1, "day", dt.time(22)), "2025-06-17T20:00"),
        # The clocks went forward at 2 o'clock: a day had 23 hours.
        ("2025-03-30T12:00", RelativeInstant(-24, "hour"), "2025-03-29T10:00"),
        ("2025-03-30T12:00", RelativeInstant(-1, "day", dt.time(12)), "2025-03-29T11:00"),
    ],
)
def test_relative_instants(now: str, relative: RelativeInstant, expected: str) -> None:
    instant = relative.resolve(dt.datetime.fromisoformat(now).replace(tzinfo=BERLIN))
    assert instant == dt.datetime.fromisoformat(expected).replace(tzinfo=dt.UTC)
    assert instant.tzinfo is dt.UTC


def test_a_day_stands_for_its_midnight_in_utc() -> None:
    assert RelativeInstant(-1, "hour").resolve(dt.date(2025, 6, 18)) == dt.datetime(2025, 6, 17, 23, tzinfo=dt.UTC)


@given(st.datetimes(timezones=st.just(BERLIN)), st.sampled_from(("second", "minute", "hour")), st.integers())
def test_every_relative_instant_is_an_instant(now: dt.datetime, unit: ClockUnit, offset: int) -> None:
    assert RelativeInstant(offset, unit).resolve(now).tzinfo


@given(st.datetimes(timezones=st.just(BERLIN)), units, st.integers(), st.times())
def test_every_time_of_a_relative_day_is_an_instant(now: dt.datetime, unit: Unit, offset: int, time: dt.time) -> None:
    assert RelativeInstant(offset, unit, time).resolve(now).tzinfo


def test_an_instant_without_a_zone_is_told_by_the_clocks_of_who_asks() -> None:
    test = Comparison("<", "seen", dt.datetime(2025, 6, 1, 14))
    now = dt.datetime(2025, 6, 18, 12, tzinfo=BERLIN)
    assert resolve(test, now) == Comparison("<", "seen", dt.datetime(2025, 6, 1, 12, tzinfo=dt.UTC))


@pytest.mark.parametrize(
    ("value", "data"),
    [
        (RelativeInstant(-24, "hour"), {"relative": {"offset": -24, "unit": "hour"}}),
        (
            RelativeInstant(-1, "day", dt.time(22)),
            {"relative": {"offset": -1, "unit": "day", "time": "22:00:00"}},
        ),
        (dt.datetime(2025, 6, 1, 14, tzinfo=dt.UTC), {"timestamp": "2025-06-01T14:00:00Z"}),
    ],
)
def test_the_form_of_instants(value: Any, data: Any) -> None:
    assert scalar_to_json(value) == data
    assert scalar_from_json(data) == value


def test_records_of_older_versions_stay_readable() -> None:
    assert scalar_from_json({"timestamp": "2025-06-01T14:00:00+00:00"}) == dt.datetime(2025, 6, 1, 14, tzinfo=dt.UTC)
    older = {"relative": {"offset": -7, "unit": "day", "floor": "day", "edge": "first"}}
    assert scalar_from_json(older) == RelativeDate(-7, "day")


def test_resolve_reaches_every_value() -> None:
    this_year, next_year = RelativeDate(0, "year", "year"), RelativeDate(1, "year", "year")
    first, second = dt.date(2026, 1, 1), dt.date(2027, 1, 1)
    node = And(
        (
            Not(Comparison("<", "d", this_year)),
            Or((Between("d", this_year, next_year), OneOf("d", (this_year, "x", next_year)))),
            A,
        )
    )
    assert resolve(node, dt.date(2026, 11, 24)) == And(
        (
            Not(Comparison("<", "d", first)),
            Or((Between("d", first, second), OneOf("d", (first, "x", second)))),
            A,
        )
    )
