"""Contradictions: tests of a filter that no record can pass together, or none at all.

A reading with a contradiction is never given without a question that says what clashes, whoever wrote the filter: the
built-in parser, an LLM, or a text that refines an earlier one.
"""

import datetime as dt
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, islice
from typing import TypeAlias, cast

from nlp2filters.core.catalog import ORDERED, STRINGS, TEMPORAL, Catalog, Field
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
    Operator,
    Or,
    RelativeDate,
    Scalar,
    all_of,
    leaves,
    push_not_inward,
)
from nlp2filters.core.interpretation import Clarification, Interpretation

Test: TypeAlias = Leaf | Not
# Closed intervals in ascending order, of numbers or of whole days or microseconds.
Ranges: TypeAlias = tuple[tuple[float, float], ...]

# The search looks at this many conjunctions of tests, and at this many pairs in each. It takes the rest to match.
MAX_CONJUNCTIONS = 256
MAX_PAIRS = 200
# A question has at most this many choices.
MAX_CHOICES = 4
LEAVE_OUT = "Leave this condition out"

_EVERYTHING: Ranges = ((-math.inf, math.inf),)
_DAY = 24 * 60 * 60 * 1_000_000
_EPOCH = dt.datetime(1, 1, 1)


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Tests that clash, and why: a clause to follow their quotes."""

    tests: tuple[Test, ...]
    reason: str


def with_question(reading: Interpretation, catalog: Catalog, today: dt.date) -> Interpretation:
    """Return the reading with a question about what clashes in it, if anything does, in place of any other."""
    contradiction = find(reading.filter, catalog, today) if reading.filter else None
    return replace(reading, clarification=_question(contradiction, reading, catalog)) if contradiction else reading


def _question(contradiction: Contradiction, reading: Interpretation, catalog: Catalog) -> Clarification:
    quotes = {condition.test: condition.quote for condition in reading.conditions}
    quoted = [f"“{quotes.get(test) or sentence(test, catalog)}”" for test in contradiction.tests[:MAX_CHOICES]]
    choices = list(dict.fromkeys(sentence(test, catalog) for test in contradiction.tests[:MAX_CHOICES]))
    if len(choices) == 1:
        choices.append(LEAVE_OUT)
    return Clarification(f"What does {' with '.join(quoted)} mean? {contradiction.reason}.", tuple(choices))


def find(node: Filter, catalog: Catalog, today: dt.date) -> Contradiction | None:
    """Find tests that nothing can match, or of which one makes another pointless ("over 2, exactly 5")."""
    return _Search(catalog, today, iter(range(MAX_CONJUNCTIONS))).in_node(push_not_inward(node), ())


@dataclass(frozen=True, slots=True)
class _Search:
    """One search; each conjunction takes one of the `places`."""

    catalog: Catalog
    today: dt.date
    places: Iterator[int]

    def in_node(self, node: Filter, context: tuple[Filter, ...]) -> Contradiction | None:
        """Search a node that must hold together with its context."""
        contradiction = self._in_conjunctions(all_of(*context, node))
        if contradiction:
            return contradiction
        args = node.args if isinstance(node, And) else (node,)
        for at, arg in enumerate(args):
            if isinstance(arg, Or):
                beside = (*context, *args[:at], *args[at + 1 :])
                branches = (self.in_node(branch, beside) for branch in arg.args)
                if contradiction := next(filter(None, branches), None):
                    return contradiction
        return self._pointless([arg for arg in args if not isinstance(arg, And | Or)])

    def _in_conjunctions(self, node: Filter | None) -> Contradiction | None:
        """Return a contradiction of the first conjunction, if each of them has one."""
        first = None
        for conjunction in _conjunctions(node) if node else ():
            contradiction = self._in_conjunction(conjunction) if next(self.places, None) is not None else None
            if not contradiction:
                return None
            first = first or contradiction
        return first

    def _in_conjunction(self, tests: Sequence[Test]) -> Contradiction | None:
        by_field: dict[str, list[Test]] = defaultdict(list)
        for test in dict.fromkeys(tests):
            by_field[_field(test)].append(test)
        groups = ((self.catalog.by_name[name], own) for name, own in by_field.items())
        return next(filter(None, (self._in_field(field, own) for field, own in groups)), None)

    def _in_field(self, field: Field, tests: Sequence[Test]) -> Contradiction | None:
        nulls = [test for test in tests if isinstance(test, IsNull)]
        if nulls and not field.nullable:
            return Contradiction((nulls[0],), f"{field.title} is never unknown")
        others = [test for test in tests if test not in nulls]
        if nulls and others:
            return Contradiction((nulls[0], others[0]), f"Nothing can be both, since {field.title} is unknown then")
        for test in others:
            if not self._reaches_data(test, field):
                return Contradiction((test,), f"Nothing can match, as far as is known: {self._extent(field)}")
        for together in _compared(others, field):
            if together and not self._satisfiable(together, field):
                clash = self._smallest_clash(together, field)
                return Contradiction(tuple(clash), "Nothing can match all of that at once")
        return None

    def _smallest_clash(self, tests: Sequence[Test], field: Field) -> Sequence[Test]:
        pairs = islice(combinations(tests, 2), MAX_PAIRS)
        return next((pair for pair in pairs if not self._satisfiable(pair, field)), tests)

    def _satisfiable(self, tests: Sequence[Test], field: Field) -> bool:
        """Return whether one value can pass all tests."""
        if field.type in STRINGS:
            return _strings_meet(tests, field)
        common = _domain(field)
        for test in tests:
            common = _intersection(common, self._ranges(test, field))
        return bool(common)

    def _ranges(self, test: Test, field: Field) -> Ranges:
        """Return the values that pass a test."""
        match test:
            case Not(arg):
                return _complement(self._ranges(cast(Leaf, arg), field), field)
            case Comparison("<>", name, value):
                return _complement(self._ranges(Comparison("=", name, value), field), field)
            case Comparison(op, _, value):
                low, high = self._ends(value, field)
                return _sound([_range(op, low, high, discrete=_is_discrete(field))])
            case Between(_, low_value, high_value):
                return _sound([(self._ends(low_value, field)[0], self._ends(high_value, field)[1])])
            case OneOf(_, values):
                return _sound(self._ends(value, field) for value in values)
            case _:
                return _EVERYTHING

    def _ends(self, value: Scalar, field: Field) -> tuple[float, float]:
        """Return the first and the last point of a value: a day of instants is long."""
        if isinstance(value, RelativeDate):
            value = value.resolve(self.today)
        match value:
            case dt.datetime():
                instant = _microseconds(value)
                return (instant // _DAY, instant // _DAY) if field.type == "date" else (instant, instant)
            case dt.date():
                day = value.toordinal() - 1
                return (day, day) if field.type == "date" else (day * _DAY, (day + 1) * _DAY - 1)
            case dt.time():
                clock = _microseconds(dt.datetime.combine(_EPOCH, value.replace(tzinfo=None)))
                return clock, clock
            case int() | float():
                number = _float(value)
                whole = field.type == "integer" and math.isfinite(number)
                return (math.ceil(number), math.floor(number)) if whole else (number, number)
        return -math.inf, math.inf

    def _reaches_data(self, test: Test, field: Field) -> bool:
        """Return whether a test admits values between the least and the greatest that were seen.

        Time passes: what has come since then, up to today, may have been added. Exclusions always admit something.
        """
        if field.type not in ORDERED or _is_exclusion(test) or not isinstance(test, Comparison | Between | OneOf):
            return True
        low, high = self._limits(field)
        first = -math.inf if low is None else self._ends(low, field)[0]
        last = math.inf if high is None else self._ends(high, field)[1]
        # A day in the text is one of the writer's time zone.
        margin = _DAY if field.type == "datetime" else 0
        return bool(_intersection(self._ranges(test, field), ((first - margin, last + margin),)))

    def _limits(self, field: Field) -> tuple[Scalar | None, Scalar | None]:
        low, high = _limit(field, field.minimum), _limit(field, field.maximum)
        if high is not None and field.type in ("date", "datetime"):
            newest = high.date() if isinstance(high, dt.datetime) else cast(dt.date, high)
            high = max(newest, self.today)
        return low, high

    def _extent(self, field: Field) -> str:
        """Describe the values that were seen."""
        low, high = self._limits(field)
        tests: list[Leaf] = []
        if low is not None and high is not None:
            tests.append(Between(field.name, low, high))
        elif low is not None:
            tests.append(Comparison(">=", field.name, low))
        elif high is not None:
            tests.append(Comparison("<=", field.name, high))
        return " ".join(sentence(test, self.catalog) for test in tests)

    def _pointless(self, tests: Sequence[Test]) -> Contradiction | None:
        """Find a limit of a field that must equal a value as well: one of them was not meant so."""
        for one, other in islice(combinations(tests, 2), MAX_PAIRS):
            field = self.catalog.by_name[_field(one)]
            same = _field(other) == field.name and field.type in ORDERED and not field.many
            comparable = same and _has_instant(one) == _has_instant(other)
            if comparable and all(map(_is_limit, (one, other))) and _is_equal(one) != _is_equal(other):
                reason = f"Both are about {field.title}, and one makes the other pointless"
                return Contradiction((one, other), reason)
        return None


def _field(test: Test) -> str:
    return next(leaves(test)).field


def _is_exclusion(test: Test) -> bool:
    return isinstance(test, Not) or (isinstance(test, Comparison) and test.op == "<>")


def _is_limit(test: Test) -> bool:
    return isinstance(test, Comparison | Between) and not _is_exclusion(test)


def _is_equal(test: Test) -> bool:
    return isinstance(test, Comparison) and test.op == "="


def _about_null(test: Test) -> bool:
    return isinstance(next(leaves(test)), IsNull)


def _conjunctions(node: Filter) -> Iterator[tuple[Test, ...]]:
    """Yield the conjunctions of tests whose OR the filter is."""
    match node:
        case Or(args):
            for arg in args:
                yield from _conjunctions(arg)
        case And((first, *rest)):
            remainder = all_of(*rest)
            for tests in _conjunctions(first):
                for others in _conjunctions(remainder) if remainder else ((),):
                    yield (*tests, *others)
        case _:
            yield (cast(Test, node),)


def _compared(tests: Sequence[Test], field: Field) -> Iterator[Sequence[Test]]:
    """Yield the tests that one value must pass together.

    Of a list, each asks for a value of its own, and the exclusions hold for all of them. Days and instants are not
    compared, since that takes the writer's time zone.
    """
    tests = [test for test in tests if not _about_null(test)]
    if field.many:
        exclusions = [test for test in tests if _is_exclusion(test)]
        yield exclusions
        yield from ([test, *exclusions] for test in tests if not _is_exclusion(test))
    elif field.type == "datetime":
        yield [test for test in tests if not _has_instant(test)]
        yield [test for test in tests if _has_instant(test)]
    else:
        yield tests


def _has_instant(test: Test) -> bool:
    match next(leaves(test)):
        case Comparison(value=value):
            return isinstance(value, dt.datetime)
        case Between(low=low, high=high):
            return isinstance(low, dt.datetime) or isinstance(high, dt.datetime)
        case OneOf(values=values):
            return any(isinstance(value, dt.datetime) for value in values)
    return False


def _limit(field: Field, limit: int | float | str | None) -> Scalar | None:
    """Read a limit of the data."""
    if not isinstance(limit, str) or field.type not in TEMPORAL:
        return limit
    if field.type == "date":
        return dt.date.fromisoformat(limit)
    return dt.time.fromisoformat(limit) if field.type == "time" else dt.datetime.fromisoformat(limit)


# intervals


def _is_discrete(field: Field) -> bool:
    """Return whether the values of a field are whole numbers, days or instants, so that each has a neighbor."""
    return field.type in TEMPORAL or field.type in ("integer", "boolean")


def _next(value: float, *, up: bool, discrete: bool) -> float:
    if discrete:
        return value + (1 if up else -1)
    return math.nextafter(value, math.inf if up else -math.inf)


def _range(operator: Operator, low: float, high: float, *, discrete: bool) -> tuple[float, float]:
    """Return the range of a comparison with a value from `low` to `high`: as a whole number, 2.5 is from 3 to 2."""
    match operator:
        case "<":
            return -math.inf, _next(low, up=False, discrete=discrete)
        case "<=":
            return -math.inf, high
        case ">":
            return _next(high, up=True, discrete=discrete), math.inf
        case ">=":
            return low, math.inf
    return low, high


def _microseconds(moment: dt.datetime) -> int:
    """Return the time since the epoch. Without an offset, it is in UTC."""
    since = moment.replace(tzinfo=None) - _EPOCH - (moment.utcoffset() or dt.timedelta())
    return since // dt.timedelta(microseconds=1)


def _float(value: int | float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _domain(field: Field) -> Ranges:
    return ((0, 1),) if field.type == "boolean" else _EVERYTHING


def _sound(ranges: Iterable[tuple[float, float]]) -> Ranges:
    """Sort intervals, and leave out empty ones."""
    return tuple(sorted((low, high) for low, high in ranges if low <= high))


def _intersection(some: Ranges, others: Ranges) -> Ranges:
    return _sound((max(low, first), min(high, last)) for low, high in some for first, last in others)


def _complement(ranges: Ranges, field: Field) -> Ranges:
    rest, discrete = _EVERYTHING, _is_discrete(field)
    for low, high in ranges:
        below = (-math.inf, _next(low, up=False, discrete=discrete))
        above = (_next(high, up=True, discrete=discrete), math.inf)
        rest = _intersection(rest, _sound((below, above)))
    return rest


# strings


def _strings_meet(tests: Sequence[Test], field: Field) -> bool:
    """Return whether one string can pass all tests."""
    admitted: set[str] | None = {value.value.casefold() for value in field.values} if field.closed else None
    excluded: set[str] = set()
    contained: list[tuple[str, bool]] = []
    for test in tests:
        leaf, excludes = next(leaves(test)), _is_exclusion(test)
        values = {str(value).casefold() for value in _values(leaf)}
        if isinstance(leaf, Contains):
            contained.append((leaf.text.casefold(), not excludes))
        elif excludes:
            excluded |= values
        else:
            admitted = values if admitted is None else admitted & values
    if any((text, not contains) in contained for text, contains in contained):
        return False
    if admitted is None:
        return True
    return any(all((text in value) == contains for text, contains in contained) for value in admitted - excluded)


def _values(leaf: Leaf) -> tuple[Scalar, ...]:
    match leaf:
        case Comparison(value=value):
            return (value,)
        case OneOf(values=values):
            return values
    return ()
