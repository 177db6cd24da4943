"""A filter and its form without NOT select the same rows."""

import datetime as dt
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from nlp2filters.core import catalog as catalogs
from nlp2filters.core.checks import check
from nlp2filters.core.filters import Filter, push_not_inward
from tests.core.dialects.agreement import trees
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


@given(node=trees(SHOP, asked), table=rows)
def test_normal_form_changes_nothing(node: Filter, table: list[dict[str, Any]]) -> None:
    node = check(node, SHOP)
    for row in table:
        assert holds(push_not_inward(node), row) is holds(node, row)
