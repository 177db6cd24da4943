"""CQL2-JSON is read with its meaning, or refused with a form that works."""

import datetime as dt
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp2filters.core.cql2.reader import from_cql2
from nlp2filters.core.cql2.records import to_cql2
from nlp2filters.core.cql2.scalars import scalar_from_json, scalar_to_json
from nlp2filters.core.filters import (
    READ_LIMITS,
    And,
    Between,
    Comparison,
    Contains,
    Filter,
    IsNull,
    Not,
    OneOf,
    Operator,
    Or,
    leaves,
)
from nlp2filters.errors import InvalidFilter
from tests.core.trees import scalars, trees


@given(trees)
def test_what_is_stored_is_read_back(node: Filter) -> None:
    assert from_cql2(to_cql2(node), stored=True) == node


@given(trees)
def test_what_is_stored_survives_json(node: Filter) -> None:
    assert from_cql2(json.loads(json.dumps(to_cql2(node))), stored=True) == node


@given(scalars)
def test_scalar_round_trip(value: Any) -> None:
    again = scalar_from_json(scalar_to_json(value))
    assert (again, type(again)) == (value, type(value))


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


def op(name: str, *args: Any) -> dict[str, Any]:
    return {"op": name, "args": list(args)}


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
        ([], ""),
        ({}, ""),
        ({"op": "~", "args": []}, ""),
        ({"op": ["and"], "args": []}, ""),
        ({"op": "and", "args": [eq(1)]}, "/args"),
        ({"op": "and", "args": "ab"}, ""),
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
        ({"op": "in", "args": [{"property": "a"}, []]}, "/args/1"),
        ({"op": "in", "args": [{"property": "a"}, [1, None]]}, "/args/1/1"),
        ({"op": "between", "args": [{"property": "a"}, 1, None]}, "/args/2"),
        (like("%a%b%"), "/args/1/args/0"),
        (like("%a_b%"), "/args/1/args/0"),
        (like("%a\\"), "/args/1/args/0"),
        (like(5), "/args/1"),
        ({"property": "a", "op": "=", "args": [{"property": "b"}, 1]}, ""),
        ({"property": "a", "x": 1}, ""),
        ({**eq(1), "x": 1}, ""),
        (eq({"date": "2026-01-01", "timestamp": "2026-01-01T00:00:00Z"}), "/args/1"),
        ({"op": "=", "args": [{"property": "a", "x": 1}, 1]}, "/args/0"),
        ({"op": "=", "args": [{"op": "casei", "args": [{"property": "a"}], "x": 1}, "b"]}, "/args/0"),
        ({"op": "=", "args": [{"property": "a"}, 1, 2]}, "/args"),
        ({"op": "=", "args": [{"property": "a"}, {"property": "b"}]}, ""),
        ({"op": "=", "args": [1, 1]}, ""),
        ({"op": "isNull", "args": [{"property": "a"}, {"property": "b"}]}, "/args"),
        ({"op": "between", "args": [1, {"property": "a"}, 2]}, ""),
        ({"op": "in", "args": [{"property": "a"}, [{"property": "b"}]]}, "/args/1/0"),
        (True, ""),
        ({"op": "a_equals", "args": [{"property": "a"}, []]}, ""),
        (
            {"op": "not", "args": [{"op": "not", "args": [{"op": "a_equals", "args": [{"property": "a"}, []]}]}]},
            "/args/0/args/0",
        ),
        ({"op": "t_after", "args": [{"property": "a"}, {"interval": ["2026-01-01", ".."]}]}, ""),
        ({"op": "t_intersects", "args": [{"property": "a"}, {"interval": ["..", ".."]}]}, ""),
        ({"op": "t_during", "args": [{"property": "a"}, {"interval": ["2026-01-01", "2026-02-01"]}]}, ""),
        ({"op": "t_before", "args": [{"property": "a"}, "2026-01-01"]}, "/args/1"),
        (nested(READ_LIMITS.depth + 1), "/args/0" * READ_LIMITS.depth),
        ({"op": "or", "args": [eq(n) for n in range(READ_LIMITS.nodes)]}, f"/args/{READ_LIMITS.nodes - 1}"),
    ],
)
def test_faults_of_cql2(data: Any, pointer: str) -> None:
    with pytest.raises(InvalidFilter) as caught:
        from_cql2(data)
    (violation,) = caught.value.violations
    assert violation.pointer == pointer
    assert len(violation.detail) < 300


A, DAY, LATER = {"property": "a"}, dt.date(2026, 1, 1), dt.date(2026, 2, 1)
DAYS = {"interval": ["2026-01-01", "2026-02-01"]}
SPAN = {"interval": [{"property": "a"}, {"property": "b"}]}


def casei(arg: Any) -> dict[str, Any]:
    return {"op": "casei", "args": [arg]}


