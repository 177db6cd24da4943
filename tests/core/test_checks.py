"""Filters against a catalog: what is put right, what is refused, and where the fault is said to be."""

import datetime as dt
import operator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp2filters.core import catalog
from nlp2filters.core.checks import check, check_sort, operators, read
from nlp2filters.core.cql2.reader import from_cql2
from nlp2filters.core.cql2.records import to_cql2
from nlp2filters.core.filters import (
    And,
    Between,
    Comparison,
    Contains,
    Filter,
    IsNull,
    Leaf,
    Not,
    OneOf,
    Operator,
    Or,
    RelativeDate,
    Scalar,
)
from nlp2filters.core.interpretation import Sort
from nlp2filters.errors import InvalidFilter, Violation

SHOP = catalog.parse(
    {
        "name": "shop",
        "fields": [
            {"name": "brand", "type": "keyword", "values": [{"value": "Beats", "synonyms": ["beats by dre"]}, "Bose"]},
            {
                "name": "origin",
                "type": "keyword",
                "closed": True,
                "values": [{"value": "usa", "synonyms": ["American", "United States"]}, "japan", "europe"],
            },
            {
                "name": "country",
                "type": "keyword",
                "closed": True,
                "values": [f"land {n}" for n in range(40)] + ["Peru"],
            },
            {"name": "title", "type": "text"},
            {"name": "doors", "type": "integer"},
            {"name": "rating", "type": "number"},
            {"name": "price", "type": "money", "currency": "USD"},
            {"name": "length", "type": "duration", "unit": "min"},
            {"name": "released", "type": "date"},
            {"name": "seen", "type": "datetime"},
            {"name": "opens", "type": "time"},
            {"name": "wireless", "type": "boolean"},
            {"name": "place", "type": "geo"},
            {"name": "tags", "type": "keyword", "many": True},
        ],
    }
)


def violations(node: Filter, at: str = "") -> tuple[Violation, ...]:
    with pytest.raises(InvalidFilter) as caught:
        check(node, SHOP, at)
    return caught.value.violations


def equals(field: str, value: Scalar) -> Comparison:
    return Comparison("=", field, value)


EQUALITY = ("=", "<>", "in", "not in")
ORDER = ("<", "<=", ">", ">=", "between", "not between")
NULL = ("isNull", "not isNull")


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("brand", (*EQUALITY, "contains", "not contains", *NULL)),
        ("title", (*EQUALITY, "contains", "not contains", *NULL)),
        ("doors", (*EQUALITY, *ORDER, *NULL)),
        ("price", (*EQUALITY, *ORDER, *NULL)),
        ("seen", (*EQUALITY, *ORDER, *NULL)),
        ("wireless", (*EQUALITY, *NULL)),
        ("place", NULL),
    ],
)
def test_operators_of_a_type(field: str, expected: tuple[str, ...]) -> None:
    assert operators(SHOP.by_name[field]) == expected


