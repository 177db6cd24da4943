"""What we write is valid by the schema of the standard, means what is meant, and is read back."""

import datetime as dt
import json
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema_rs import Draft202012Validator

from nlp2filters.core import checks
from nlp2filters.core.cql2 import text, text_writer
from nlp2filters.core.cql2.standard import standard
from nlp2filters.core.dialects import Options
from nlp2filters.core.dialects import compile as compile_dialect
from nlp2filters.core.filters import (
    LIMITS,
    READ_LIMITS,
    And,
    Between,
    Comparison,
    Contains,
    Filter,
    IsNull,
    Not,
    OneOf,
    Or,
)
from nlp2filters.core.interpretation import Interpretation, Sort
from tests.core.cql2.evaluator import truth
from tests.core.dialects.engines.rows import FILTERS, ROWS, SHOP, selected

SCHEMA = json.loads((Path(__file__).parent / "ogc" / "cql2.json").read_text("utf-8"))
DAY, MADRID = dt.date(2026, 2, 28), ZoneInfo("Europe/Madrid")


def with_times(schema: Any) -> Any:
    """The schema with our one extension, `{"time": …}`, wherever it has an instant."""
    extended = json.loads(json.dumps(schema))
    time = {"type": "object", "required": ["time"], "properties": {"time": {"type": "string"}}}
    extended["$defs"]["instantInstance"]["oneOf"].append(time)
    # `between` takes numbers only; of a list, there is no other form for it.
    extended["$defs"]["isBetweenOperands"]["items"]["oneOf"].append(time)
    return extended


STRICT, EXTENDED = Draft202012Validator(SCHEMA), Draft202012Validator(with_times(SCHEMA))


def names_of(data: Any) -> set[str]:
    """The names of all members."""
    if isinstance(data, list):
        return {name for item in data for name in names_of(item)}
    return (
        {name for key, value in data.items() for name in {key, *names_of(value)}} if isinstance(data, dict) else set()
    )


@given(FILTERS, st.sampled_from(("exclude", "include")))
def test_it_is_valid(node: Filter, unknown: Any) -> None:
    written = standard(node, SHOP, MADRID, unknown)
    (EXTENDED if "time" in names_of(written) else STRICT).validate(written)
    assert "relative" not in names_of(written)


def test_the_schema_refuses_what_is_not_cql2() -> None:
    brand = {"property": "brand"}
    for wrong in (
        {"op": "=", "args": [brand, {"timestamp": "2026-01-01T00:00:00+01:00"}]},
        {"op": "between", "args": [brand, {"date": "2026-01-01"}, {"date": "2026-01-02"}]},
        {"op": "=", "args": [brand, {"time": "18:30:00"}]},
    ):
        assert not STRICT.is_valid(wrong)


@given(FILTERS)
def test_it_means_what_is_meant(node: Filter) -> None:
    written = standard(node, SHOP)
    assert {row["id"] for row in ROWS if truth(written, row)} == selected(node, str.lower)


@given(FILTERS)
def test_it_is_read_back_with_the_same_meaning(node: Filter) -> None:
    again = checks.read(standard(node, SHOP), SHOP, READ_LIMITS)
    assert selected(again) == selected(node)
    written = standard(again, SHOP)
    assert standard(checks.read(written, SHOP, READ_LIMITS), SHOP) == written


@given(FILTERS)
def test_the_text_is_the_same_expression(node: Filter) -> None:
    written = standard(node, SHOP)
    assert text.parse(text_writer.write(written)) == written


def op(name: str, *args: Any) -> dict[str, Any]:
    return {"op": name, "args": list(args)}


def casei(arg: Any) -> dict[str, Any]:
    return op("casei", arg)


def of(name: str) -> dict[str, str]:
    return {"property": name}


def instant(iso: str) -> dict[str, str]:
    return {"timestamp": iso}


def test_the_largest_filter_is_read_back() -> None:
    deepest: Filter = And((Comparison("=", "shows", DAY), Not(Comparison("=", "tags", "a"))))
    for level in range(LIMITS.depth - 3):
        deepest = (And, Or)[level % 2]((deepest, Comparison("=", "seen", DAY)))
    broadest = Or(tuple(Not(Comparison("=", "tags", str(number))) for number in range(99)))
    scoped = And((checks.check(deepest, SHOP), checks.check(broadest, SHOP)))
    assert checks.read(standard(scoped, SHOP), SHOP, READ_LIMITS)


