"""CQL2-text is parsed into the CQL2-JSON that it stands for, and a fault says where it is."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp2filters.core.cql2 import text, text_writer
from nlp2filters.errors import InvalidFilter


def op(name: str, *args: Any) -> dict[str, Any]:
    return {"op": name, "args": list(args)}


A, B, C = {"property": "a"}, {"property": "b"}, {"property": "c"}


@pytest.mark.parametrize(
    ("source", "data"),
    [
        ("a = 1 OR b = 2 AND NOT c = 3", op("or", op("=", A, 1), op("and", op("=", B, 2), op("not", op("=", C, 3))))),
        ("(a OR b) AND c", op("and", op("or", A, B), C)),
        ("a AND b AND c", op("and", A, B, C)),
        ("NOT NOT a", op("not", op("not", A))),
        ("a not in ('x')", op("not", op("in", A, ["x"]))),
        ("a IS NOT NULL", op("not", op("isNull", A))),
        ("a between -1 and +2.5e3", op("between", A, -1, 2500.0)),
        ("a = -b + 2 * c ^ 2", op("=", A, op("+", op("*", -1, B), op("*", 2, op("^", C, 2))))),
        ("10 - 2 - 3 = a", op("=", op("-", op("-", 10, 2), 3), A)),
        ("a = .5", op("=", A, 0.5)),
        ("a = 12345678901234567890", op("=", A, 12345678901234567890)),
        ("eo:cloud.cover < 1", op("<", {"property": "eo:cloud.cover"}, 1)),
        ("straße = 'ß'", op("=", {"property": "straße"}, "ß")),
        ('"a ""b"" c" = 1', op("=", {"property": 'a "b" c'}, 1)),
        ("date = date('2026-01-31')", op("=", {"property": "date"}, {"date": "2026-01-31"})),
        ("a > TIME('18:30:00')", op(">", A, {"time": "18:30:00"})),
        ("a = 'it''s'", op("=", A, "it's")),
        (r"a = 'it\'s'", op("=", A, "it's")),
        (r"a = 'x\ty\\t'", op("=", A, "x\ty\\t")),
        (r"a LIKE '50\%'", op("like", A, "50\\%")),
        ("A_contains(a, ('x'))", op("a_contains", A, ["x"])),
        ("a_equals(a, ())", op("a_equals", A, [])),
        ("a_contains(a, (DATE('2026-01-31'), 1))", op("a_contains", A, [{"date": "2026-01-31"}, 1])),
        ("T_FINISHEDBY(a, INTERVAL('..', '2026-01-31'))", op("t_finishedBy", A, {"interval": ["..", "2026-01-31"]})),
        ("a = TRUE and false <> b", op("and", op("=", A, True), op("<>", False, B))),
        ("\n a\t=\u00a01 ", op("=", A, 1)),
        ("in_stock", {"property": "in_stock"}),
    ],
)
def test_parse(source: str, data: Any) -> None:
    assert text.parse(source) == data


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ("", 1),
        ("a =", 4),
        ("a = 1 b", 7),
        ("a = 'x", 5),
        ('"a', 1),
        ("a = 1 &", 7),
        ("a NOT 1", 7),
        ("(a", 3),
        ("a IN 1", 6),
        ("a IN (1, 2", 11),
        ("a IS 1", 6),
        ("and", 1),
        ("a = POINT(1 2)", 5),
        ("(" * 100 + "a" + ")" * 100, 42),
        ("-" * 100 + "1 = a", 42),
    ],
)
def test_a_fault_has_its_place(source: str, place: int) -> None:
    with pytest.raises(InvalidFilter) as caught:
        text.parse(source)
    (violation,) = caught.value.violations
    assert violation.pointer == ""
    assert f"at character {place}." in violation.detail


@given(st.text(alphabet="a1'\"\\()=<>,.% -ANDORTINLKE:é\n", max_size=30))
def test_any_text_is_parsed_or_refused(source: str) -> None:
    with suppress(InvalidFilter):
        assert json.dumps(text.parse(source))


@given(st.text(), st.text(min_size=1))
def test_every_string_and_name_comes_through(value: str, name: str) -> None:
    data = op("=", {"property": name}, value)
    assert text.parse(text_writer.write(data)) == data


def test_ten_thousand_values_are_parsed() -> None:
    values = [f"id-{number}" for number in range(10_000)]
    source = "a IN (" + ", ".join(f"'{value}'" for value in values) + ")"
    assert text.parse(source) == op("in", A, values)