@pytest.mark.parametrize(
    ("data", "node"),
    [
        (op("<", 5, A), Comparison(">", "a", 5)),
        (op("<=", {"date": "2026-01-01"}, A), Comparison(">=", "a", DAY)),
        (op("=", A, "X"), Comparison("=", "a", "X", exact=True)),
        (op("=", casei(A), casei("X")), Comparison("=", "a", "X")),
        (op("=", casei("X"), casei(A)), Comparison("=", "a", "X")),
        (op("=", casei(casei(A)), casei("X")), Comparison("=", "a", "X")),
        (op("<>", casei(A), "straße".casefold()), Comparison("<>", "a", "strasse")),
        (op("in", A, ["X", 1]), OneOf("a", ("X", 1), exact=True)),
        (op("in", casei(A), [casei("X"), "y"]), OneOf("a", ("X", "y"))),
        (op("like", A, "X%"), Contains("a", "X", "start", exact=True)),
        (op("like", A, "%X"), Contains("a", "X", "end", exact=True)),
        (op("like", A, "%%X%"), Contains("a", "X", exact=True)),
        (op("like", A, "X"), Comparison("=", "a", "X", exact=True)),
        (op("like", casei(A), casei("50\\%%")), Contains("a", "50%", "start")),
        (op("t_before", A, {"date": "2026-01-01"}), Comparison("<", "a", DAY)),
        (op("t_before", {"date": "2026-01-01"}, A), Comparison(">", "a", DAY)),
        (op("t_after", A, DAYS), Comparison(">", "a", LATER)),
        (op("t_before", A, DAYS), Comparison("<", "a", DAY)),
        (op("t_equals", A, {"date": "2026-01-01"}), Comparison("=", "a", DAY)),
        (op("t_intersects", A, DAYS), Between("a", DAY, LATER)),
        (op("t_intersects", DAYS, A), Between("a", DAY, LATER)),
        (op("t_intersects", A, {"interval": ["2026-01-01", ".."]}), Comparison(">=", "a", DAY)),
        (op("t_disjoint", A, DAYS), Not(Between("a", DAY, LATER))),
        (op("t_disjoint", A, {"interval": ["..", "2026-01-01"]}), Comparison(">", "a", DAY)),
        (op("t_during", SPAN, DAYS), And((Comparison(">", "a", DAY), Comparison("<", "b", LATER)))),
        (op("t_contains", DAYS, SPAN), And((Comparison(">", "a", DAY), Comparison("<", "b", LATER)))),
        (op("t_intersects", SPAN, DAYS), And((Comparison("<=", "a", LATER), Comparison(">=", "b", DAY)))),
        (op("t_disjoint", SPAN, DAYS), Or((Comparison(">", "a", LATER), Comparison("<", "b", DAY)))),
        (op("t_meets", DAYS, SPAN), Comparison("=", "a", LATER)),
        (op("t_starts", SPAN, {"interval": ["2026-01-01", ".."]}), Comparison("=", "a", DAY)),
        (op("a_contains", A, ["X"]), Comparison("=", "a", "X", exact=True)),
        (op("a_contains", A, [1, 2]), And((Comparison("=", "a", 1), Comparison("=", "a", 2)))),
        (op("a_overlaps", A, ["X", "Y"]), OneOf("a", ("X", "Y"), exact=True)),
        (op("a_overlaps", [1, 2], A), OneOf("a", (1, 2))),
        (op("or", op("isNull", A), op("a_equals", A, [])), IsNull("a")),
        (op("not", op("a_equals", A, [])), Not(IsNull("a"))),
        ("a < 5 AND b", And((Comparison("<", "a", 5), Comparison("=", "b", True)))),
    ],
)  # fmt: skip
def test_what_is_meant(data: Any, node: Filter) -> None:
    assert from_cql2(data) == node


@pytest.mark.parametrize(
    ("data", "form"),
    [
        (op("=", casei(A), "X"), "around both sides"),
        (op("=", A, casei("X")), "around both sides"),
        (op("like", A, casei("FOO%")), "around both sides"),
        (op("=", op("accenti", A), op("accenti", "é")), "`in`"),
        (op("<", A, op("+", {"property": "b"}, 10)), "Compute the value"),
        (op("=", A, None), "isNull"),
        (op("=", A, [1]), "`in`"),
        (op("a_containedBy", A, ["x"]), "a_overlaps"),
        (op("a_contains", A, [casei("x")]), "both"),
        (op("a_contains", ["x"], A), "a_overlaps"),
        (op("s_within", A, {"bbox": [1, 2, 3, 4]}), "isNull"),
        (op("t_during", A, DAYS), "t_intersects"),
        (op("t_equals", A, DAYS), "t_intersects"),
        (op("like", A, "a%b"), "Join two"),
        (op("like", A, "a_b"), "backslash"),
        (op("avg", A), "Compare a property"),
    ],
)
def test_refusals_name_a_form_that_works(data: Any, form: str) -> None:
    with pytest.raises(InvalidFilter) as caught:
        from_cql2(data)
    assert form in caught.value.violations[0].detail


def test_a_record_leaves_case_to_the_field() -> None:
    assert from_cql2(op("=", A, "X"), stored=True) == Comparison("=", "a", "X")
    assert from_cql2(op("in", A, ["X"]), stored=True) == OneOf("a", ("X",))


def test_ten_thousand_values_are_read() -> None:
    ids = tuple(f"id-{number}" for number in range(10_000))
    assert from_cql2(op("in", A, list(ids))) == OneOf("a", ids, exact=True)


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
