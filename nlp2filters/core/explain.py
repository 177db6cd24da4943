"""Explanations in plain English of what will be searched."""

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import cast

from nlp2filters.core.catalog import NUMERIC, TEMPORAL, Catalog, Field
from nlp2filters.core.filters import (
    Anchor,
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
    RelativeInstant,
    Scalar,
    Unit,
    leaves,
    push_not_inward,
)
from nlp2filters.core.interpretation import Interpretation, Sort

_SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "INR": "₹", "KRW": "₩"}

_AMOUNTS: dict[Operator, str] = {"<": "less than", "<=": "at most", ">": "more than", ">=": "at least"}
_DAYS: dict[Operator, str] = {"<": "before", "<=": "on or before", ">": "after", ">=": "on or after"}
# A list of values is named in full up to this length, and otherwise its first values are.
_MAX_LISTED, _FIRST_LISTED = 20, 10

# The verb of each anchor of `Contains`, and its opposite.
_ANCHORS: dict[Anchor, tuple[str, str]] = {
    "anywhere": ("contains", "does not contain"),
    "start": ("begins with", "does not begin with"),
    "end": ("ends with", "does not end with"),
}
_LIST_ANCHORS: dict[Anchor, str] = {"anywhere": "with", "start": "that begins with", "end": "that ends with"}
_MOMENTS: dict[Operator, str] = {"<": "before", "<=": "at or before", ">": "after", ">=": "at or after"}


def explain(interpretation: Interpretation, catalog: Catalog) -> str:
    """Say in one sentence what will be searched: conditions, words, order, number."""
    it = interpretation
    parts = [_phrase(push_not_inward(it.filter), catalog)] if it.filter else ["everything"]
    if it.text:
        parts.append(f"containing “{it.text}”")
    if it.sort:
        parts.append(_sorted(it.sort, catalog))
    if it.limit is not None:
        parts.append(f"the first {it.limit}")
    if parts == ["everything"]:
        return "Everything: no condition was found."
    return " ".join((_capital("; ".join(parts)) + ".", *_assumptions(it, catalog)))


def _assumptions(interpretation: Interpretation, catalog: Catalog) -> Iterator[str]:
    """Yield what was assumed of amounts in a unit or currency: that the field's numbers are in it."""
    for condition in interpretation.conditions:
        for leaf in leaves(condition.test):
            field = catalog.by_name[leaf.field]
            if condition.source == "unit" and field.type in ("integer", "number") and not field.unit:
                yield f"No unit is known of {_inline(field.title)}: “{condition.quote}” was taken as it stands."


def sentence(test: Leaf | Not, catalog: Catalog) -> str:
    """Describe one condition, such as "Miles per gallon is at least 30", without a full stop."""
    return _capital(_phrase(push_not_inward(test), catalog))


def _phrase(node: Filter, catalog: Catalog) -> str:
    match node:
        case And(args):
            return _join(args, "and", catalog)
        case Or(args):
            return "either " + _join(args, "or", catalog)
        case Not(Comparison() | Between() | OneOf() | Contains() | IsNull() as leaf):
            return _test(leaf, catalog.by_name[leaf.field], negated=True)
        case Not():
            raise ValueError(f"not in negation normal form: {node}")
        case _:
            return _test(node, catalog.by_name[node.field])


def _join(args: Sequence[Filter], word: str, catalog: Catalog) -> str:
    """Join the parts of an AND or OR. A comma sets the last one apart if a part has an "and" or "or" of its own."""
    phrases = [_phrase(arg, catalog) for arg in args]
    for index, arg in enumerate(args):
        # An OR opens with "either", so an AND inside it needs such a word too.
        if isinstance(arg, And):
            phrases[index] = ("both " if len(arg.args) == 2 else "all of ") + phrases[index]
    return _enumerate(phrases, f", {word}" if any(map(_is_list, args)) else f" {word}")


def _is_list(node: Filter) -> bool:
    match node:
        case OneOf(_, values) | Not(OneOf(_, values)):
            return len(values) > 1
        case _:
            return isinstance(node, And | Or)


def _enumerate(phrases: Sequence[str], word: str) -> str:
    return f"{', '.join(phrases[:-1])}{word} {phrases[-1]}" if len(phrases) > 1 else phrases[0]


def _test(leaf: Leaf, field: Field, negated: bool = False) -> str:
    name = _inline(field.title)
    if field.many and not isinstance(leaf, IsNull):
        return _list_test(leaf, field, name, negated=negated)
    exactly = _exactly(leaf)
    match leaf:
        case Comparison(op, _, value):
            return f"{name} {_relation(op, field, value)} {exactly}{_value(value, field)}"
        case Between(_, low, high):
            return f"{name} is {'outside' if negated else 'from'} {_value(low, field)} to {_value(high, field)}"
        case OneOf(_, values):
            listing = _listing(values, field)
            if len(listing) > 1 and negated:
                return f"{name} is neither {exactly}{_enumerate(listing, ' nor')}"
            return f"{name} is {'not ' if negated else ''}{exactly}{_enumerate(listing, ' or')}"
        case Contains(_, text, anchor):
            return f"{name} {_ANCHORS[anchor][negated]} {exactly}“{text}”"
        case IsNull():
            return f"{name} is {'known' if negated else 'unknown'}"


