"""Fields that hold lists: every dialect selects the rows that have a passing value, as a plain reading of it does.

SQL runs in SQLite over JSON arrays.
"""

import datetime as dt
import json
from typing import Any

import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import postgresql

from nlp2filters.core import catalog as catalogs
from nlp2filters.core.checks import check
from nlp2filters.core.dialects import compile as compile_dialect
from nlp2filters.core.dialects.sql import standard as sql
from nlp2filters.core.filters import Comparison, Filter, Not, OneOf, push_not_inward
from nlp2filters.core.interpretation import Interpretation
from tests.core.dialects import agreement
from tests.core.dialects.agreement import selected
from tests.reference import holds

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
trees = agreement.trees(SHOP, asked)


def stored(value: Any, *, naive: bool) -> Any:
    if isinstance(value, dt.datetime) and naive:
        value = value.replace(tzinfo=None)
    return value.isoformat() if isinstance(value, dt.date | dt.time) else value


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