@pytest.mark.parametrize(
    ("field", "given", "expected"),
    [
        ("doors", "30", 30),
        ("doors", 30.0, 30),
        ("doors", "-3", -3),
        ("doors", "3.0", 3),
        ("rating", "7.5", 7.5),
        ("rating", "1e2", 100.0),
        ("price", " 80 ", 80),
        ("length", 90, 90),
        ("brand", "Bose", "Bose"),
        ("brand", "BOSE", "Bose"),
        ("brand", "beats By Dre", "Beats"),
        ("brand", "Sony", "Sony"),
        ("brand", 808, "808"),
        ("origin", "JAPAN", "japan"),
        ("origin", " american", "usa"),
        ("title", "It's 100%", "It's 100%"),
        ("wireless", True, True),
        ("wireless", "False", False),
        ("released", "2026-01-31", dt.date(2026, 1, 31)),
        ("released", "2026-01-31T00:00:00", dt.date(2026, 1, 31)),
        ("released", RelativeDate(-1, "year", "year"), RelativeDate(-1, "year", "year")),
        ("seen", "2026-01-31", dt.date(2026, 1, 31)),
        ("seen", "2026-01-31T12:00:00Z", dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC)),
        ("seen", "2026-01-31T12:00:00+02:00", dt.datetime(2026, 1, 31, 10, tzinfo=dt.UTC)),
        ("seen", dt.datetime(2026, 1, 31, 12), dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC)),
        ("seen", RelativeDate(0, "day"), RelativeDate(0, "day")),
        ("opens", "18:30", dt.time(18, 30)),
    ],
)
def test_values_take_the_form_of_the_field(field: str, given: Scalar, expected: Scalar) -> None:
    assert check(equals(field, given), SHOP) == equals(field, expected)
    checked = check(equals(field, given), SHOP)
    assert isinstance(checked, Comparison)
    assert type(checked.value) is type(expected)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (Between("price", 30, 20), Between("price", 20, 30)),
        (Between("price", "30", "4"), Between("price", 4, 30)),
        (
            Between("seen", "2026-02-01", "2026-01-01T08:00:00Z"),
            Between("seen", dt.datetime(2026, 1, 1, 8, tzinfo=dt.UTC), dt.date(2026, 2, 1)),
        ),
        (
            Between("released", RelativeDate(0, "day"), "2026-01-01"),
            Between("released", RelativeDate(0, "day"), dt.date(2026, 1, 1)),
        ),
        (Between("doors", 2.5, 4.5), Between("doors", 3, 4)),
        (Between("doors", 4.5, 2.5), Between("doors", 3, 4)),
        (Comparison("<", "doors", 2.5), Comparison("<", "doors", 3)),
        (Comparison("<=", "doors", 2.5), Comparison("<=", "doors", 2)),
        (Comparison(">", "doors", 2.5), Comparison(">", "doors", 2)),
        (Comparison(">=", "doors", 2.5), Comparison(">=", "doors", 3)),
        (OneOf("origin", ("Japan", "JAPAN", "american")), OneOf("origin", ("japan", "usa"))),
        (Not(And((equals("doors", "2"), IsNull("place")))), Not(And((equals("doors", 2), IsNull("place"))))),
        (Contains("title", "50%"), Contains("title", "50%")),
        (equals("tags", "new"), equals("tags", "new")),
    ],
)
def test_what_is_put_right(given: Filter, expected: Filter) -> None:
    assert check(given, SHOP) == expected


@pytest.mark.parametrize(
    ("field", "value", "word"),
    [
        ("doors", "many", "number"),
        ("doors", 2.5, "whole number"),
        ("doors", True, "number"),
        ("doors", 2**53 + 1, "2**53"),
        ("doors", 1e300, "2**53"),
        ("rating", float("nan"), "finite"),
        ("rating", float("inf"), "finite"),
        ("rating", "1e999", "finite"),
        ("rating", "nan", "number"),
        ("rating", "1_000", "number"),
        ("rating", RelativeDate(0, "day"), "number"),
        ("brand", True, "string"),
        ("brand", dt.date(2026, 1, 1), "string"),
        ("brand", "x" * 501, "500"),
        ("brand", "a\0b", "NUL"),
        ("title", "a\ud800", "surrogate"),
        ("wireless", "maybe", "true or false"),
        ("wireless", 1, "true or false"),
        ("released", "last week", "2026-01-31"),
        ("released", 2026, "2026-01-31"),
        ("released", "2026-01-31T12:00:00", "without a time"),
        ("released", RelativeDate(5000, "year"), "1,000 years"),
        ("seen", "0001-01-01T00:00:00+10:00", "years 1 to 9999"),
        ("opens", "2026-01-31", "18:30"),
        ("opens", "18:30Z", "18:30"),
        ("opens", RelativeDate(0, "day"), "18:30"),
    ],
)
def test_values_that_do_not_fit(field: str, value: Scalar, word: str) -> None:
    (violation,) = violations(equals(field, value))
    assert violation.pointer == "/args/1"
    assert word in violation.detail
    violation.detail.encode()


