"""Every dialect selects the same rows: those that a plain reading of three-valued logic selects.

Query DSL runs in a small evaluator, CQL2-JSON in the cql2 package. Both fold upper and lower case from A to Z only
here; É and é are in the texts to show that they stay apart.
"""

import datetime as dt
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from nlp2filters.core import catalog as catalogs
from nlp2filters.core.checks import check
from nlp2filters.core.dialects import compile as compile_dialect
from nlp2filters.core.filters import Contains, Filter, push_not_inward
from nlp2filters.core.interpretation import Interpretation
from tests.core.dialects.agreement import Row, matches, selected, trees
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


# Query DSL


def document(row: Row) -> Row:
    iso = {name: value.isoformat() if isinstance(value, dt.date | dt.time) else value for name, value in row.items()}
    return {name: value for name, value in iso.items() if value is not None}


@given(node=trees(SHOP, asked), table=rows)
def test_query_dsl(node: Filter, table: list[dict[str, Any]]) -> None:
    query = compile_dialect("elasticsearch", Interpretation(filter=(node := check(node, SHOP))), SHOP)["query"]
    assert [n for n, row in enumerate(table) if matches(query, document(row), SHOP)] == selected(node, table)


signs = st.text(alphabet="%_\\/*?[a", min_size=1, max_size=3)


@given(text=signs, held=st.lists(signs, min_size=1, max_size=8))
def test_the_signs_of_patterns_are_literal(text: str, held: list[str]) -> None:
    node = Contains("brand", text)
    table = [{**dict.fromkeys(asked), "brand": brand} for brand in held]
    dsl = compile_dialect("elasticsearch", Interpretation(filter=node), SHOP)["query"]
    assert [n for n, row in enumerate(table) if matches(dsl, document(row), SHOP)] == selected(node, table)


# The algebra itself


@given(node=trees(SHOP, asked), table=rows)
def test_normal_form_changes_nothing(node: Filter, table: list[dict[str, Any]]) -> None:
    node = check(node, SHOP)
    for row in table:
        assert holds(push_not_inward(node), row) is holds(node, row)
