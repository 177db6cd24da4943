"""What we write means the same to a reader that nobody here wrote: the package cql2, as far as it goes.

It reads a full stop in a pattern as any character, has no `casei` in lists, no times of day, and no test of a list's
elements but the standard's, so these stay out; it raises an error where a value is unknown.
"""

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import cql2
from hypothesis import given
from hypothesis import strategies as st

from nlp2filters.core.checks import check
from nlp2filters.core.cql2.scalars import scalar_to_json
from nlp2filters.core.cql2.standard import standard
from nlp2filters.core.filters import Comparison, Filter, IsNull, OneOf, leaves
from tests.core.dialects.agreement import Row, trees
from tests.core.dialects.engines.rows import SHOP
from tests.reference import holds

MADRID = ZoneInfo("Europe/Madrid")
words = st.text(alphabet="abAB%_", min_size=1, max_size=3)
days = st.dates(dt.date(2026, 2, 27), dt.date(2026, 3, 2))
instants = st.builds(
    lambda day, hour: dt.datetime.combine(day, dt.time(hour), MADRID).astimezone(dt.UTC),
    days,
    st.sampled_from((0, 12, 23)),
)
HELD: dict[str, st.SearchStrategy[Any]] = {
    "brand": words,
    "origin": st.sampled_from(("usa", "Usa", "japan")),
    'the "title"': words,
    "order": st.integers(-2, 3),
    "price": st.sampled_from((-1, 0, 0.1, 0.5, 1, 1.5, 2)),
    "released": days,
    "seen": instants,
    "wireless": st.booleans(),
    "tags": st.lists(words, max_size=3),
    "diet": st.lists(st.sampled_from(("vegan", "keto")), max_size=2),
    "value": st.lists(st.integers(-2, 3), max_size=3),
}
ASKED = {
    **HELD,
    "seen": instants | days,
    "tags": words,
    "diet": st.sampled_from(("vegan", "keto")),
    "value": st.integers(-2, 3),
}


def is_read(node: Filter) -> bool:
    """True if the package can evaluate the filter."""
    for leaf in leaves(node):
        field = SHOP.by_name[leaf.field]
        folds = field.type in ("keyword", "text") and not field.closed and not getattr(leaf, "exact", False)
        if field.many and not isinstance(leaf, IsNull) and (folds or not isinstance(leaf, OneOf | Comparison)):
            return False
        if isinstance(leaf, OneOf) and folds:
            return False
    return True


@given(
    node=trees(SHOP, ASKED).filter(is_read),
    row=st.fixed_dictionaries({name: st.none() | held for name, held in HELD.items()}),
)
def test_it_agrees(node: Filter, row: Row) -> None:
    node = check(node, SHOP)
    item = {name: scalar_to_json(value) if isinstance(value, dt.date) else value for name, value in row.items()}
    local = {name: value.astimezone(MADRID) if isinstance(value, dt.datetime) else value for name, value in row.items()}
    try:
        is_selected = cql2.Expr(standard(node, SHOP, MADRID)).matches(item)
    except Exception:  # the package raises a bare Exception where a value is unknown
        assert any(row[leaf.field] in (None, []) for leaf in leaves(node))
    else:
        assert is_selected is bool(holds(node, local))