def _list_test(leaf: Leaf, field: Field, name: str, *, negated: bool) -> str:
    """Describe a test of a field that holds a list."""
    if isinstance(leaf, Comparison) and leaf.op == "<>":
        leaf, negated = Comparison("=", leaf.field, leaf.value), True
    verb = f"{'does not include' if negated else 'includes'}{' exactly' if _exactly(leaf) else ''}"
    match leaf:
        case Comparison(_, _, value):
            return f"{name} {verb} {_value(value, field)}"
        case Between(_, low, high):
            return f"{name} {verb} a value from {_value(low, field)} to {_value(high, field)}"
        case OneOf(_, values):
            return f"{name} {verb} {_enumerate(_listing(values, field), ' or')}"
        case Contains(_, text, anchor):
            return f"{name} {verb} one {_LIST_ANCHORS[anchor]} “{text}”"
        case _:
            raise ValueError(f"not a test of a list: {leaf}")


def _exactly(leaf: Leaf) -> str:
    """Return the word for a test that tells upper from lower case."""
    return "exactly " if isinstance(leaf, Comparison | OneOf | Contains) and leaf.exact else ""


def _listing(values: Sequence[Scalar], field: Field) -> list[str]:
    """Describe the values of a list: of a long one, the first and the number of the others."""
    if len(values) <= _MAX_LISTED:
        return [_value(value, field) for value in values]
    return [*(_value(value, field) for value in values[:_FIRST_LISTED]), f"{len(values) - _FIRST_LISTED:,} others"]


def _relation(op: Operator, field: Field, value: Scalar) -> str:
    if op == "=":
        return "is"
    if op == "<>":
        return "is not"
    if field.type in NUMERIC:
        return f"is {_AMOUNTS[op]}"
    return f"is {(_MOMENTS if isinstance(value, dt.datetime | dt.time | RelativeInstant) else _DAYS)[op]}"


def _value(value: Scalar, field: Field) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case int() | float():
            return _amount(value, field)
        case RelativeDate():
            return _relative(value)
        case RelativeInstant(offset, unit, time):
            if time:
                return f"{_relative(RelativeDate(offset, cast(Unit, unit)))}, {_clock(time)}"
            return _shifted(offset, unit) if offset else "now"
        case dt.datetime():
            zone = " UTC" if value.tzinfo and not value.utcoffset() else value.strftime(" %z").rstrip()
            return f"{_day(value)}, {_clock(value)}{zone}"
        case dt.date():
            return _day(value)
        case dt.time():
            return _clock(value)
        case str() if field.type == "text" or not value or any(char in value for char in ",;“”"):
            return f"“{value}”"
        case _:
            return value


def _amount(value: int | float, field: Field) -> str:
    if field.type == "money":
        symbol = _SYMBOLS.get(field.currency or "", f"{field.currency} ")
        digits = f"{abs(value):,.0f}" if value == int(value) else f"{abs(value):,.2f}"
        return f"{'-' if value < 0 else ''}{symbol}{digits}"
    # Below 10,000 there is no separator, or a year would read as 1,982.
    number = f"{value:,.15g}" if abs(value) >= 10_000 else f"{value:.15g}"
    return f"{number} {field.unit}" if field.unit else number


def _relative(day: RelativeDate) -> str:
    count = abs(day.offset)
    if day.floor != "day":
        if day.offset == 0:
            return f"the start of this {day.floor}"
        if count == 1 and day.unit == day.floor:
            return f"the start of {'next' if day.offset > 0 else 'last'} {day.floor}"
    shifted = _shifted(day.offset, day.unit)
    if day.floor != "day":
        return f"the start of the {day.floor} {shifted}"
    names = {0: "today", 1: "tomorrow", -1: "yesterday"} if day.unit == "day" else {0: "today"}
    return names.get(day.offset, shifted)


def _shifted(offset: int, unit: str) -> str:
    plain = f"{abs(offset)} {unit}{'s' if abs(offset) != 1 else ''}"
    return f"{plain} from now" if offset > 0 else f"{plain} ago"


def _day(day: dt.date) -> str:
    return f"{day.day} {day:%B} {day.year}"


def _clock(moment: dt.datetime | dt.time) -> str:
    return f"{moment:%H:%M:%S}" if moment.second else f"{moment:%H:%M}"


def _sorted(sorts: Sequence[Sort], catalog: Catalog) -> str:
    fields = [(catalog.by_name[sort.field], sort.direction == "asc") for sort in sorts]
    return "sorted by " + ", then by ".join(
        f"{_inline(field.title)}, {_order(field, rising=rising)}" for field, rising in fields
    )


def _order(field: Field, *, rising: bool) -> str:
    if field.type in NUMERIC:
        return "lowest first" if rising else "highest first"
    if field.type in TEMPORAL:
        return "earliest first" if rising else "latest first"
    if field.type == "boolean":
        return "no before yes" if rising else "yes before no"
    return "A to Z" if rising else "Z to A"


def _inline(title: str) -> str:
    """Write a title as within a sentence: "Origin" loses its capital, "MPG" and "IMDb rating" keep theirs."""
    return title[:1].lower() + title[1:] if title[1:2].islower() and title.split()[0][1:].islower() else title


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
