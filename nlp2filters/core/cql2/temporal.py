"""The temporal functions, as comparisons of the ends of intervals.

They are the relations of https://www.w3.org/TR/owl-time/#fig-thors for closed intervals. An instant is an interval
whose ends are the same; the standard has five functions for it.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from nlp2filters.core.filters import Between, Comparison, Filter, Operator, Scalar, all_of, negate

_End = Literal[0, 1]

# For each function, what holds of the tested interval: its start (0) or end (1), compared with that of the other.
_RELATIONS: Mapping[str, tuple[tuple[_End, Operator, _End], ...]] = {
    "t_after": ((0, ">", 1),),
    "t_before": ((1, "<", 0),),
    "t_contains": ((0, "<", 0), (1, ">", 1)),
    "t_during": ((0, ">", 0), (1, "<", 1)),
    "t_equals": ((0, "=", 0), (1, "=", 1)),
    "t_finishedBy": ((0, "<", 0), (1, "=", 1)),
    "t_finishes": ((0, ">", 0), (1, "=", 1)),
    "t_intersects": ((0, "<=", 1), (1, ">=", 0)),
    "t_meets": ((1, "=", 0),),
    "t_metBy": ((0, "=", 1),),
    "t_overlappedBy": ((0, ">", 0), (0, "<", 1), (1, ">", 1)),
    "t_overlaps": ((0, "<", 0), (1, ">", 0), (1, "<", 1)),
    "t_startedBy": ((0, "=", 0), (1, ">", 1)),
    "t_starts": ((0, "=", 0), (1, "<", 1)),
}
_OF_INSTANTS = ("t_after", "t_before", "t_disjoint", "t_equals", "t_intersects")
_INVERSES = (
    *(("t_after", "t_before"), ("t_contains", "t_during"), ("t_finishedBy", "t_finishes"), ("t_meets", "t_metBy")),
    *(("t_overlappedBy", "t_overlaps"), ("t_startedBy", "t_starts")),
)
# The functions with their operands exchanged.
MIRRORED: Mapping[str, str] = {
    **{name: name for name in ("t_disjoint", "t_equals", "t_intersects")},
    **dict(_INVERSES),
    **{second: first for first, second in _INVERSES},
}


def relation(op: str, names: tuple[str, str], ends: tuple[Scalar | None, Scalar | None]) -> Filter:
    """Return the test that the interval between two properties has to another, whose open ends are None.

    An instant is an interval between a property and itself.

    Raises:
        ValueError: the relation cannot be meant; with a form that can, as a sentence for people.
    """
    if names[0] == names[1] and op not in _OF_INSTANTS:
        raise ValueError("This function compares intervals. For an instant, use t_intersects, or < and > of both ends.")
    if op == "t_disjoint":
        return negate(relation("t_intersects", names, ends))
    if op == "t_equals" and names[0] == names[1] and ends[0] != ends[1]:
        raise ValueError("An instant never equals an interval. Use t_intersects.")
    test = all_of(*_comparisons(op, names, ends))
    if test is None:
        raise ValueError("An interval without ends does not restrict this. To ask for a known value, negate isNull.")
    return test


def _comparisons(op: str, names: tuple[str, str], ends: tuple[Any, Any]) -> Iterator[Filter]:
    start, end = ends
    if op == "t_intersects" and names[0] == names[1] and start is not None and end is not None:
        # One test, so that it is of one element where the property is a list.
        yield Comparison("=", names[0], start) if start == end else Between(names[0], start, end)
        return
    for mine, operator, other in _RELATIONS[op]:
        if ends[other] is not None:
            yield Comparison(operator, names[mine], ends[other])
        elif not _holds_at_infinity(operator, other):
            raise ValueError("Nothing has this relation to an interval with this open end. Close it.")


def _holds_at_infinity(operator: Operator, other: _End) -> bool:
    """Return whether everything is later than an open start, or earlier than an open end."""
    return operator in ((">", ">=") if other == 0 else ("<", "<="))
