"""Validation of a filter against its catalog: known fields, allowed operators, values of the right type.

The author of a filter (the parser, an LLM, a caller) may spell a value in more ways than the catalog
does: "30" for 30, "JAPAN" for Japan. Unambiguous values are normalized; anything else is a fault that
says what is allowed.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast, get_args

from rapidfuzz import process, utils

from nlp2filters.core.catalog import STRINGS, Catalog, Field, applicable
from nlp2filters.core.cql2 import reader, text
from nlp2filters.core.cql2.reader import Place
from nlp2filters.core.filters import (
    LIMITS,
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
    Relative,
    Scalar,
    leaves,
    negate,
    operator_of,
)
from nlp2filters.core.interpretation import Direction, Sort
from nlp2filters.core.values import MAX_TEXT, Rounding, checked_text, coerce, shown
from nlp2filters.errors import InvalidCatalog, InvalidFilter, Violation

# A fault lists everything that is allowed, up to this many.
_ALL_NAMED = 10
# At most this many faults of a filter suggest the nearest names, since finding them takes a while.
_MAX_SUGGESTIONS = 3
# The nearest names are searched for among at most this many.
_MAX_COMPARED = 10_000
# At most this many faults of a filter are reported.
_MAX_VIOLATIONS = 100


def operators(field: Field) -> tuple[str, ...]:
    """Return the operators that a condition on the field may have, named as by `operator_of`."""
    return field.operators or applicable(field.type, many=field.many)


def allows(catalog: Catalog, test: Leaf | Not) -> bool:
    """Return whether the field of a test, which must be known, allows its operator."""
    (leaf,) = leaves(test)
    return operator_of(test) in operators(catalog.by_name[leaf.field])


def own_scope(catalog: Catalog) -> Filter | None:
    """Check and return the catalog's own scope.

    Raises:
        InvalidCatalog: with every fault, pointing into the catalog.
    """
    if catalog.scope is None:
        return None
    try:
        return read(catalog.scope, catalog)
    except InvalidFilter as exc:
        raise InvalidCatalog(
            [Violation(f"/scope{violation.pointer}", violation.detail) for violation in exc.violations]
        ) from exc


def read(cql2: Any, catalog: Catalog, limits: Limits = LIMITS) -> Filter:
    """Read a filter that a caller wrote as CQL2-JSON, or as CQL2-text in a string, and check it as a trusted one.

    Raises:
        InvalidFilter: with every fault, each pointing into the JSON; of a text, the detail says where.
    """
    data = text.parse(cql2) if isinstance(cql2, str) else cql2
    try:
        reading = reader.read(data, limits=limits)
        return _checked(_Check(catalog, trusted=True, limits=limits, places=reading.places), reading.filter, "")
    except InvalidFilter as exc:
        faults = [_located(fault, data) for fault in exc.violations]
        if isinstance(cql2, str):
            faults = [Violation("", f"{fault.detail} ({text.position(data, fault.pointer)})") for fault in faults]
        raise InvalidFilter(faults) from exc


def _located(fault: Violation, data: Any) -> Violation:
    """Cut a pointer where the data ends: the form that a fault points into has parts that the caller's may lack."""
    pointer = ""
    for key in fault.pointer.split("/")[1:]:
        try:
            data = data[int(key) if isinstance(data, list) else key]
        except (KeyError, IndexError, ValueError, TypeError):
            break
        pointer += f"/{key}"
    return Violation(pointer, fault.detail)


def check(filter: Filter, catalog: Catalog, at: str = "", *, trusted: bool = False) -> Filter:  # noqa: A002
    """Return the filter with its values in the form and spelling of the catalog.

    Numbers, dates and booleans given as strings are converted to the field's type. Known values take their
    stored spelling. An instant is converted to UTC; without an offset it is taken as UTC. Swapped limits of
    `Between` are exchanged, and fractional limits of an integer field move to the whole numbers inside.
    A `trusted` filter, such as a scope, may use operators that the catalog does not allow in a text, but is not mended:
    swapped limits are a fault.

    Raises:
        InvalidFilter: with every fault, each pointing into the filter's CQL2-JSON, after the prefix `at`.
    """
    return _checked(_Check(catalog, trusted=trusted), filter, at)


