"""Fields that hold lists: every dialect selects the rows that have a passing value, as a plain reading of it does.

SQL runs in SQLite over JSON arrays, Query DSL in a small evaluator below.
"""

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import postgresql

from nlp2filters.core import catalog as catalogs
from nlp2filters.core.checks import check
from nlp2filters.core.dialects import compile as compile_dialect
from nlp2filters.core.dialects import sql
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
    Or,
    push_not_inward,
)
from nlp2filters.core.interpretation import Interpretation
from tests.reference import fold, holds

SHOP = catalogs.parse(
    {
        "name": "shop",
        "fields": [
            {"name": "tags", "type": "keyword", "many": True},
            {"name": "diet", "type": "keyword", "many": True, "closed": True, "values": ["vegan", "Vegan", "keto"]},
            {"name": "sizes", "type": "integer", "many": True},
            {"name": "days", "type": "date", "many": True},
            {"name": "shows", "type": "datetime", "many": True},
            {"name": "opens", "type": "time", "many": True},
        ],
    }
)
TABLE = sa.Table(
    "shop",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True),
    *(sa.Column(field.name, sa.String) for field in SHOP.fields),
)

words = st.text(alphabet="aAb%_\\/*?'\"[]{,. é", max_size=3)
days = st.dates(dt.date(2026, 2, 27), dt.date(2026, 3, 2))
instants = st.builds(
    lambda day, time: dt.datetime.combine(day, time, dt.UTC),
    days,
    st.sampled_from((dt.time(), dt.time(12), dt.time(23, 59, 59, 999_999), dt.time(0, 0, 0, 1))),
)
held: dict[str, st.SearchStrategy[Any]] = {
    "tags": words,
    "diet": st.sampled_from(("vegan", "Vegan", "keto")),
    "sizes": st.integers(-2, 3),
    "days": days,
    "shows": instants,
    "opens": st.sampled_from((dt.time(9), dt.time(10), dt.time(9, 30))),
}
asked = {**held, "shows": instants | days}
rows = st.lists(
    st.fixed_dictionaries({name: st.none() | st.lists(values, max_size=3) for name, values in held.items()}),
    min_size=1,
    max_size=6,
)


@st.composite
def conditions(draw: st.DrawFn) -> Leaf:
    name = draw(st.sampled_from(list(asked)))
    values, kinds = asked[name], ["equal", "in", "null"]
    kinds += ["between"] if name in ("sizes", "days", "shows", "opens") else ["contains"]
    match draw(st.sampled_from(kinds)):
        case "equal":
            return Comparison(draw(st.sampled_from(("=", "<>"))), name, draw(values))
        case "in":
            return OneOf(name, tuple(draw(st.lists(values, min_size=1, max_size=3))))
        case "between":
            return Between(name, draw(values), draw(values))
        case "contains":
            return Contains(name, draw(values.filter(str.strip)))
        case _:
            return IsNull(name)


trees = st.recursive(
    conditions(),
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(And, st.lists(inner, min_size=2, max_size=3).map(tuple)),
        st.builds(Or, st.lists(inner, min_size=2, max_size=3).map(tuple)),
    ),
    max_leaves=4,
)


def selected(node: Filter, table: list[dict[str, Any]]) -> list[int]:
    """What the reference selects. It knows the values of `diet` as exact, like those of `origin`."""
    return [number for number, row in enumerate(table) if holds(node, row)]


def stored(value: Any, *, naive: bool) -> Any:
    if isinstance(value, dt.datetime) and naive:
        value = value.replace(tzinfo=None)
    return value.isoformat() if isinstance(value, dt.date | dt.time) else value


@pytest.fixture(scope="module")
def connection() -> Iterator[sa.Connection]:
    engine = sa.create_engine("sqlite://")
    TABLE.metadata.create_all(engine)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@given(node=trees, table=rows)
def test_sql(connection: sa.Connection, node: Filter, table: list[dict[str, Any]]) -> None:
    node = check(node, SHOP)
    connection.execute(sa.delete(TABLE))
    arrays = [
        {name: values and json.dumps([stored(value, naive=True) for value in values]) for name, values in row.items()}
        for row in table
    ]
    arrays = [
        {name: "[]" if row[name] == [] else array[name] for name in row}
        for row, array in zip(table, arrays, strict=True)
    ]
    connection.execute(sa.insert(TABLE), [{"id": number, **row} for number, row in enumerate(arrays)])
    query = sa.select(TABLE.c.id).where(sql.where_clause(node, SHOP)).order_by(TABLE.c.id)
    assert list(connection.execute(query).scalars()) == selected(node, table)


def matches(query: Mapping[str, Any], doc: Mapping[str, Any]) -> bool:
    ((kind, body),) = query.items()
    if kind == "bool":
        should = [matches(part, doc) for part in body.get("should", ())]
        return (
            all(matches(part, doc) for part in body.get("filter", ()))
            and not any(matches(part, doc) for part in body.get("must_not", ()))
            and sum(should) >= body.get("minimum_should_match", 0)
        )
    if kind == "exists":
        return bool(doc.get(body["field"]))
    ((name, asked),) = body.items()
    return any(_value_matches(kind, asked, value) for value in doc.get(name) or ())


def _value_matches(kind: str, asked: Any, value: Any) -> bool:
    match kind:
        case "term":
            folding = asked.get("case_insensitive")
            return bool(fold(value) == fold(asked["value"]) if folding else value == asked["value"])
        case "terms":
            return value in asked
        case "wildcard":
            text = asked["value"][1:-1].replace("\\*", "*").replace("\\?", "?").replace("\\\\", "\\")
            return fold(text) in fold(value)
        case "range":
            if isinstance(value, str) and "+" in value:
                value, asked = (
                    dt.datetime.fromisoformat(value),
                    {k: dt.datetime.fromisoformat(v) for k, v in asked.items()},
                )
            return bool(asked["gte"] <= value <= asked["lte"])
    raise AssertionError(kind)


@given(node=trees, table=rows)
def test_elasticsearch(node: Filter, table: list[dict[str, Any]]) -> None:
    node = check(node, SHOP)
    query = compile_dialect("elasticsearch", Interpretation(filter=node), SHOP)["query"]
    documents = [
        {name: [stored(value, naive=False) for value in values] for name, values in row.items() if values}
        for row in table
    ]
    assert [n for n, doc in enumerate(documents) if matches(query, doc)] == selected(node, table)


@given(node=trees, table=rows)
def test_normal_form_changes_nothing(node: Filter, table: list[dict[str, Any]]) -> None:
    node = check(node, SHOP)
    for row in table:
        assert holds(push_not_inward(node), row) is holds(node, row)


def test_the_text_is_that_of_the_standard() -> None:
    written = compile_dialect("sql", Interpretation(filter=Comparison("=", "sizes", 42)), SHOP)
    assert written["where"] == (
        "EXISTS (SELECT 1 \nFROM JSON_TABLE(sizes, '$[*]' COLUMNS (value BIGINT PATH '$')) AS element "
        "\nWHERE element.value = :p_1)"
    )
    assert written["params"] == {"p_1": 42}


def test_postgresql_has_its_own_function() -> None:
    clause = sql.where_clause(Not(OneOf("tags", ("new", "old"))), SHOP)
    written = str(clause.compile(dialect=postgresql.dialect()))  # type: ignore[no-untyped-call]
    assert "jsonb_array_elements_text(CAST(tags AS JSONB))" in written
    assert "JSON_TABLE" not in written
