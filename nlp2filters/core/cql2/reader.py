"""Read CQL2-JSON into the filter tree: the part of the standard that the tree can mean, and nothing else.

Nothing is dropped: an unknown member, a pattern or an operator that cannot be meant here is refused, with a form that
works. A test of a property that holds a list is a test of its elements, of which one has to pass.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from nlp2filters.core.cql2 import text
from nlp2filters.core.cql2.patterns import read_pattern
from nlp2filters.core.cql2.refusals import ARRAYS, CASES_OF_ELEMENTS, ONE_SIDED, REFUSED
from nlp2filters.core.cql2.scalars import instant_from_json, scalar_from_json
from nlp2filters.core.cql2.temporal import MIRRORED, relation
from nlp2filters.core.filters import (
    READ_LIMITS,
    And,
    Between,
    Comparison,
    Contains,
    Filter,
    IsNull,
    Leaf,
    Limits,
    Not,
    OneOf,
    Operator,
    Or,
    Scalar,
    leaves,
)
from nlp2filters.errors import InvalidFilter, Violation

# The comparison that holds with its sides exchanged.
_MIRRORED: dict[Operator, Operator] = {"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


@dataclass(frozen=True, slots=True)
class Place:
    """The pointer of a test in the data. A `verbatim` one has the parts of the form that `to_cql2` writes."""

    pointer: str
    verbatim: bool


@dataclass(frozen=True, slots=True)
class Reading:
    """A filter, and the places of its tests from left to right."""

    filter: Filter
    places: tuple[Place, ...]


def from_cql2(data: Any, *, stored: bool = False) -> Filter:
    """Read CQL2-JSON, or CQL2-text in a string.

    Bare boolean properties are read as well, which the standard does not have.

    Upper and lower case differ unless both sides are in `casei`. In what the service has `stored`, the field decides.

    Raises:
        InvalidFilter: with a pointer to the first part that is not understood.
    """
    return read(text.parse(data) if isinstance(data, str) else data, stored=stored).filter


def read(data: Any, *, stored: bool = False, limits: Limits = READ_LIMITS) -> Reading:
    """Read CQL2-JSON as `from_cql2` does, and note where each test stands."""
    reader = _Reader(stored, limits)
    return Reading(reader.node(data, "", 1, negated=False), tuple(reader.places))


@dataclass(frozen=True, slots=True)
class _Operand:
    """One side of a comparison: a property or a value; `folded` if it is in `casei`."""

    at: str
    name: str | None = None
    value: Scalar = ""
    folded: bool = False


@dataclass
class _Reader:
    stored: bool
    limits: Limits
    nodes: int = 0
    literals: int = 0
    places: list[Place] = field(default_factory=list)

    def node(self, data: Any, at: str, depth: int, *, negated: bool) -> Filter:
        self.count(at, depth)
        match data:
            case {"property": str(name), **rest} if not rest:
                return self.test(Comparison("=", name, True), at, verbatim=False)
            case {"op": str(op), "args": list(args), **rest} if not rest:
                return self.expression(op, args, at, depth, negated=negated)
            case {"op": _, "args": _, **rest} | {"property": _, **rest} if rest:
                raise refusal(at, f"Unknown members beside {_shown(data)}: {', '.join(map(repr, rest))}. Remove them.")
            case bool():
                raise refusal(at, "A filter that is always true or false selects all or nothing. Leave it out.")
            case _:
                raise refusal(at, 'Expected a CQL2-JSON expression: an object with "op" and "args".')

    def count(self, at: str, depth: int) -> None:
        self.nodes += 1
        if depth > self.limits.depth:
            raise refusal(at, f"A filter may be {self.limits.depth} levels deep at the most.")
        if self.nodes > self.limits.nodes:
            raise refusal(at, f"A filter may have {self.limits.nodes:,} parts at the most. Use `in` for lists.")

    def test(self, leaf: Leaf, at: str, *, verbatim: bool = True) -> Leaf:
        self.places.append(Place(at, verbatim))
        return leaf

    def expression(self, op: str, args: list[Any], at: str, depth: int, *, negated: bool) -> Filter:
        match op, args:
            case "and" | "or", [_, _, *_]:
                return self.joined(op, args, at, depth, negated=negated)
            case "not", [{"op": "a_equals", "args": [{"property": str(name)}, []]}] if not negated:
                # Written for lists by `standard`; an empty list counts as no value.
                return Not(self.test(IsNull(name), f"{at}/args/0", verbatim=False))
            case "not", [arg]:
                return Not(self.node(arg, f"{at}/args/0", depth + 1, negated=not negated))
            case _, [*_] if read_test := _TESTS.get(op):
                operands, parse = read_test
                if len(args) != operands:
                    raise refusal(f"{at}/args", f"{op!r} takes {operands} arguments, not {len(args)}.")
                return parse(self, op, args, at)
            case "and" | "or", _:
                raise refusal(f"{at}/args", f"{op!r} joins two filters or more.")
            case "not", _:
                raise refusal(f"{at}/args", "'not' takes one filter.")
            case _:
                raise refusal(
                    at, REFUSED.get(op) or f"The function or operator {op!r:.50} is unknown. Compare a property."
                )

    def joined(self, op: str, args: list[Any], at: str, depth: int, *, negated: bool) -> Filter:
        empties = _tests_of_emptiness(args) if op == "or" else set()
        parts = tuple(
            self.node(arg, f"{at}/args/{index}", depth + 1, negated=negated)
            for index, arg in enumerate(args)
            if index not in empties
        )
        if len(parts) == 1:
            return parts[0]
        return And(parts) if op == "and" else Or(parts)

    def comparison(self, op: str, args: list[Any], at: str) -> Filter:
        sides = [self.operand(arg, f"{at}/args/{index}") for index, arg in enumerate(args)]
        match sides:
            case [_Operand(name=str()) as of, _Operand(name=None) as value]:
                return self.compared(cast(Operator, op), of, value, at)
            case [_Operand(name=None) as value, _Operand(name=str()) as of]:
                return self.compared(_MIRRORED[cast(Operator, op)], of, value, at, verbatim=False)
            case [_Operand(name=str()), _]:
                raise refusal(at, "Two properties cannot be compared. Compare a property with a value.")
            case _:
                raise refusal(at, 'Compare a {"property": …} with a value, not two values.')

    def compared(self, op: Operator, of: _Operand, value: _Operand, at: str, *, verbatim: bool = True) -> Leaf:
        assert of.name is not None
        exact = self.exact(of, [value], at)
        return self.test(Comparison(op, of.name, value.value, exact), at, verbatim=verbatim)

    def exact(self, of: _Operand, values: list[_Operand], at: str) -> bool:
        """Return whether upper and lower case differ in a test: unless `casei` is around both of its sides.

        Around the property alone it can be meant if the value has no capitals.
        """
        strings = [value for value in values if isinstance(value.value, str)]
        if not of.folded:
            if folded := next((value for value in values if value.folded), None):
                raise refusal(folded.at, ONE_SIDED)
            return bool(strings) and not self.stored
        for value in values:
            if not isinstance(value.value, str):
                raise refusal(value.at, "`casei` is for strings.")
            if not value.folded and value.value != value.value.casefold():
                raise refusal(value.at, ONE_SIDED)
        return False

    def operand(self, data: Any, at: str) -> _Operand:
        match data:
            case {"property": str(name), **rest} if not rest:
                return _Operand(at, name)
            case {"op": "casei", "args": [arg], **rest} if not rest:
                inner = self.operand(arg, f"{at}/args/0")
                if inner.name is None and not isinstance(inner.value, str):
                    raise refusal(at, "`casei` is for strings.")
                return _Operand(inner.at, inner.name, inner.value, folded=True)
            case {"op": str(op)}:
                raise refusal(
                    at, REFUSED.get(op) or f"The function {op!r:.50} is unknown. Compare a property with a value."
                )
            case {"property": _}:
                raise refusal(at, f"A property has its name only: {_shown(data)}.")
            case {"interval": _}:
                raise refusal(at, "An interval is for t_intersects, t_disjoint, t_before and t_after.")
            case [*_]:
                raise refusal(at, "A list of values is for `in`, a_contains and a_overlaps.")
            case _:
                self.literal(at)
                return _Operand(at, value=scalar_from_json(data, at))

    def literal(self, at: str) -> None:
        self.literals += 1
        if self.literals > self.limits.literals:
            raise refusal(at, f"A filter may have {self.limits.literals:,} values at the most.")

    def property(self, data: Any, at: str) -> str:
        of = self.operand(data, at)
        if of.name is None or of.folded:
            raise refusal(at, 'Expected a {"property": …}.')
        return of.name

    def between(self, _: str, args: list[Any], at: str) -> Filter:
        of = self.operand(args[0], f"{at}/args/0")
        low, high = (self.operand(arg, f"{at}/args/{index}") for index, arg in enumerate(args[1:], 1))
        if of.name is None or of.folded or low.name is not None or high.name is not None:
            raise refusal(at, "Expected a property between two values. Write other limits with < and >.")
        return self.test(Between(of.name, low.value, high.value), at)

    def one_of(self, _: str, args: list[Any], at: str) -> Filter:
        of = self.operand(args[0], f"{at}/args/0")
        if of.name is None:
            raise refusal(f"{at}/args/0", "Expected a property, then a list of values.")
        values = self.values(args[1], f"{at}/args/1")
        exact = self.exact(of, values, at)
        return self.test(OneOf(of.name, tuple(value.value for value in values), exact), at)

    def values(self, data: Any, at: str) -> list[_Operand]:
        if not isinstance(data, list) or not data:
            raise refusal(at, "Expected a list of one value or more.")
        values = [self.operand(item, f"{at}/{index}") for index, item in enumerate(data)]
        if reference := next((value for value in values if value.name is not None), None):
            raise refusal(reference.at, "Expected a value, not a property.")
        return values

    def is_null(self, _: str, args: list[Any], at: str) -> Filter:
        return self.test(IsNull(self.property(args[0], f"{at}/args/0")), at)

    def like(self, _: str, args: list[Any], at: str) -> Filter:
        of, pattern = self.operand(args[0], f"{at}/args/0"), self.operand(args[1], f"{at}/args/1")
        if of.name is None or pattern.name is not None or not isinstance(pattern.value, str):
            raise refusal(at, "Expected a property like a pattern.")
        exact = self.exact(of, [pattern], at)
        try:
            words, anchor = read_pattern(pattern.value)
        except ValueError as exc:
            raise refusal(pattern.at, str(exc)) from exc
        if anchor is None:
            return self.test(Comparison("=", of.name, words, exact), at)
        return self.test(Contains(of.name, words, anchor, exact), at)

    def temporal(self, op: str, args: list[Any], at: str) -> Filter:
        """Read a temporal function of a property, or of an interval between two, and a fixed instant or interval."""
        mine = 0 if (names := self.properties(args[0], f"{at}/args/0")) else 1
        names = names or self.properties(args[1], f"{at}/args/1")
        if not names:
            raise refusal(at, "Compare a property, or an interval between two, with an instant or an interval.")
        ends = self.interval(args[1 - mine], f"{at}/args/{1 - mine}")
        try:
            test = relation(MIRRORED[op] if mine else op, names, ends)
        except ValueError as exc:
            raise refusal(at, str(exc)) from exc
        for leaf in leaves(test):
            self.count(at, 1)
            self.test(leaf, at, verbatim=False)
        return test

    def properties(self, data: Any, at: str) -> tuple[str, str] | None:
        """Return the properties between which an interval lies, or the one that is an instant, twice."""
        match data:
            case {"property": str(name), **rest} if not rest:
                return name, name
            case {"interval": [{"property": _} as start, {"property": _} as end], **rest} if not rest:
                return self.property(start, f"{at}/interval/0"), self.property(end, f"{at}/interval/1")
        return None

    def interval(self, data: Any, at: str) -> tuple[Scalar | None, Scalar | None]:
        """Return both ends of an interval, None for an open one. An instant is its own start and end."""
        match data:
            case {"interval": [start, end], **rest} if not rest:
                start, end = (
                    None if text == ".." else self.end(text, f"{at}/interval/{index}")
                    for index, text in enumerate((start, end))
                )
                return start, end
            case {"date": _} | {"timestamp": _} | {"relative": _}:
                instant = self.operand(data, at).value
                return instant, instant
        raise refusal(at, 'Expected a {"date": …}, a {"timestamp": …} or an {"interval": […]} of such.')

    def end(self, data: Any, at: str) -> Scalar:
        if not isinstance(data, str):
            raise refusal(at, "Both ends of an interval are instants here, or both are properties.")
        self.literal(at)
        return instant_from_json(data, at)

    def array(self, op: str, args: list[Any], at: str) -> Filter:
        """Read `a_contains` and `a_overlaps`, whose sides may be exchanged: `a_overlaps` says the same both ways."""
        index = 1 if isinstance(args[0], list) else 0
        if index and op == "a_contains":
            raise refusal(at, ARRAYS)
        name = self.property(args[index], f"{at}/args/{index}")
        values = self.values(args[1 - index], f"{at}/args/{1 - index}")
        if folded := next((value for value in values if value.folded), None):
            raise refusal(folded.at, CASES_OF_ELEMENTS)
        scalars = [value.value for value in values]
        exact = self.exact(_Operand(at, name), values, at)
        if op == "a_overlaps" and len(scalars) > 1:
            return self.test(OneOf(name, tuple(scalars), exact), at, verbatim=False)
        tests: list[Filter] = []
        for scalar in scalars:
            if tests:
                self.count(at, 1)
            is_exact = exact and isinstance(scalar, str)
            tests.append(self.test(Comparison("=", name, scalar, is_exact), at, verbatim=False))
        return And(tuple(tests)) if len(tests) > 1 else tests[0]


_Parse = Callable[[_Reader, str, list[Any], str], Filter]

# The operators that test a property: their number of arguments, and the method that reads them.
_TESTS: dict[str, tuple[int, _Parse]] = {
    **dict.fromkeys(_MIRRORED, (2, _Reader.comparison)),
    "between": (3, _Reader.between),
    "in": (2, _Reader.one_of),
    "isNull": (1, _Reader.is_null),
    "like": (2, _Reader.like),
    **dict.fromkeys(MIRRORED, (2, _Reader.temporal)),
    **dict.fromkeys(("a_contains", "a_overlaps"), (2, _Reader.array)),
}


def _tests_of_emptiness(args: list[Any]) -> set[int]:
    """Return the indexes of the tests of an empty list beside `isNull` of the same property, which includes them."""
    tested = {
        arg["args"][0]["property"]
        for arg in args
        if isinstance(arg, dict) and arg.get("op") == "isNull" and _is_property(arg.get("args"))
    }
    return {
        index
        for index, arg in enumerate(args)
        if isinstance(arg, dict)
        and arg.keys() == {"op", "args"}
        and arg["op"] == "a_equals"
        and any(arg["args"] == [{"property": name}, []] for name in tested)
    }


def _is_property(args: Any) -> bool:
    match args:
        case [{"property": str()}]:
            return True
    return False


def refusal(at: str, detail: str) -> InvalidFilter:
    """Create the error for a filter that is refused."""
    return InvalidFilter([Violation(at, detail)])


def unknown(op: str, at: str) -> InvalidFilter:
    """Create the error for an operator that cannot be meant."""
    return refusal(at, REFUSED.get(op) or f"The operator or function {op!r:.50} is unknown. Compare a property.")


def _shown(data: Mapping[str, Any]) -> str:
    return repr(data.get("op") or data.get("property"))[:50]
