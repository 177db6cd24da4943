"""Fields that hold lists: every dialect selects the rows that have a passing value, as a plain reading of it does.

Query DSL runs in a small evaluator; SQL in `engines/`.
"""

import datetime as dt
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from nlp2filters.core import catalog as catalogs
from nlp2filters.core.checks import check
from nlp2filters.core.dialects import compile as compile_dialect
from nlp2filters.core.filters import Filter, push_not_inward
from nlp2filters.core.interpretation import Interpretation
from tests.core.dialects import agreement
from tests.core.dialects.agreement import matches, selected
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


def stored(value: Any) -> Any:
    return value.isoformat() if isinstance(value, dt.date | dt.time) else value


@given(node=trees, table=rows)
def test_elasticsearch(node: Filter, table: list[dict[str, Any]]) -> None:
    node = check(node, SHOP)
    query = compile_dialect("elasticsearch", Interpretation(filter=node), SHOP)["query"]
    documents = [{name: [stored(value) for value in values] for name, values in row.items() if values} for row in table]
    assert [n for n, doc in enumerate(documents) if matches(query, doc, SHOP)] == selected(node, table)


@given(node=trees, table=rows)
def test_normal_form_changes_nothing(node: Filter, table: list[dict[str, Any]]) -> None:
    node = check(node, SHOP)
    for row in table:
        assert holds(push_not_inward(node), row) is holds(node, row)
