"""The filter algebra and its CQL2-JSON."""

import datetime as dt
import json
from typing import Any, Literal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp2filters.core.filters import (
    MAX_DEPTH,
    MAX_NODES,
    And,
    Between,
    ClockUnit,
    Comparison,
    Contains,
    Filter,
    IsNull,
    Not,
    OneOf,
    Operator,
    Or,
    RelativeDate,
    RelativeInstant,
    Unit,
    all_of,
    any_of,
    from_cql2,
    leaves,
    map_leaves,
    negate,
    push_not_inward,
    resolve,
    scalar_from_json,
    scalar_to_json,
    to_cql2,
)
from nlp2filters.errors import InvalidFilter

A, B, C = IsNull("a"), IsNull("b"), Contains("c", "x")

units = st.sampled_from(("day", "week", "month", "quarter", "year"))
scalars = st.one_of(
    st.text(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.dates(),
    st.datetimes(timezones=st.none() | st.just(dt.UTC)),
    st.times(),
    st.builds(RelativeDate, st.integers(-100, 100), units, units),
    st.builds(RelativeInstant, st.integers(-100, 100), st.sampled_from(("second", "minute", "hour"))),
    st.builds(RelativeInstant, st.integers(-100, 100), units, st.times()),
)
names = st.text(min_size=1)
tests = st.one_of(
    st.builds(Comparison, st.sampled_from(("=", "<>", "<", "<=", ">", ">=")), names, scalars),
    st.builds(Between, names, scalars, scalars),
    st.builds(OneOf, names, st.lists(scalars, min_size=1, max_size=4).map(tuple)),
    st.builds(Contains, names, st.text(alphabet="ab%_\\'\"é \n") | st.text()),
    st.builds(IsNull, names),
)
trees = st.recursive(
    tests,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(And, st.lists(inner, min_size=2, max_size=3).map(tuple)),
        st.builds(Or, st.lists(inner, min_size=2, max_size=3).map(tuple)),
    ),
    max_leaves=6,
).filter(lambda node: depth(node) <= MAX_DEPTH)


def depth(node: Filter) -> int:
    match node:
        case Not(arg):
            return 1 + depth(arg)
        case And(args) | Or(args):
            return 1 + max(map(depth, args))
        case _:
            return 1


@given(trees)
def test_cql2_round_trip(node: Filter) -> None:
    assert from_cql2(to_cql2(node)) == node


@given(trees)
def test_cql2_survives_json(node: Filter) -> None:
    assert from_cql2(json.loads(json.dumps(to_cql2(node)))) == node


@given(scalars)
def test_scalar_round_trip(value: Any) -> None:
    again = scalar_from_json(scalar_to_json(value))
    assert (again, type(again)) == (value, type(value))


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


def test_the_form_of_cql2() -> None:
    node = And((Comparison("<=", "price", 80), Not(Contains("title", "50%")), Between("d", dt.date(2026, 1, 1), "x")))
    assert to_cql2(node) == {
        "op": "and",
        "args": [
            {"op": "<=", "args": [{"property": "price"}, 80]},
            {
                "op": "not",
                "args": [
                    {
                        "op": "like",
                        "args": [
                            {"op": "casei", "args": [{"property": "title"}]},
                            {"op": "casei", "args": ["%50\\%%"]},
                        ],
                    }
                ],
            },
            {"op": "between", "args": [{"property": "d"}, {"date": "2026-01-01"}, "x"]},
        ],
    }


def test_a_bare_property_is_a_test_of_a_boolean() -> None:
    assert from_cql2({"op": "not", "args": [{"property": "wireless"}]}) == Not(Comparison("=", "wireless", True))


def eq(value: Any) -> dict[str, Any]:
    return {"op": "=", "args": [{"property": "a"}, value]}


def like(pattern: Any) -> dict[str, Any]:
    return {
        "op": "like",
        "args": [{"op": "casei", "args": [{"property": "a"}]}, {"op": "casei", "args": [pattern]}],
    }


