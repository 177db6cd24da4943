"""The meaning of a filter, however it is written: for comparing two readings of a text."""

from collections.abc import Sequence
from typing import Any

from nlp2filters.core.filters import (
    And,
    Between,
    Comparison,
    Contains,
    Filter,
    Not,
    OneOf,
    Or,
    push_not_inward,
)


def canonical(node: Filter | None) -> Any:
    """Return a canonical form, which is equal for two filters with the same meaning.

    The order of AND, OR and lists does not matter. A range equals two tests, and a list several tests joined by OR.
    Upper and lower case in `Contains` are equal.
    """
    return _canonical(push_not_inward(node)) if node else None


def parts(test: Filter) -> frozenset[Any]:
    """Return the canonical parts of a test that must all hold: a range has two."""
    form = canonical(test)
    return frozenset(form[1]) if isinstance(form, tuple) and form[0] == "and" else frozenset((form,))


def _canonical(node: Filter) -> Any:
    match node:
        case And(args):
            return _set("and", args)
        case Or(args):
            return _set("or", args)
        case Between(name, low, high):
            return _canonical(And((Comparison(">=", name, low), Comparison("<=", name, high))))
        case Not(Between(name, low, high)):
            return _canonical(Or((Comparison("<", name, low), Comparison(">", name, high))))
        case OneOf(name, values):
            return _set("or", tuple(Comparison("=", name, value) for value in values))
        case Not(OneOf(name, values)):
            return _set("and", tuple(Comparison("<>", name, value) for value in values))
        case Contains(name, text):
            return Contains(name, text.casefold())
        case Not(Contains() as leaf):
            return Not(_canonical(leaf))
        case _:
            return node


def _set(kind: str, args: Sequence[Filter]) -> Any:
    """Flatten the members of AND or OR into a set; a single member is returned as itself."""
    members: set[Any] = set()
    for member in map(_canonical, args):
        members |= member[1] if isinstance(member, tuple) and member[0] == kind else {member}
    return (kind, frozenset(members)) if len(members) > 1 else members.pop()
