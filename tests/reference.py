"""What a filter means for one row: the docstrings of core/filters.py, word for word."""

import datetime as dt
import string
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from nlp2filters.core.filters import And, Between, Comparison, Contains, Filter, IsNull, Leaf, Not, OneOf, Or

Row = Mapping[str, Any]
Fold = Callable[[str], str]


def fold(text: str) -> str:
    """Upper case as lower case, from A to Z only."""
    return text.translate(str.maketrans(string.ascii_uppercase, string.ascii_lowercase))


def holds(node: Filter, row: Row, fold: Fold = fold) -> bool | None:
    """True, False or, where it depends on an unknown value, None."""
    match node:
        case Not(arg):
            inner = holds(arg, row, fold)
            return None if inner is None else not inner
        case And(args):
            parts = [holds(arg, row, fold) for arg in args]
            return False if False in parts else None if None in parts else True
        case Or(args):
            parts = [holds(arg, row, fold) for arg in args]
            return True if True in parts else None if None in parts else False
        case IsNull(name):
            return _is_unknown(row[name])
        case _:
            held = row[node.field]
            if _is_unknown(held):
                return None
            return _some_passes(node, held, fold) if isinstance(held, list) else passes(node, held, fold)


def _is_unknown(held: Any) -> bool:
    return held is None or held == []


def _some_passes(leaf: Leaf, held: list[Any], fold: Fold) -> bool:
    """A list passes what one of its values passes; it is unlike a value when none of them is that value."""
    if isinstance(leaf, Comparison) and leaf.op == "<>":
        return not any(passes(replace(leaf, op="="), value, fold) for value in held)
    return any(passes(leaf, value, fold) for value in held)


def passes(leaf: Leaf, held: Any, fold: Fold = fold) -> bool:
    def order(value: Any) -> int:
        """-1, 0 or 1: what is held is less than, equal to or greater than `value`."""
        mine, other = held, value
        if isinstance(held, dt.datetime) and not isinstance(value, dt.datetime):
            mine = held.date()
        if isinstance(value, str) and leaf.field not in ("origin", "diet") and not getattr(leaf, "exact", False):
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
        case Contains(_, text, anchor, exact):
            text, string = (text, held) if exact else (fold(text), fold(held))
            return {"anywhere": string.__contains__, "start": string.startswith, "end": string.endswith}[anchor](text)
        case IsNull():
            return False