def nested(levels: int) -> dict[str, Any]:
    node = eq(1)
    for _ in range(levels - 1):
        node = {"op": "not", "args": [node]}
    return node


@pytest.mark.parametrize(
    ("data", "pointer"),
    [
        (None, ""),
        ("a = 1", ""),
        ([], ""),
        ({}, ""),
        ({"op": "~", "args": []}, ""),
        ({"op": ["and"], "args": []}, ""),
        ({"op": "and", "args": [eq(1)]}, ""),
        ({"op": "and", "args": "ab"}, ""),
        ({"op": "=", "args": [1, {"property": "a"}]}, ""),
        ({"op": "and", "args": [eq(1), {"op": "?"}]}, "/args/1"),
        ({"op": "and", "args": [eq(1), {"op": "not", "args": [eq(None)]}]}, "/args/1/args/0/args/1"),
        (eq({"date": "yesterday"}), "/args/1"),
        (eq({"date": 5}), "/args/1"),
        (eq({"timestamp": "2026-13-01T00:00:00Z"}), "/args/1"),
        (eq({"relative": {"offset": 1, "unit": "decade", "floor": "day"}}), "/args/1"),
        (eq({"relative": {"offset": 1, "unit": ["day"], "floor": {}}}), "/args/1"),
        (eq({"relative": {"offset": 1, "unit": "day", "floor": {}}}), "/args/1"),
        (eq({"relative": {"offset": 1, "unit": "day", "edge": "middle"}}), "/args/1"),
        (eq({"relative": {"offset": 1, "unit": "day", "more": 1}}), "/args/1"),
        (eq({"relative": {"offset": "1", "unit": "day", "floor": "day"}}), "/args/1"),
        (eq([1]), "/args/1"),
        ({"op": "in", "args": [{"property": "a"}, []]}, ""),
        ({"op": "in", "args": [{"property": "a"}, [1, None]]}, "/args/1/1"),
        ({"op": "between", "args": [{"property": "a"}, 1, None]}, "/args/2"),
        (like("x"), "/args/1/args/0"),
        (like("%x"), "/args/1/args/0"),
        (like("%"), "/args/1/args/0"),
        (like("%a%b%"), "/args/1/args/0"),
        (like("%a_b%"), "/args/1/args/0"),
        (like("%a\\%"), "/args/1/args/0"),
        (like(5), ""),
        (nested(MAX_DEPTH + 1), "/args/0" * MAX_DEPTH),
        ({"op": "or", "args": [eq(n) for n in range(MAX_NODES)]}, f"/args/{MAX_NODES - 1}"),
    ],
)
def test_faults_of_cql2(data: Any, pointer: str) -> None:
    with pytest.raises(InvalidFilter) as caught:
        from_cql2(data)
    (violation,) = caught.value.violations
    assert violation.pointer == pointer
    assert len(violation.detail) < 300


@pytest.mark.parametrize("pattern", ["%%", "%\\\\%", "%\\%%", "%a\\_b%", "%\\a%"])
def test_patterns_of_literal_text(pattern: str) -> None:
    node = from_cql2(like(pattern))
    assert isinstance(node, Contains)
    assert node.text == {"%%": "", "%\\\\%": "\\", "%\\%%": "%", "%a\\_b%": "a_b", "%\\a%": "a"}[pattern]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(("op", "args", "property", "date", "relative", "x")), inner, max_size=3)
    ),
    max_leaves=10,
)
operators: list[Operator | str] = ["and", "or", "not", "=", "between", "in", "like", "isNull", "casei"]
expressions = st.recursive(
    json_values,
    lambda inner: st.fixed_dictionaries({"op": st.sampled_from(operators), "args": st.lists(inner, max_size=3)}),
    max_leaves=10,
)


@given(expressions)
def test_any_json_is_read_or_refused(data: Any) -> None:
    try:
        node = from_cql2(data)
    except InvalidFilter:
        return
    assert list(leaves(node))
