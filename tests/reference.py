"""What a filter means for one row: the docstrings of core/filters.py, word for word."""

import datetime as dt
import string
from collections.abc import Mapping
from typing import Any

from nlp2filters.core.filters import And, Between, Comparison, Contains, Filter, IsNull, Leaf, Not, OneOf, Or

Row = Mapping[str, Any]


def fold(text: str) -> str:
    return text.translate(str.maketrans(string.ascii_uppercase, string.ascii_lowercase))


def holds(node: Filter, row: Row) -> bool | None:
    """True, False or, where it depends on an unknown value, None."""
    match node:
        case Not(arg):
            inner = holds(arg, row)
            return None if inner is None else not inner
        case And(args):
            parts = [holds(arg, row) for arg in args]
            return False if False in parts else None if None in parts else True
        case Or(args):
            parts = [holds(arg, row) for arg in args]
            return True if True in parts else None if None in parts else False
        case IsNull(name):
            return row[name] is None
        case _:
            return None if row[node.field] is None else passes(node, row[node.field])


def passes(leaf: Leaf, held: Any) -> bool:
    def order(value: Any) -> int:
        """-1, 0 or 1: what is held is less than, equal to or greater than `value`."""
        mine, other = held, value
        if isinstance(held, dt.datetime) and not isinstance(value, dt.datetime):
            mine = held.date()
        if isinstance(value, str) and leaf.field != "origin":
            mine, other = fold(held), fold(value)
        return int(mine > other) - int(mine < other)

    match leaf:
        case Comparison(op, _, value):
            signs = {"=": {0}, "<>": {-1, 1}, "<": {-1}, "<=": {-1, 0}, ">": {1}, ">=": {0, 1}}
            return order(value) in signs[op]
        case Between(_, low, high):
            return order(low) >= 0 and order(high) <= 0
        case OneOf(_, values):
            return any(order(value) == 0 for value in values)
        case Contains(_, text):
            return fold(text) in fold(held)
        case IsNull():
            return False
