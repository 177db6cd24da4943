"""The form in which the service stores filters: CQL2-JSON one to one with the tree.

Versions of the service from before and after an update read each other's records, so this form does not change: it
leaves it to the fields where case counts, and has dates and instants that are still relative. What users get is written
by `standard`.
"""

from typing import Any

from nlp2filters.core.cql2.patterns import escape_like, pattern_of
from nlp2filters.core.cql2.scalars import scalar_to_json
from nlp2filters.core.filters import And, Between, Comparison, Contains, Filter, IsNull, Not, OneOf, Or


def to_cql2(node: Filter) -> dict[str, Any]:
    """Write the filter as CQL2-JSON.

    Resolve it first: a relative date or instant is written as `{"relative": …}`, our own extension.
    """
    match node:
        case Comparison(op, name, value):
            return {"op": op, "args": [_property(name), scalar_to_json(value)]}
        case Between(name, low, high):
            return {"op": "between", "args": [_property(name), scalar_to_json(low), scalar_to_json(high)]}
        case OneOf(name, values):
            return {"op": "in", "args": [_property(name), [scalar_to_json(value) for value in values]]}
        case Contains(name, text, anchor):
            return {"op": "like", "args": [_casei(_property(name)), _casei(pattern_of(escape_like(text), anchor))]}
        case IsNull(name):
            return {"op": "isNull", "args": [_property(name)]}
        case Not(arg):
            return {"op": "not", "args": [to_cql2(arg)]}
        case And(args):
            return {"op": "and", "args": [to_cql2(arg) for arg in args]}
        case Or(args):
            return {"op": "or", "args": [to_cql2(arg) for arg in args]}


def _property(name: str) -> dict[str, str]:
    return {"property": name}


def _casei(arg: Any) -> dict[str, Any]:
    return {"op": "casei", "args": [arg]}
