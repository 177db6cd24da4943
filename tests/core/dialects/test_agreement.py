"""Every dialect selects the same rows: those that a plain reading of three-valued logic selects.

SQL runs in SQLite, Query DSL in a small evaluator, CQL2-JSON in the cql2 package. All fold upper and
lower case from A to Z only here, as SQLite does; É and é are in the texts to show that they stay apart.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from nlp2filters.core import catalog as catalogs
from nlp2filters.core.checks import check
from nlp2filters.core.dialects import DIALECTS
from nlp2filters.core.dialects import compile as compile_dialect
from nlp2filters.core.dialects.sql import standard as sql
from nlp2filters.core.filters import Contains, Filter, push_not_inward
from nlp2filters.core.interpretation import Interpretation
from tests.core.dialects.agreement import Row, matches, searches_exactly, selected, trees
from tests.reference import holds

SHOP = catalogs.parse(
    {
        "name": "shop",
        "fields": [
            {"name": "brand", "type": "keyword"},
            {"name": "origin", "type": "keyword", "closed": True, "values": ["usa", "Usa", "japan"]},
            {"name": 'the "title"', "type": "text"},
            {"name": "order", "type": "integer"},
            {"name": "price", "type": "money", "currency": "USD"},
            {"name": "released", "type": "date"},
            {"name": "seen", "type": "datetime"},
            {"name": "opens", "type": "time"},
            {"name": "wireless", "type": "boolean"},
        ],
    }
)

TABLE = sa.Table(
    SHOP.name,
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("brand", sa.String),
    sa.Column("origin", sa.String),
    sa.Column('the "title"', sa.String),
    sa.Column("order", sa.Integer),
    sa.Column("price", sa.Float),
    sa.Column("released", sa.Date),
    sa.Column("seen", sa.DateTime),
    sa.Column("opens", sa.Time),
    sa.Column("wireless", sa.Boolean),
)

words = st.text(alphabet="aAbB%_\\/*?'\"[. éÉ\n", max_size=4)
days = st.dates(dt.date(2026, 2, 27), dt.date(2026, 3, 2))
instants = st.builds(
    lambda day, hour: dt.datetime.combine(day, dt.time(hour), dt.UTC), days, st.sampled_from((0, 12, 23))
)
held: dict[str, st.SearchStrategy[Any]] = {
    "brand": words,
    "origin": st.sampled_from(("usa", "Usa", "japan")),
    'the "title"': words,
    "order": st.integers(-2, 3),
    "price": st.sampled_from((-1, 0, 0.1, 0.5, 1, 1.5, 2)),
    "released": days,
    "seen": instants,
    "opens": st.times(dt.time(9), dt.time(11)).map(lambda time: time.replace(minute=0, second=0, microsecond=0)),
    "wireless": st.booleans(),
}
asked = {**held, "seen": instants | days}

rows = st.lists(
    st.fixed_dictionaries({name: st.none() | values for name, values in held.items()}), min_size=1, max_size=8
)


# SQL


def fill(connection: sa.Connection, table: list[dict[str, Any]]) -> None:
    connection.execute(sa.delete(TABLE))
    naive = [{**row, "seen": row["seen"] and row["seen"].replace(tzinfo=None)} for row in table]
    connection.execute(sa.insert(TABLE), [{"id": number, **row} for number, row in enumerate(naive)])


@given(node=trees(SHOP, asked).filter(lambda node: not searches_exactly(node)), table=rows)
def test_sql(connection: sa.Connection, node: Filter, table: list[dict[str, Any]]) -> None:
    fill(connection, table)
    node = check(node, SHOP)
    query = sa.select(TABLE.c.id).where(sql.where_clause(node, SHOP)).order_by(TABLE.c.id)
    assert list(connection.execute(query).scalars()) == selected(node, table)


# SQLite keeps instants and times as text of another form than ISO 8601.
as_text = {name: values for name, values in asked.items() if name not in ("seen", "opens")}


# Query DSL


def document(row: Row) -> Row:
    iso = {name: value.isoformat() if isinstance(value, dt.date | dt.time) else value for name, value in row.items()}
    return {name: value for name, value in iso.items() if value is not None}


# Every dialect, as it is written for users


def run_sql(connection: sa.Connection, written: dict[str, Any], table: list[dict[str, Any]]) -> list[int]:
    fill(connection, table)
    return sorted(row.id for row in connection.exec_driver_sql(written["statement"], written["params"]))


def run_query_dsl(connection: sa.Connection, written: dict[str, Any], table: list[dict[str, Any]]) -> list[int]:
    return [number for number, row in enumerate(table) if matches(written["query"], document(row), SHOP)]


@dataclass(frozen=True)
class Engine:
    """A function that selects rows as an engine of the dialect does, and the values that the engine can hold."""

    run: Callable[[sa.Connection, dict[str, Any], list[dict[str, Any]]], list[int]]
    values: Mapping[str, st.SearchStrategy[Any]]


ENGINES = {"sql": Engine(run_sql, as_text), "elasticsearch": Engine(run_query_dsl, asked)}


@pytest.mark.parametrize("name", ENGINES)
@given(data=st.data(), table=rows)
def test_every_dialect_selects_the_same_rows(
    connection: sa.Connection, name: str, data: st.DataObject, table: list[dict[str, Any]]
) -> None:
    engine = ENGINES[name]
    filters = trees(SHOP, engine.values)
    if not DIALECTS[name].capabilities.has_exact:
        filters = filters.filter(lambda node: not searches_exactly(node))
    node = check(data.draw(filters), SHOP)
    written = compile_dialect(name, Interpretation(filter=node, limit=100), SHOP)
    assert engine.run(connection, written, table) == selected(node, table)


signs = st.text(alphabet="%_\\/*?[a", min_size=1, max_size=3)


@given(text=signs, held=st.lists(signs, min_size=1, max_size=8))
def test_the_signs_of_patterns_are_literal(connection: sa.Connection, text: str, held: list[str]) -> None:
    node = Contains("brand", text)
    table = [{**dict.fromkeys(asked), "brand": brand} for brand in held]
    fill(connection, table)
    query = sa.select(TABLE.c.id).where(sql.where_clause(node, SHOP)).order_by(TABLE.c.id)
    expected = selected(node, table)
    assert list(connection.execute(query).scalars()) == expected
    dsl = compile_dialect("elasticsearch", Interpretation(filter=node), SHOP)["query"]
    assert [n for n, row in enumerate(table) if matches(dsl, document(row), SHOP)] == expected


# The algebra itself


@given(node=trees(SHOP, asked), table=rows)
def test_normal_form_changes_nothing(node: Filter, table: list[dict[str, Any]]) -> None:
    node = check(node, SHOP)
    for row in table:
        assert holds(push_not_inward(node), row) is holds(node, row)
