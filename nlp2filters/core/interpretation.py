"""An interpretation: what a text was understood to ask for, with the words that each part came from.

It is the draft of the built-in parser, the checked answer of an LLM, and the body of a job's result.
"""

import datetime as dt
from dataclasses import dataclass, field, replace
from typing import Any, Literal, cast

from nlp2filters.core import filters
from nlp2filters.core.cql2.reader import from_cql2
from nlp2filters.core.cql2.records import to_cql2
from nlp2filters.core.cql2.scalars import scalar_from_json, scalar_to_json
from nlp2filters.core.filters import (
    Between,
    Comparison,
    Contains,
    Filter,
    IsNull,
    Leaf,
    Not,
    OneOf,
    leaves,
    operator_of,
)
from nlp2filters.errors import InvalidFilter, Violation

# The reason for ignoring a word such as "cars" in a catalog of cars.
NAMES_RECORDS = "names the records"

Source = Literal["exact", "synonym", "fuzzy", "embedding", "unit", "type", "llm", "scope"]
Direction = Literal["asc", "desc"]
Part = Literal["sort", "limit", "text"]


@dataclass(frozen=True, slots=True)
class Span:
    """A range of the text, from code point `start` (inclusive) to `end` (exclusive)."""

    start: int
    end: int

    def of(self, text: str) -> str:
        """Return the words of the text."""
        return text[self.start : self.end]


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another reading of the same words, less likely than the one taken."""

    test: Leaf | Not
    confidence: float


@dataclass(frozen=True, slots=True)
class Condition:
    """One test of the filter. `confidence` is a probability, `source` how its field or value was found.

    `said_in` is the job whose text contains the words, if that is an earlier one that was refined.
    """

    test: Leaf | Not
    span: Span
    quote: str
    confidence: float
    source: Source
    alternatives: tuple[Alternative, ...] = ()
    said_in: str | None = None


@dataclass(frozen=True, slots=True)
class Sort:
    """A sort by `field`; rows without a value come last."""

    field: str
    direction: Direction


@dataclass(frozen=True, slots=True)
class Ignored:
    """Words that changed nothing, and why."""

    span: Span
    quote: str
    reason: str


@dataclass(frozen=True, slots=True)
class Mention:
    """Words that became part of the order, of the limit or of the words for a full-text search."""

    span: Span
    quote: str
    part: Part


@dataclass(frozen=True, slots=True)
class Clarification:
    """A question to the user, with the possible readings as sentences."""

    question: str
    choices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Interpretation:
    """The reading of a text. `text` has the words that no field could take, for a full-text search.

    `mentions` say where order, limit and text come from; readings that differ in nothing else are equal.
    """

    filter: Filter | None = None
    sort: tuple[Sort, ...] = ()
    limit: int | None = None
    text: str = ""
    conditions: tuple[Condition, ...] = ()
    ignored: tuple[Ignored, ...] = ()
    clarification: Clarification | None = None
    mentions: tuple[Mention, ...] = field(default=(), compare=False)


def to_json(interpretation: Interpretation) -> dict[str, Any]:
    """Return the interpretation as JSON data, as the API shows it."""
    it = interpretation
    return {
        "filter": to_cql2(it.filter) if it.filter else None,
        "sort": [{"field": sort.field, "direction": sort.direction} for sort in it.sort],
        "limit": it.limit,
        "text": it.text,
        "conditions": [_condition_to_json(condition) for condition in it.conditions],
        "ignored": [
            {"quote": part.quote, "span": [part.span.start, part.span.end], "reason": part.reason}
            for part in it.ignored
        ],
        "clarification": it.clarification
        and {"question": it.clarification.question, "choices": list(it.clarification.choices)},
        "mentions": [
            {"quote": words.quote, "span": [words.span.start, words.span.end], "part": words.part}
            for words in it.mentions
        ],
    }


def from_json(data: Any) -> Interpretation:
    """Read back what `to_json` wrote."""
    clarification = data["clarification"]
    return Interpretation(
        filter=from_cql2(data["filter"], stored=True) if data["filter"] else None,
        sort=tuple(Sort(sort["field"], sort["direction"]) for sort in data["sort"]),
        limit=data["limit"],
        text=data["text"],
        conditions=tuple(_condition_from_json(condition) for condition in data["conditions"]),
        ignored=tuple(Ignored(Span(*part["span"]), part["quote"], part["reason"]) for part in data["ignored"]),
        clarification=clarification and Clarification(clarification["question"], tuple(clarification["choices"])),
        mentions=tuple(
            # Readings that earlier versions stored have none.
            Mention(Span(*words["span"]), words["quote"], words["part"])
            for words in data.get("mentions", ())
        ),
    )


def leaf_to_json(test: Leaf | Not) -> dict[str, Any]:
    """Return a test as `{"field", "op", "value"}`; the operator of a negated one begins with "not"."""
    operator = operator_of(test)
    (leaf,) = leaves(test)
    return {"field": leaf.field, "op": operator, "value": _value_to_json(leaf)}


def _value_to_json(leaf: Leaf) -> Any:
    match leaf:
        case Comparison(value=value):
            return scalar_to_json(value)
        case Between(low=low, high=high):
            return [scalar_to_json(low), scalar_to_json(high)]
        case OneOf(values=values):
            return [scalar_to_json(value) for value in values]
        case Contains(text=text):
            return text
        case IsNull():
            return None


def leaf_from_json(data: Any) -> Leaf | Not:
    """Read back what `leaf_to_json` wrote.

    Raises:
        InvalidFilter: the operator does not take a value of this form; with a pointer into `data`.
        ValueError: the operator is unknown.
    """
    name, op, value = data["field"], data["op"], data["value"]
    if op in ("not between", "not in", "not contains", "not isNull"):
        return Not(_leaf(name, op.removeprefix("not "), value))
    return _leaf(name, op, value)


def _leaf(name: str, op: str, value: Any) -> Leaf:
    match op, value:
        case "=" | "<>" | "<" | "<=" | ">" | ">=", _:
            return Comparison(op, name, scalar_from_json(value, "/value"))
        case "between", [low, high]:
            return Between(name, scalar_from_json(low, "/value/0"), scalar_from_json(high, "/value/1"))
        case "in", [*values]:
            return OneOf(name, tuple(scalar_from_json(item, f"/value/{i}") for i, item in enumerate(values)))
        case "contains", str():
            return Contains(name, value)
        case "isNull", _:
            return IsNull(name)
        case "between" | "in" | "contains", _:
            forms = {"between": "a list of two limits", "in": "a list", "contains": "a string"}
            raise InvalidFilter([Violation("/value", f"The operator {op!r} takes {forms[op]}.")])
    raise ValueError(f"unknown operator {op!r}")


def _condition_to_json(condition: Condition) -> dict[str, Any]:
    return {
        **leaf_to_json(condition.test),
        "quote": condition.quote,
        "span": [condition.span.start, condition.span.end],
        "confidence": round(condition.confidence, 3),
        "source": condition.source,
        "alternatives": [
            {**leaf_to_json(other.test), "confidence": round(other.confidence, 3)} for other in condition.alternatives
        ],
        "said_in": condition.said_in,
    }


def _condition_from_json(data: Any) -> Condition:
    return Condition(
        test=leaf_from_json(data),
        span=Span(*data["span"]),
        quote=data["quote"],
        confidence=data["confidence"],
        source=data["source"],
        alternatives=tuple(Alternative(leaf_from_json(other), other["confidence"]) for other in data["alternatives"]),
        said_in=data.get("said_in"),
    )


def resolve(interpretation: Interpretation, now: dt.date, week_start: int = 0) -> Interpretation:
    """Return the interpretation with every relative date and instant resolved; `now` is as for `filters.resolve`."""

    def resolved(test: Leaf | Not) -> Leaf | Not:
        return cast(Leaf | Not, filters.resolve(test, now, week_start))

    return replace(
        interpretation,
        filter=interpretation.filter and filters.resolve(interpretation.filter, now, week_start),
        conditions=tuple(
            replace(
                condition,
                test=resolved(condition.test),
                alternatives=tuple(replace(other, test=resolved(other.test)) for other in condition.alternatives),
            )
            for condition in interpretation.conditions
        ),
    )
