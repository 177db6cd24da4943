"""Refinement: a follow-up text changes the reading of the texts before it ("cheaper ones", "also in red", "any brand").

earlier reading ─┐
follow-up text ──┴─ parser/followup.py: its effects on the filter · parser: its own conditions → merge → difference
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from nlp2filters.core import filters
from nlp2filters.core.catalog import Catalog
from nlp2filters.core.conversation import Conversation
from nlp2filters.core.explain import sentence
from nlp2filters.core.filters import (
    And,
    Between,
    Comparison,
    Contains,
    Filter,
    IsNull,
    Leaf,
    Not,
    OneOf,
    Or,
    all_of,
    any_of,
    leaves,
)
from nlp2filters.core.interpretation import Condition, Interpretation, leaf_to_json, to_json

if TYPE_CHECKING:  # A difference can be told without the parser.
    from nlp2filters.core.parser.followup import Followup

Test: TypeAlias = Leaf | Not
Side = Literal["low", "high"]


@dataclass(frozen=True, slots=True)
class _Part:
    """A filter that must hold, and the conditions in it."""

    filter: Filter
    conditions: tuple[Condition, ...]

    @property
    def fields(self) -> set[str]:
        return {leaf.field for leaf in leaves(self.filter)}

    @property
    def tests(self) -> set[Test]:
        return set(filters.tests(self.filter))


def merge(
    conversation: Conversation, addition: Interpretation, followup: "Followup", *, today: dt.date
) -> Interpretation:
    """Merge the conversation's reading with `addition`, the reading of `followup.rest` alone.

    A limit replaces one on its side. Values replace those of their field, unless they come in addition or are words
    that a text contains; exclusions are added. Quotes of earlier texts keep their spans in those, and `said_in` names
    the job.
    """
    before = Interpretation() if followup.anew else conversation.reading
    addition = _quoted(addition, followup.text)
    parts = [
        replace(part, conditions=tuple(_said_in(condition, conversation.job_id) for condition in part.conditions))
        for part in _parts(before)
    ]
    parts = [part for part in (_without(part, followup.lifted) for part in parts) if part]
    for part in _parts(addition):
        parts = _combined(parts, part, followup, today)
    sort = () if followup.unordered else tuple(sort for sort in before.sort if sort.field not in followup.lifted)
    return replace(
        addition,
        filter=all_of(*(part.filter for part in parts)),
        conditions=tuple(condition for part in parts for condition in part.conditions),
        sort=addition.sort or sort,
        limit=addition.limit or (None if followup.unlimited else before.limit),
        text=" ".join([*before.text.split(), *addition.text.split()]),
    )


def difference(before: Interpretation, after: Interpretation, catalog: Catalog) -> dict[str, Any]:
    """Return what has changed between two readings as JSON data: tests, order, number and words."""
    was, now = dict.fromkeys(filters.tests(before.filter)), dict.fromkeys(filters.tests(after.filter))
    removed, added = [test for test in was if test not in now], [test for test in now if test not in was]
    changed = []
    for old in list(removed):
        if new := next((test for test in added if _field(test) == _field(old)), None):
            changed.append((old, new))
            removed.remove(old)
            added.remove(new)
    old_json, new_json = to_json(before), to_json(after)
    plain = {name: {"from": old_json[name], "to": new_json[name]} for name in ("sort", "limit", "text")}
    return {
        "added": [leaf_to_json(test) for test in added],
        "removed": [leaf_to_json(test) for test in removed],
        "changed": [{"from": leaf_to_json(old), "to": leaf_to_json(new)} for old, new in changed],
        **{name: pair if pair["from"] != pair["to"] else None for name, pair in plain.items()},
        "summary": _summary(added, removed, changed, before, after, catalog),
    }


def _summary(
    added: Sequence[Test],
    removed: Sequence[Test],
    changed: Sequence[tuple[Test, Test]],
    before: Interpretation,
    after: Interpretation,
    catalog: Catalog,
) -> str:
    parts = [f"Added: {sentence(test, catalog)}." for test in added]
    parts += [f"Removed: {sentence(test, catalog)}." for test in removed]
    parts += [f"Changed: {sentence(old, catalog)} → {sentence(new, catalog)}." for old, new in changed]
    if before.sort != after.sort:
        keys = (f"{catalog.by_name[key.field].title}, {_ENDS[key.direction]} first" for key in after.sort)
        parts.append(f"Order: {'; '.join(keys) or 'none'}.")
    if before.limit != after.limit:
        parts.append(f"Number: {after.limit or 'all'}.")
    if before.text != after.text:
        parts.append(f"Words: “{after.text}”." if after.text else "Words: none.")
    return " ".join(parts) or "Nothing has changed."


_ENDS = {"asc": "lowest", "desc": "highest"}


def _said_in(condition: Condition, job_id: str) -> Condition:
    return replace(condition, said_in=condition.said_in or job_id)


def _quoted(reading: Interpretation, text: str) -> Interpretation:
    """Return the reading with quotes of the original text, since the parser saw blanks for some words."""
    return replace(
        reading,
        conditions=tuple(replace(part, quote=part.span.of(text)) for part in reading.conditions),
        ignored=tuple(replace(part, quote=part.span.of(text)) for part in reading.ignored),
        mentions=tuple(replace(words, quote=words.span.of(text)) for words in reading.mentions),
    )


def _parts(reading: Interpretation) -> list[_Part]:
    """Return the filters that a reading joins by AND, each with its conditions."""
    node = reading.filter
    args = node.args if isinstance(node, And) else (node,) if node else ()
    return [_part(arg, reading.conditions) for arg in args]


def _part(node: Filter, conditions: Sequence[Condition]) -> _Part:
    tests = set(filters.tests(node))
    return _Part(node, tuple(condition for condition in conditions if condition.test in tests))


def _without(part: _Part, lifted: set[str]) -> _Part | None:
    """Remove the tests of some fields. An OR goes as a whole if one of its sides has no test left."""

    def remainder(node: Filter) -> Filter | None:
        match node:
            case And(args):
                return all_of(*map(remainder, args))
            case Or(args):
                parts = [remainder(arg) for arg in args]
                return any_of(*parts) if all(parts) else None
            case Not(arg):
                return node if remainder(arg) else None
            case _:
                return None if node.field in lifted else node

    node = remainder(part.filter)
    return _part(node, part.conditions) if node else None


def _combined(parts: Sequence[_Part], part: _Part, followup: "Followup", today: dt.date) -> list[_Part]:
    """Add a part to the others; it may replace those about its field."""
    own = [other for other in parts if len(part.fields) == 1 and other.fields == part.fields]
    rest = [other for other in parts if other not in own]
    if not own or part in own:
        return [*rest, *own, *([] if part in own else [part])]
    spans = [condition.span for condition in part.conditions]
    if all(map(_is_limit, part.tests)):
        return [*rest, *_bounded(own, part, today), part]
    if all(map(_is_exclusion, part.tests)):
        excluded = set().union(*map(_values, part.tests))
        return [*rest, *(other for other in own if not _only(other, excluded)), part]
    if any(map(followup.adds, spans)):
        return [*rest, *_widened(own, part)]
    if all(isinstance(test, Contains) for test in part.tests) and not any(map(followup.replaces, spans)):
        return [*rest, *own, part]
    return [*rest, part]


def _widened(own: Sequence[_Part], part: _Part) -> list[_Part]:
    """Add values to the parts about a field. What they exclude stays excluded, unless the new part asks for it."""
    values = set().union(*map(_values, part.tests))
    exclusions = [other for other in own if all(map(_is_exclusion, other.tests))]
    alternatives = [other for other in own if other not in exclusions] or exclusions
    lasting = [
        other
        for other in exclusions
        if other not in alternatives and not values & set().union(*map(_values, other.tests))
    ]
    wider = any_of(all_of(*(other.filter for other in alternatives)), part.filter)
    assert wider
    return [_Part(wider, (*(c for other in alternatives for c in other.conditions), *part.conditions)), *lasting]


def _bounded(own: Sequence[_Part], part: _Part, today: dt.date) -> Iterator[_Part]:
    """Yield what new limits leave of the parts about a field: exclusions, and a limit on the other side."""
    for other in own:
        if all(map(_is_exclusion, other.tests)):
            yield other
        elif all(map(_is_limit, other.tests)) and (opposite := _opposite(other, part, today)):
            yield opposite


def _opposite(other: _Part, part: _Part, today: dt.date) -> _Part | None:
    """Return the limits of `other` on the side that `part` leaves open, unless no value can be within all of them."""
    sides = set().union(*map(_sides, part.tests))
    limits = [(test, limit) for test in other.tests for limit in _limits(test) if not _sides(limit) & sides]
    new_limits = [new for test in part.tests for new in _limits(test)]
    if not all(_meet(limit, new, today) for _, limit in limits for new in new_limits):
        return None
    node = all_of(*(limit for _, limit in limits))
    halves = dict(limits)
    conditions = tuple(replace(c, test=halves[c.test]) for c in other.conditions if c.test in halves)
    return _Part(node, conditions) if node else None


def _meet(one: Comparison, other: Comparison, today: dt.date) -> bool:
    """Return whether a value can be within both limits, one of which is low and one high."""
    low, high = (one, other) if "low" in _sides(one) else (other, one)
    low, high = filters.resolve(low, today), filters.resolve(high, today)  # type: ignore[assignment]
    try:
        return low.value < high.value or (low.value == high.value and low.op == ">=" and high.op == "<=")  # type: ignore[operator]
    # The two may have different types, such as a date and an instant: the search engine will know.
    except TypeError:
        return True


def _limits(test: Test) -> list[Comparison]:
    """Split a test of an order into its limits."""
    match test:
        case Between(name, low, high):
            return [Comparison(">=", name, low), Comparison("<=", name, high)]
        case Comparison():
            return [test]
    raise ValueError(f"not a limit: {test}")


def _sides(test: Test) -> set[Side]:
    match test:
        case Comparison("<" | "<="):
            return {"high"}
        case Comparison(">" | ">="):
            return {"low"}
        case Between():
            return {"low", "high"}
    return set()


def _is_limit(test: Test) -> bool:
    return bool(_sides(test))


def _is_exclusion(test: Test) -> bool:
    return isinstance(test, Not) or (isinstance(test, Comparison) and test.op == "<>")


def _values(test: Filter) -> set[Any]:
    """Return the values that a test asks for, or excludes."""
    match test:
        case Not(arg):
            return _values(arg)
        case Comparison("=" | "<>", _, value):
            return {value}
        case OneOf(_, values):
            return set(values)
        case Contains(_, text):
            return {text.casefold()}
        case IsNull():
            return {None}
    return set()


def _only(part: _Part, excluded: set[Any]) -> bool:
    """Return whether the part asks for nothing but what is now excluded."""
    values = [_values(test) for test in part.tests]
    return not any(map(_is_exclusion, part.tests)) and all(own and own <= excluded for own in values)


def _field(test: Test) -> str:
    return next(leaves(test)).field
