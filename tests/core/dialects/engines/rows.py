"""The records that every engine holds, and any filter over them: one reference for all dialects."""

import datetime as dt
import random
from collections.abc import Callable, Mapping, Sequence, Set
from functools import cache, lru_cache
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from nlp2filters.core import catalog as catalogs
from nlp2filters.core.checks import check
from nlp2filters.core.filters import Filter
from tests.core.dialects.agreement import trees
from tests.reference import fold, holds

Row = Mapping[str, Any]

SHOP = catalogs.parse(
    {
        "name": "shop",
        "fields": [
            {"name": "brand", "type": "keyword"},
            {"name": "origin", "type": "keyword", "closed": True, "values": ["usa", "Usa", "japan"]},
            {"name": 'the "title"', "type": "text"},
            {"name": "order", "type": "integer"},
            {"name": "doors", "type": "integer", "nullable": False},
            {"name": "price", "type": "money", "currency": "USD"},
            {"name": "released", "type": "date"},
            {"name": "seen", "type": "datetime"},
            {"name": "opens", "type": "time"},
            {"name": "wireless", "type": "boolean"},
            {"name": "tags", "type": "keyword", "many": True},
            {"name": "diet", "type": "keyword", "many": True, "closed": True, "values": ["vegan", "Vegan", "keto"]},
            {"name": "value", "type": "integer", "many": True},
            {"name": "weights", "type": "number", "many": True},
            {"name": "days", "type": "date", "many": True},
            {"name": "shows", "type": "datetime", "many": True},
        ],
    }
)

WORDS = (
    *("a", "A", "ab", "Ab", "b a", " a", "a ", "é", "É", "ß", "İ", "東京"),
    *("50%", "50% off", "_", "a_b", "a\\b", "a/b", "*", "a*b", "?", "[a]", "'", "it's", '"', "`", "a;--", ":p_1", "$a"),
    *("{a}", "(a)", "a && b", "a,b", "a|b", "-a", "\n", "null", "true", "1", "x" * 300, "x" * 600 + "Y"),
)
NUMBERS = (0, -0.0, -1, 1, 2, 0.1, 0.5, 1.5, -0.25, 19.99, 12345678.5, 12345679.25, 2**40, 1e15, 1e-7)
INTEGERS = (0, -2, -1, 1, 2, 3, 4, 100, 2**31, -(2**31), 2**53 - 1)
DAYS = (*(dt.date(2026, 2, 27) + dt.timedelta(days) for days in range(4)), dt.date(1969, 12, 31))
# Engines keep milliseconds at least.
TIMES = (dt.time(), dt.time(9), dt.time(9, 30), dt.time(12), dt.time(23, 59, 59, 999_000), dt.time(0, 0, 0, 1_000))
INSTANTS = tuple(dt.datetime.combine(day, time, dt.UTC) for day in DAYS for time in TIMES)
VALUES: Mapping[str, tuple[Any, ...]] = {
    "brand": WORDS,
    "origin": ("usa", "Usa", "japan"),
    'the "title"': WORDS,
    "order": INTEGERS,
    "doors": (2, 3, 4, 5),
    "price": NUMBERS,
    "released": DAYS,
    "seen": INSTANTS,
    "opens": TIMES,
    "wireless": (True, False),
    "tags": WORDS,
    "diet": ("vegan", "Vegan", "keto"),
    "value": INTEGERS,
    "weights": NUMBERS,
    "days": DAYS,
    "shows": INSTANTS,
}


def _row(chance: random.Random, number: int) -> Row:
    row: dict[str, Any] = {"id": number}
    for field in SHOP.fields:
        values = VALUES[field.name]
        if field.nullable and chance.random() < 0.2:
            row[field.name] = None
        elif field.many:
            row[field.name] = [chance.choice(values) for _ in range(chance.choice((0, 1, 1, 2, 3)))]
        else:
            row[field.name] = chance.choice(values)
    return row


_chance = random.Random(7)
ROWS = tuple(_row(_chance, number) for number in range(200))


def _asked(name: str) -> st.SearchStrategy[Any]:
    values = st.sampled_from([value for value in VALUES[name] if len(str(value)) < 500])
    field = SHOP.by_name[name]
    if field.type == "datetime":
        return values | st.sampled_from(DAYS)
    if field.type in ("keyword", "text") and not field.closed:
        return values | st.text(alphabet="aAbé%_*\\'\"[ ", min_size=1, max_size=3)
    return values


FILTERS: st.SearchStrategy[Filter] = trees(SHOP, {name: _asked(name) for name in VALUES}).map(
    lambda node: check(node, SHOP)
)


@cache
def sample(count: int) -> Sequence[Filter]:
    """So many of the filters, the simplest first. To draw them takes longer than most engines take to answer."""
    filters: list[Filter] = []

    @settings(max_examples=count, database=None)
    @given(node=FILTERS)
    def draw(node: Filter) -> None:
        filters.append(node)

    draw()
    return sorted(filters, key=lambda node: len(repr(node)))


@lru_cache(maxsize=10_000)
def selected(node: Filter, fold: Callable[[str], str] = fold) -> Set[int]:
    """The ids that the filter selects for an engine that folds upper and lower case so."""
    return {row["id"] for row in ROWS if holds(node, row, fold)}