def _checked(run: "_Check", filter: Filter, at: str) -> Filter:  # noqa: A002
    checked = run.node(filter, at, 1)
    if run.nodes > run.limits.nodes:
        run.violation(at, f"The filter has {run.nodes:,} parts; {run.limits.nodes:,} are allowed.")
    if run.literals > run.limits.literals:
        run.violation(at, f"The filter has {run.literals:,} values; {run.limits.literals:,} are allowed.")
    if run.violations:
        raise InvalidFilter(run.violations)
    return checked


def check_sort(sorts: Sequence[Sort], catalog: Catalog, at: str = "") -> tuple[Sort, ...]:
    """Check sorts and return them unchanged.

    Raises:
        InvalidFilter: with every fault, pointing into the list of `{"field", "direction"}`.
    """
    run = _Check(catalog)
    for index, sort in enumerate(sorts):
        key = run.field(sort.field, f"{at}/{index}/field")
        if key and (key.type == "geo" or key.many):
            kind = "a list" if key.many else "a place"
            run.violation(f"{at}/{index}/field", f"{key.name!r} is {kind}, which has no order. Sort by another field.")
        if sort.direction not in get_args(Direction):
            run.violation(f"{at}/{index}/direction", 'The direction must be "asc" or "desc".')
    if run.violations:
        raise InvalidFilter(run.violations)
    return tuple(sorts)


@dataclass
class _Check:
    """One walk over a filter. It goes on after a fault, so that all are reported at once."""

    catalog: Catalog
    trusted: bool = False
    limits: Limits = LIMITS
    places: Sequence[Place] = ()
    leaves: int = 0
    nodes: int = 0
    literals: int = 0
    suggestions: int = 0
    place: Place | None = None
    violations: list[Violation] = field(default_factory=list)

    def violation(self, at: str, detail: str) -> None:
        if self.place and not self.place.verbatim:
            at = self.place.pointer
        if len(self.violations) < _MAX_VIOLATIONS:
            self.violations.append(Violation(at, detail))

    def node(self, node: Filter, at: str, depth: int, *, negated: bool = False) -> Filter:
        self.nodes += 1
        self.place = None
        if depth > self.limits.depth:
            self.violation(at, f"The filter is nested deeper than {self.limits.depth} levels.")
            return node
        match node:
            case Not(arg):
                return Not(self.node(arg, f"{at}/args/0", depth + 1, negated=not negated))
            case And(args) | Or(args):
                if len(args) < 2:
                    self.violation(f"{at}/args", "AND and OR join two filters or more.")
                parts = (self.node(arg, f"{at}/args/{i}", depth + 1, negated=negated) for i, arg in enumerate(args))
                return replace(node, args=tuple(parts))
            case _:
                return self.leaf(node, at, negated=negated)

    def leaf(self, leaf: Leaf, at: str, *, negated: bool) -> Filter:
        if self.places:
            self.place = self.places[self.leaves]
            self.leaves += 1
            at = self.place.pointer
        inside = "/args/0/args/0" if isinstance(leaf, Contains) else "/args/0"
        of = self.field(leaf.field, f"{at}{inside}/property")
        if not of or not self.is_allowed(leaf, of, f"{at}/op", negated=negated):
            return leaf
        match leaf:
            case Comparison(op, _, value):
                self.literals += 1
                checked = self.value(value, of, f"{at}/args/1", _rounding(op))
                return replace(leaf, value=checked, exact=leaf.exact and _has_cases(of))
            case Between():
                return self.between(leaf, of, at)
            case OneOf():
                return self.one_of(leaf, of, f"{at}/args/1")
            case Contains(_, words):
                self.literals += 1
                return replace(leaf, text=self.words(words, f"{at}/args/1/args/0"))
            case IsNull():
                return leaf

    def is_allowed(self, leaf: Leaf, of: Field, at: str, *, negated: bool) -> bool:
        operator = _operator(leaf, negated=negated)
        allowed = applicable(of.type, many=of.many) if self.trusted else operators(of)
        if operator not in allowed:
            kind = f"a list of {of.type}" if of.many else f"a {of.type} field"
            self.violation(at, f"{operator!r} does not apply to {of.name!r}, {kind}. Allowed: {', '.join(allowed)}.")
        return operator in allowed

    def between(self, leaf: Between, of: Field, at: str) -> Between:
        limits = [(leaf.low, f"{at}/args/1"), (leaf.high, f"{at}/args/2")]
        self.literals += 2
        if _swapped(leaf.low, leaf.high, of):
            if self.trusted:
                self.violation(f"{at}/args/1", "The first limit is above the second. Exchange them.")
            limits.reverse()
        (low, at_low), (high, at_high) = limits
        return Between(of.name, self.value(low, of, at_low, "up"), self.value(high, of, at_high, "down"))

    def one_of(self, leaf: OneOf, of: Field, at: str) -> OneOf:
        if not leaf.values:
            self.violation(at, "The list of values is empty; give one or more.")
        room = max(0, self.limits.literals - self.literals)
        self.literals += len(leaf.values)
        values = tuple(dict.fromkeys(self.value(value, of, f"{at}/{i}") for i, value in enumerate(leaf.values[:room])))
        if of.type == "datetime":
            # A day is a range of instants, so each one is a test of its own.
            self.nodes += sum(not isinstance(value, dt.datetime) for value in values)
        return replace(leaf, values=values, exact=leaf.exact and _has_cases(of))

    def field(self, name: str, at: str) -> Field | None:
        of = self.catalog.by_name.get(name)
        if not of:
            self.violation(at, f"There is no field {shown(name)}. {self.allowed(name, list(self.catalog.by_name))}")
        return of

    def allowed(self, name: str, names: Sequence[str]) -> str:
        """Return the sentence that says what is allowed, the most similar first."""
        if len(names) <= _ALL_NAMED:
            return f"Allowed: {', '.join(names)}."
        self.suggestions += 1
        return _nearest(name, names) if self.suggestions <= _MAX_SUGGESTIONS else f"There are {len(names)}."

    def value(self, value: Scalar, of: Field, at: str, rounding: Rounding | None = None) -> Scalar:
        try:
            return self.stored(value, of) if of.type in STRINGS else coerce(value, of, rounding)
        except ValueError as exc:
            self.violation(at, str(exc))
            return value

    def stored(self, value: Scalar, of: Field) -> str:
        """Return the value in its stored spelling."""
        if isinstance(value, int | float) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str):
            raise ValueError(f"Expected a string, not {shown(value)}.")
        if (stored := self.catalog.stored_value(of, value)) is not None:
            return stored
        if of.closed:
            names = [one.value for one in of.values]
            raise ValueError(f"{shown(value)} is not a value of {of.name!r}. {self.allowed(value, names)}")
        return checked_text(value)

    def words(self, text: str, at: str) -> str:
        try:
            if not isinstance(text, str) or not text.strip():
                raise ValueError("Expected the words to look for. To ask for any value, negate isNull.")
            return checked_text(text)
        except ValueError as exc:
            self.violation(at, str(exc))
            return text


