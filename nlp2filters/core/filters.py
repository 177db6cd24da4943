"""The filter: a small algebra over the fields of a catalog. `cql2` has its public form.

NULL semantics are those of SQL and CQL2: a test of an unknown value is unknown, `Not` of unknown is
unknown, and a row is selected only where the whole filter is true. So "not Beats" does not select a row
without a brand; every dialect is compiled to agree.
"""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias, cast, get_args

from dateutil.relativedelta import relativedelta

Unit = Literal["day", "week", "month", "quarter", "year"]
ClockUnit = Literal["second", "minute", "hour"]
_CLOCK_UNITS = get_args(ClockUnit)
Operator = Literal["=", "<>", "<", "<=", ">", ">="]


@dataclass(frozen=True, slots=True)
class RelativeDate:
    """A day relative to today: shift by `offset` `unit`s, then go to the first or last day of the `floor`.

    "7 days ago" is `RelativeDate(-7, "day")`, "this year" goes from `RelativeDate(0, "year", "year")` to
    `RelativeDate(0, "year", "year", "last")`.
    """

    offset: int
    unit: Unit
    floor: Unit = "day"
    edge: Literal["first", "last"] = "first"

    def resolve(self, today: dt.date, week_start: int = 0) -> dt.date:
        """Return the calendar day.

        A day outside the years 1 to 9999 becomes the nearest one inside. The week starts on `week_start`: 0 is Monday.
        """
        try:
            return self._day(today, week_start)
        except (OverflowError, ValueError):
            return dt.date.min if (self.offset or today.year - 5000) < 0 else dt.date.max

    def _day(self, today: dt.date, week_start: int) -> dt.date:
        months = {"month": 1, "quarter": 3, "year": 12}.get(self.unit)
        if months:
            day = today + relativedelta(months=months * self.offset)
        else:
            day = today + dt.timedelta(days=self.offset * (7 if self.unit == "week" else 1))
        match self.floor:
            case "year":
                first, length = day.replace(month=1, day=1), relativedelta(months=12)
            case "quarter":
                first, length = day.replace(month=day.month - (day.month - 1) % 3, day=1), relativedelta(months=3)
            case "month":
                first, length = day.replace(day=1), relativedelta(months=1)
            case "week":
                first, length = day - dt.timedelta(days=(day.weekday() - week_start) % 7), relativedelta(days=7)
            case _:
                return day
        return first if self.edge == "first" else first + length - dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class RelativeInstant:
    """An instant relative to now: so many hours, minutes or seconds away, or a `time` of a day that many units away.

    "24 hours ago" is `RelativeInstant(-24, "hour")`, "yesterday at 10 pm" is `RelativeInstant(-1, "day", time(22))`, by
    the clocks in the zone of `now`.
    """

    offset: int
    unit: Unit | ClockUnit
    time: dt.time | None = None

    def resolve(self, now: dt.date) -> dt.datetime:
        """Return the instant, in UTC. A day stands for its midnight in UTC.

        An instant outside the years 1 to 9999 becomes the nearest one inside.
        """
        instant = _instant_of(now)
        try:
            if self.unit in _CLOCK_UNITS:
                return instant.astimezone(dt.UTC) + dt.timedelta(**{f"{self.unit}s": self.offset})
            day = RelativeDate(self.offset, cast(Unit, self.unit)).resolve(instant.date())
            return dt.datetime.combine(day, self.time or instant.time(), instant.tzinfo).astimezone(dt.UTC)
        except OverflowError:
            return (dt.datetime.min if self.offset < 0 else dt.datetime.max).replace(tzinfo=dt.UTC)


def _instant_of(now: dt.date) -> dt.datetime:
    """Return now as an instant, if only the day is known at its midnight in UTC."""
    if isinstance(now, dt.datetime):
        return now if now.tzinfo else now.replace(tzinfo=dt.UTC)
    return dt.datetime.combine(now, dt.time(), dt.UTC)


Relative: TypeAlias = RelativeDate | RelativeInstant
Scalar: TypeAlias = str | bool | int | float | dt.date | dt.datetime | dt.time | Relative


@dataclass(frozen=True, slots=True)
class Limits:
    """The size of a filter at the most: its levels, its nodes (tests, AND, OR and NOT), and the values that it has."""

    depth: int
    nodes: int
    literals: int


# What may be submitted. A list of permitted ids may be long, and takes as much time as memory.
LIMITS = Limits(depth=8, nodes=200, literals=10_000)
# What may be read: more, so that a result, which has scope and filter in the standard's words, may be sent back.
READ_LIMITS = Limits(depth=12, nodes=2_000, literals=25_000)

