"""A filter of lists and its form without NOT select the same rows."""

import datetime as dt
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from nlp2filters.core import catalog as catalogs
from nlp2filters.core.checks import check
from nlp2filters.core.filters import Filter, push_not_inward
from tests.core.dialects import agreement
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


@given(node=trees, table=rows)
def test_normal_form_changes_nothing(node: Filter, table: list[dict[str, Any]]) -> None:
    node = check(node, SHOP)
    for row in table:
        assert holds(push_not_inward(node), row) is holds(node, row)