def _operator(leaf: Leaf, *, negated: bool) -> str:
    """Return the operator of a test, or the opposite one if the test is negated. A boolean has no opposite one."""
    is_boolean = isinstance(leaf, Comparison) and isinstance(leaf.value, bool)
    return operator_of(cast(Leaf | Not, negate(leaf)) if negated and not is_boolean else leaf)


def _has_cases(of: Field) -> bool:
    """Return whether upper and lower case can be told apart: known values have one spelling."""
    return of.type in STRINGS and not of.closed


def _rounding(op: Operator) -> Rounding | None:
    """Return the way to round a limit on whole numbers: `> 2.5` becomes `> 2`, and `< 2.5` becomes `< 3`."""
    roundings: dict[Operator, Rounding] = {"<": "up", ">=": "up", "<=": "down", ">": "down"}
    return roundings.get(op)


def _swapped(low: Scalar, high: Scalar, of: Field) -> bool:
    """Return whether both limits are known and in the wrong order. Relative dates are not known yet."""
    numeric = replace(of, type="number") if of.type == "integer" else of
    try:
        low, high = coerce(low, numeric), coerce(high, numeric)
    except ValueError:
        return False
    if isinstance(low, Relative) or isinstance(high, Relative):
        return False
    return _as_instant(low) > _as_instant(high)  # type: ignore[operator]  # both are of the field's type


def _as_instant(value: Scalar) -> Scalar:
    """Return a day as an instant: a datetime field may have a day on one side and an instant on the other."""
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return dt.datetime.combine(value, dt.time(), dt.UTC)
    return value


def _nearest(name: str, names: Sequence[str]) -> str:
    similar = process.extract(name[:MAX_TEXT], names[:_MAX_COMPARED], processor=utils.default_process, limit=3)
    return f"The nearest of {len(names)}: {', '.join(other for other, _, _ in similar)}."