# The part of a string at which `Contains` looks for its text.
Anchor = Literal["anywhere", "start", "end"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """`field op value`. If it is `exact`, upper and lower case differ even in a field that ignores case."""

    op: Operator
    field: str
    value: Scalar
    exact: bool = False


@dataclass(frozen=True, slots=True)
class Between:
    """`low <= field <= high`."""

    field: str
    low: Scalar
    high: Scalar


@dataclass(frozen=True, slots=True)
class OneOf:
    """The field equals one of `values`; `exact` is as for `Comparison`."""

    field: str
    values: tuple[Scalar, ...]
    exact: bool = False


@dataclass(frozen=True, slots=True)
class Contains:
    """The string field contains, begins or ends with `text`, in upper or lower case unless it is `exact`.

    `text` is literal: no wildcards.
    """

    field: str
    text: str
    anchor: Anchor = "anywhere"
    exact: bool = False


@dataclass(frozen=True, slots=True)
class IsNull:
    """The field's value is unknown."""

    field: str


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite; unknown stays unknown."""

    arg: "Filter"


@dataclass(frozen=True, slots=True)
class And:
    """All of `args` (two or more)."""

    args: "tuple[Filter, ...]"


@dataclass(frozen=True, slots=True)
class Or:
    """At least one of `args` (two or more)."""

    args: "tuple[Filter, ...]"


Leaf: TypeAlias = Comparison | Between | OneOf | Contains | IsNull
Filter: TypeAlias = Leaf | Not | And | Or

NEGATED: dict[Operator, Operator] = {"=": "<>", "<>": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}


def all_of(*filters: Filter | None) -> Filter | None:
    """Join filters by AND, flattened. Absent ones are left out; without any, the result is None."""
    return _join(And, filters)


def any_of(*filters: Filter | None) -> Filter | None:
    """Join filters by OR, flattened. Absent ones are left out; without any, the result is None."""
    return _join(Or, filters)


def _join(kind: type[And] | type[Or], filters: tuple[Filter | None, ...]) -> Filter | None:
    args: list[Filter] = []
    distinct: set[Filter] = set()
    for arg in filters:
        if isinstance(arg, kind):
            args.extend(arg.args)
            distinct.update(arg.args)
        elif arg is not None and arg not in distinct:
            args.append(arg)
            distinct.add(arg)
    return kind(tuple(args)) if len(args) > 1 else args[0] if args else None


def negate(node: Filter) -> Filter:
    """Return the opposite filter, with `Not` only before `Between`, `OneOf`, `Contains` and `IsNull`."""
    match node:
        case Comparison("=", name, bool() as value):
            return Comparison("=", name, not value)
        case Comparison(op):
            return replace(node, op=NEGATED[op])
        case Not(arg):
            return push_not_inward(arg)
        case And(args):
            return Or(tuple(negate(arg) for arg in args))
        case Or(args):
            return And(tuple(negate(arg) for arg in args))
        case _:
            return Not(node)


def push_not_inward(node: Filter) -> Filter:
    """Return the filter in negation normal form. De Morgan's laws hold in three-valued logic too.

    A boolean has no "<>": if it is not true, it is false.
    """
    match node:
        case Not(arg):
            return negate(arg)
        case And(args):
            return And(tuple(push_not_inward(arg) for arg in args))
        case Or(args):
            return Or(tuple(push_not_inward(arg) for arg in args))
        case Comparison("<>", name, bool() as value):
            return Comparison("=", name, not value)
        case _:
            return node


def leaves(node: Filter | None) -> Iterator[Leaf]:
    """Yield the tests of a filter, from left to right, without their negations."""
    match node:
        case None:
            return
        case Not(arg):
            yield from leaves(arg)
        case And(args) | Or(args):
            for arg in args:
                yield from leaves(arg)
        case _:
            yield node


def tests(node: Filter | None) -> Iterator[Leaf | Not]:
    """Yield the tests of a filter in negation normal form, from left to right, each with its negation."""
    match node:
        case None:
            return
        case And(args) | Or(args):
            for arg in args:
                yield from tests(arg)
        case _:
            yield node


def operator_of(test: Leaf | Not) -> str:
    """Return the operator of a test in negation normal form, as catalogs and conditions name it: "=" or "not in"."""
    match test:
        case Comparison(op):
            return op
        case Between():
            return "between"
        case OneOf():
            return "in"
        case Contains():
            return "contains"
        case IsNull():
            return "isNull"
        case Not(Between() | OneOf() | Contains() | IsNull() as leaf):
            return f"not {operator_of(leaf)}"
    raise ValueError(f"not a test in negation normal form: {test}")


def size(node: Filter) -> int:
    """Count the parts of the filter: tests, values of lists, and the operators that join or negate them."""
    match node:
        case OneOf(_, values):
            return 1 + len(values)
        case Not(arg):
            return 1 + size(arg)
        case And(args) | Or(args):
            return 1 + sum(map(size, args))
        case _:
            return 1


def map_leaves(node: Filter, change: Callable[[Leaf], Filter]) -> Filter:
    """Return the filter with every test replaced."""
    match node:
        case Not(arg):
            return Not(map_leaves(arg, change))
        case And(args):
            return And(tuple(map_leaves(arg, change) for arg in args))
        case Or(args):
            return Or(tuple(map_leaves(arg, change) for arg in args))
        case _:
            return change(node)


def resolve(node: Filter, now: dt.date, week_start: int = 0) -> Filter:
    """Return the filter with every relative date turned into a calendar day, and every instant into one in UTC.

    `now` is an instant in the zone of whoever asks, whose clocks also tell the time of instants without a zone; if only
    the day is known, it begins at midnight in UTC.
    """
    instant = _instant_of(now)

    def resolved(value: Any) -> Any:
        match value:
            case RelativeDate():
                return value.resolve(instant.date(), week_start)
            case RelativeInstant():
                return value.resolve(instant)
            case dt.datetime(tzinfo=None):
                return _in_utc(value.replace(tzinfo=instant.tzinfo))
            case _:
                return value

    def change(leaf: Leaf) -> Filter:
        match leaf:
            case Comparison(value=value):
                return replace(leaf, value=resolved(value))
            case Between(low=low, high=high):
                return replace(leaf, low=resolved(low), high=resolved(high))
            case OneOf(values=values):
                return replace(leaf, values=tuple(resolved(value) for value in values))
            case _:
                return leaf

    return map_leaves(node, change)


def _in_utc(instant: dt.datetime) -> dt.datetime:
    try:
        return instant.astimezone(dt.UTC)
    # The instant is at one end of the calendar.
    except OverflowError:
        return instant.replace(tzinfo=dt.UTC)