@pytest.mark.parametrize(
    ("leaf", "pointer"),
    [
        (Comparison("<", "brand", "B"), "/op"),
        (Comparison("<", "wireless", True), "/op"),
        (Between("title", "a", "b"), "/op"),
        (Contains("doors", "3"), "/op"),
        (equals("place", "here"), "/op"),
        (OneOf("place", ("here",)), "/op"),
        (OneOf("brand", ()), "/args/1"),
        (OneOf("doors", (1, "two")), "/args/1/1"),
        (Between("doors", 1, "two"), "/args/2"),
        (Between("doors", "two", 1), "/args/1"),
        (Contains("title", " "), "/args/1/args/0"),
        (Contains("title", "x" * 501), "/args/1/args/0"),
        (IsNull("nothing"), "/args/0/property"),
        (equals("nothing", 1), "/args/0/property"),
        (Contains("nothing", "x"), "/args/0/args/0/property"),
    ],
)
def test_pointers_lead_into_the_cql2(leaf: Leaf, pointer: str) -> None:
    assert [violation.pointer for violation in violations(leaf)] == [pointer]
    place: object = to_cql2(leaf)
    for part in pointer.split("/")[1:]:
        place = place[int(part)] if isinstance(place, list) else place[part]  # type: ignore[index]


@given(st.sampled_from(("<", "<=", ">", ">=")), st.floats(-3, 3), st.integers(-4, 4))
def test_moved_limits_select_the_same_integers(op: Operator, limit: float, held: int) -> None:
    compare = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}[op]
    checked = check(Comparison(op, "doors", limit), SHOP)
    assert isinstance(checked, Comparison)
    assert type(checked.value) is int
    assert compare(held, checked.value) == compare(held, limit)


@given(st.floats(-3, 3), st.floats(-3, 3), st.integers(-4, 4))
def test_a_range_of_integers_has_no_direction(one: float, other: float, held: int) -> None:
    checked = check(Between("doors", one, other), SHOP)
    assert isinstance(checked, Between)
    assert isinstance(checked.low, int)
    assert isinstance(checked.high, int)
    assert (checked.low <= held <= checked.high) == (min(one, other) <= held <= max(one, other))


def test_faults_of_swapped_limits_point_where_the_caller_wrote_them() -> None:
    assert [violation.pointer for violation in violations(Between("doors", 2**60, 1))] == ["/args/1"]


def test_every_fault_is_reported_with_its_place() -> None:
    node = And((equals("colour", 1), Not(Or((equals("doors", "x"), Comparison(">", "brand", "a"))))))
    found = violations(node, "/scope")
    assert [violation.pointer for violation in found] == [
        "/scope/args/0/args/0/property",
        "/scope/args/1/args/0/args/0/args/1",
        "/scope/args/1/args/0/args/1/op",
    ]


def test_an_unknown_field_gets_the_nearest_names() -> None:
    (violation,) = violations(equals("prise", 1))
    assert "'prise'" in violation.detail
    assert violation.detail.split(": ")[1].startswith("price")


def test_a_small_enum_is_listed_whole() -> None:
    (violation,) = violations(equals("origin", "mars"))
    assert violation.detail.endswith("Allowed: usa, japan, europe.")


def test_a_large_enum_gives_the_nearest_values() -> None:
    (violation,) = violations(equals("country", "peruu"))
    assert "The nearest of 41: Peru," in violation.detail


def test_a_wrong_operator_gets_the_allowed_ones() -> None:
    (violation,) = violations(Comparison(">", "wireless", True))
    assert violation.detail.endswith("a boolean field. Allowed: =, <>, in, not in, isNull, not isNull.")


def test_faults_do_not_repeat_what_cannot_be_sent() -> None:
    (violation,) = violations(equals("\ud800" * 1000, 1))
    violation.detail.encode()
    assert len(violation.detail) < 300


def deep(levels: int) -> Filter:
    node: Filter = IsNull("brand")
    for _ in range(levels - 1):
        node = Not(node)
    return node