EMPTY = op("a_equals", of("tags"), [])


@pytest.mark.parametrize(
    ("node", "written"),
    [
        (Comparison("=", "brand", "Bose"), op("=", casei(of("brand")), casei("Bose"))),
        (Comparison("<>", "brand", "Bose"), op("<>", casei(of("brand")), casei("Bose"))),
        (Comparison("=", "brand", "Bose", exact=True), op("=", of("brand"), "Bose")),
        (Comparison("=", "origin", "usa"), op("=", of("origin"), "usa")),
        (OneOf("brand", ("a", "B")), op("in", casei(of("brand")), [casei("a"), casei("B")])),
        (OneOf("origin", ("usa", "japan")), op("in", of("origin"), ["usa", "japan"])),
        (Contains("brand", "5%", "start"), op("like", casei(of("brand")), casei("5\\%%"))),
        (Contains("brand", "5", "end", exact=True), op("like", of("brand"), "%5")),
        (Between("price", 1, 2), op("between", of("price"), 1, 2)),
        (
            Between("released", DAY, DAY),
            op("and", *(op(sign, of("released"), {"date": "2026-02-28"}) for sign in (">=", "<="))),
        ),
        (
            Comparison("=", "seen", DAY),
            op(
                "and",
                op(">=", of("seen"), instant("2026-02-27T23:00:00Z")),
                op("<", of("seen"), instant("2026-02-28T23:00:00Z")),
            ),
        ),
        (Comparison(">", "opens", dt.time(9)), op(">", of("opens"), {"time": "09:00:00"})),
        (Comparison("=", "tags", "a", exact=True), op("a_contains", of("tags"), ["a"])),
        (Comparison("=", "tags", "a"), op("=", casei(of("tags")), casei("a"))),
        (OneOf("diet", ("keto", "vegan")), op("a_overlaps", of("diet"), ["keto", "vegan"])),
        (
            Not(OneOf("tags", ("a", "b"), exact=True)),
            op("and", op("not", EMPTY), op("not", op("a_overlaps", of("tags"), ["a", "b"]))),
        ),
        (IsNull("tags"), op("or", op("isNull", of("tags")), EMPTY)),
        (Not(IsNull("tags")), op("not", EMPTY)),
        (Between("days", DAY, DAY), op("t_intersects", of("days"), {"interval": ["2026-02-28", "2026-02-28"]})),
        (
            Comparison("=", "shows", DAY),
            op("t_intersects", of("shows"), {"interval": ["2026-02-27T23:00:00Z", "2026-02-28T22:59:59.999999Z"]}),
        ),
    ],
)  # fmt: skip
def test_the_form(node: Filter, written: dict[str, Any]) -> None:
    assert standard(node, SHOP, MADRID) == written


@pytest.mark.parametrize(
    ("node", "written"),
    [
        (Comparison("=", "brand", "it's"), "CASEI(brand) = CASEI('it''s')"),
        (Comparison("=", "brand", "a\\b\n", exact=True), "brand = 'a\\\\b\\n'"),
        (Contains("brand", "50%", exact=True), "brand LIKE '%50\\%%'"),
        (Comparison("=", 'the "title"', "x", exact=True), '"the ""title""" = \'x\''),
        (Not(Or((Between("price", 1, 2), Comparison("=", "wireless", True)))),
         "(NOT (price BETWEEN 1 AND 2)) AND wireless = FALSE"),
        (Comparison("=", "price", 1e-7), "price = 1E-07"),
        (IsNull("tags"), "tags IS NULL OR A_EQUALS(tags, ())"),
        (Comparison("<", "seen", DAY), "seen < TIMESTAMP('2026-02-28T00:00:00Z')"),
    ],
)  # fmt: skip
def test_the_dialect(node: Filter, written: str) -> None:
    place = "CQL2-text has its own place for rows without a value."
    interpretation = Interpretation(node, (Sort("price", "desc"), Sort("brand", "asc")), 10)
    assert compile_dialect("cql2-text", interpretation, SHOP, Options()) == {
        "filter": written,
        "filter-lang": "cql2-text",
        "sortby": "-price,+brand",
        "limit": 10,
        "lossy": [{"pointer": "/sort", "reason": place, "effect": "order"}],
    }