@pytest.mark.parametrize(
    ("cql2", "pointer", "detail"),
    [
        ({"op": "<", "args": ["x", {"property": "price"}]}, "", "Expected a number"),
        ({"op": "<", "args": [{"property": "price"}, "x"]}, "/args/1", "Expected a number"),
        (
            {"op": "not", "args": [{"op": "=", "args": [{"property": "colour"}, 1]}]},
            "/args/0/args/0/property",
            "no field",
        ),
        ({"op": "=", "args": [{"op": "casei", "args": [{"property": "doors"}]}, "x"]}, "/args/1", "Expected a number"),
        ({"op": "a_contains", "args": [{"property": "doors"}, [1, "x"]]}, "", "Expected a number"),
        ({"op": "between", "args": [{"property": "price"}, 5, 1]}, "/args/1", "Exchange them"),
        ("price < 5 AND doors = 'x'", "", "(at character 15)"),
    ],
)
def test_faults_of_a_callers_filter_point_into_it(cql2: object, pointer: str, detail: str) -> None:
    with pytest.raises(InvalidFilter) as caught:
        read(cql2, SHOP)
    (violation,) = caught.value.violations
    assert violation.pointer == pointer
    assert detail in violation.detail


def test_case_counts_in_a_callers_filter_where_it_can() -> None:
    assert read("title = 'A'", SHOP) == Comparison("=", "title", "A", exact=True)
    assert read("CASEI(title) = CASEI('A')", SHOP) == Comparison("=", "title", "A")
    assert read("brand IN ('bose', 'x')", SHOP) == OneOf("brand", ("Bose", "x"), exact=True)
    assert read("origin = 'USA'", SHOP) == Comparison("=", "origin", "usa")
    assert read("doors = '4'", SHOP) == Comparison("=", "doors", 4)


def test_a_pattern_that_fits_everything_is_no_test() -> None:
    with pytest.raises(InvalidFilter, match="negate isNull"):
        read("title LIKE '%'", SHOP)


def test_depth_is_limited() -> None:
    assert check(deep(8), SHOP) == deep(8)
    (violation,) = violations(deep(9))
    assert violation.pointer == "/args/0" * 8


def test_size_is_limited() -> None:
    tests = tuple(equals("doors", n) for n in range(199))
    check(Or(tests), SHOP)
    assert [violation.pointer for violation in violations(Or((*tests, IsNull("brand"))))] == [""]


def test_a_list_may_have_many_values() -> None:
    assert check(OneOf("doors", tuple(range(10_000))), SHOP) == OneOf("doors", tuple(range(10_000)))
    (violation,) = violations(OneOf("doors", tuple(range(10_001))))
    assert "10,000 are allowed" in violation.detail


def test_a_day_in_a_list_of_instants_is_a_test() -> None:
    days = tuple(dt.date(2026, 1, 1) + dt.timedelta(days=number) for number in range(200))
    (violation,) = violations(OneOf("seen", days))
    assert "parts" in violation.detail


def test_and_needs_two_parts() -> None:
    assert [violation.pointer for violation in violations(And((IsNull("brand"),)))] == ["/args"]


def test_checking_twice_changes_nothing() -> None:
    once = check(And((Between("doors", 4.5, 2.5), equals("seen", "2026-01-31T12:00:00"))), SHOP)
    assert check(once, SHOP) == once
    assert check(from_cql2(to_cql2(once)), SHOP) == once


def test_sorts() -> None:
    sorts = (Sort("price", "asc"), Sort("title", "desc"))
    assert check_sort(sorts, SHOP) == sorts
    with pytest.raises(InvalidFilter) as caught:
        check_sort((Sort("nothing", "asc"), Sort("place", "asc"), Sort("tags", "up")), SHOP, "/sort")  # type: ignore[arg-type]
    assert [violation.pointer for violation in caught.value.violations] == [
        "/sort/0/field",
        "/sort/1/field",
        "/sort/2/field",
        "/sort/2/direction",
    ]


def test_only_some_faults_name_what_is_nearest() -> None:
    """Comparing each of 38,000 values with 60,000 others took minutes."""
    values = [f"v{number}" for number in range(2_000)]
    fields = [{"name": "k", "type": "keyword", "closed": True, "values": values}]
    lists = tuple(OneOf("k", tuple(f"w{n}" for n in range(190))) for _ in range(100))
    with pytest.raises(InvalidFilter) as caught:
        check(Or(lists), catalog.parse({"name": "c", "fields": fields}))
    assert sum("nearest" in violation.detail for violation in caught.value.violations) == 3
    assert len(caught.value.violations) == 100
