"""Ranks: values that people put in an order, compared: "at least medium priority", "size L or larger"."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from nlp2filters.core.catalog import Field, Value
from nlp2filters.core.filters import Comparison, Leaf, OneOf
from nlp2filters.core.interpretation import Alternative
from nlp2filters.core.languages import Language
from nlp2filters.core.linking import Candidate
from nlp2filters.core.parser import confidence
from nlp2filters.core.parser.clauses import comparatives
from nlp2filters.core.parser.clauses.clause import MATCH, STOPWORD, WORD, Atom, Clause, Context, Rule
from nlp2filters.core.parser.sentence import Sentence
from nlp2filters.core.words import fold

# Fields with more values have no order that people know.
MAX_VALUES = 40
# The orders of this many fields are kept.
FIELDS = 1024

_NUMBERED = re.compile(r"^p?\d+\s*[-–:.)]\s*(?=\D)")
_NUMBER = re.compile(r"^\D{0,2}(\d+(?:\.\d+)?)(?=\D)")


@dataclass(frozen=True, slots=True)
class Order:
    """The ranks of a field's values, from the least; `is_common` if people know the order, not only the catalog.

    `harm`: what is worse ranks higher, such as a severity.
    """

    ranks: Mapping[str, float]
    is_common: bool = True
    harm: bool = False


@lru_cache(maxsize=FIELDS)
def order_of(field: Field, language: Language) -> Order | None:
    """Return the order of a field's values: one that people know, that of their numbers, or the catalog's own.

    Values that were counted stand in the order of their frequency, which means nothing.
    """
    if field.type != "keyword" or not 2 <= len(field.values) <= MAX_VALUES:
        return None
    scales = {name: _on_scale(field.values, ranks) for name, ranks in language.ranks.items()}
    best = max(scales, key=lambda name: len(scales[name]), default="")
    if best and len(scales[best]) >= 2 and 2 * len(scales[best]) >= len(field.values):
        return Order(scales[best], harm=best in language.scales_of_harm)
    if numbers := _by_number(field.values):
        return Order(numbers)
    if not field.closed or any(value.count is not None for value in field.values):
        return None
    return Order({value.value: float(place) for place, value in enumerate(field.values)}, is_common=False)


def _on_scale(values: tuple[Value, ...], ranks: Mapping[str, int]) -> Mapping[str, float]:
    """Return the ranks of the values that are on a scale: also "Very_Good", "2 - High" and "mid-level"."""
    places = {}
    for value in values:
        name = _NUMBERED.sub("", fold(value.value).strip())
        spellings = (name, name.replace("-", " ").replace("_", " ").strip())
        if rank := next((ranks[spelling] for spelling in spellings if spelling in ranks), None):
            places[value.value] = float(rank)
        elif any(ranks.get(spelling) == 0 for spelling in spellings):
            places[value.value] = 0.0
    return places


def _by_number(values: tuple[Value, ...]) -> Mapping[str, float]:
    """Return the numbers at the beginning of the values, if all have one with words behind it: "2 baths"."""
    numbers = {value.value: _NUMBER.match(value.value) for value in values}
    return {name: float(number[1]) for name, number in numbers.items() if number} if all(numbers.values()) else {}


def _ranked(sentence: Sentence, start: int, _: Context) -> Clause | None:
    """Read a word for a comparison and a value, or a value and a bound, with the field's name before or after."""
    chunk = sentence.chunks[start]
    if not (chunk.candidates or chunk.roles.keys() & {"comparator", "range"} or comparatives.may_begin(chunk)):
        return None
    for field, _candidate in sentence.fields(start):
        if clause := _compared(sentence, start, sentence.skip_stopwords(start + 1), field):
            return clause
    return _compared(sentence, start, start, None)


def _compared(sentence: Sentence, start: int, at: int, of: Field | None) -> Clause | None:
    return _between(sentence, start, at, of) or _limited(sentence, start, at, of)


def _limited(sentence: Sentence, start: int, at: int, of: Field | None) -> Clause | None:
    relation, place = _relation(sentence, at)
    for field, value, candidate in _values(sentence, place, of):
        end = _end_of_name(sentence, place + 1, field)
        order = order_of(field, sentence.language)
        limit = relation
        if order and limit is None:
            limit, end = _bound(sentence, end, order), end + 1
        if order and limit in ("<", "<=", ">", ">="):
            return _test(field, order, candidate, limit, value, start, end)
    return None


def _relation(sentence: Sentence, at: int) -> tuple[str | None, int]:
    """Return the relation that is named at a place, and the place after it."""
    if relation := sentence.role(at, "comparator"):
        return relation, sentence.skip_stopwords(at + 1)
    comparative = comparatives.read(sentence, at)
    if not comparative or comparative.more is None:
        return None, at
    return ">" if comparative.more else "<", sentence.skip_stopwords(comparative.end)


def _bound(sentence: Sentence, at: int, order: Order) -> str | None:
    bound = sentence.role(at, "bound")
    return (">=" if order.harm else "<=") if bound == "worse" else bound


def _values(sentence: Sentence, at: int, of: Field | None) -> list[tuple[Field, str, Candidate]]:
    """Return the known values at a place, of the field that is named, or of the one that is named after them."""
    meanings = [(target.field, target.value, candidate) for target, candidate in sentence.values(at)]
    if of:
        return [each for each in meanings if each[0] is of]
    return sorted(meanings, key=lambda each: _end_of_name(sentence, at + 1, each[0]) == at + 1)


def _end_of_name(sentence: Sentence, at: int, field: Field) -> int:
    """Return the place after the field's name, if that comes next."""
    return at + 1 if any(other is field for other, _ in sentence.fields(at)) else at


def _test(
    field: Field, order: Order, candidate: Candidate, limit: str, value: str, start: int, end: int
) -> Clause | None:
    """Return the test for the values on one side of a limit; if nobody knows the order, the other side may be meant."""
    rank = order.ranks.get(value)
    test = None if rank is None else _one_of(field, order, limit, rank)
    if rank is None or test is None:
        return None
    if order.is_common:
        atom = Atom(test, start, end, candidate.confidence, candidate.source)
    else:
        share = min(candidate.confidence, confidence.EITHER_WAY)
        other = _one_of(field, order, limit.translate(str.maketrans("<>", "><")), rank)
        alternatives = (Alternative(other, share),) if other else ()
        atom = Atom(test, start, end, share, candidate.source, alternatives)
    return Clause(end, (atom,), field)


def _one_of(field: Field, order: Order, limit: str, rank: float) -> Leaf | None:
    low, high = (rank, float("inf")) if limit.startswith(">") else (float("-inf"), rank)
    return _within(field, order, low, high, without=None if limit.endswith("=") else rank)


def _within(field: Field, order: Order, low: float, high: float, without: float | None = None) -> Leaf | None:
    """Return the test for the values from one rank to another."""
    values = tuple(
        value.value
        for value in field.values
        if (rank := order.ranks.get(value.value)) is not None and low <= rank <= high and rank != without
    )
    if len(values) > 1:
        return OneOf(field.name, values)
    return Comparison("=", field.name, values[0]) if values else None


def _between(sentence: Sentence, start: int, at: int, of: Field | None) -> Clause | None:
    """Read "low to high priority"."""
    opened = sentence.role(at, "range") == "between"
    first = sentence.skip_stopwords(at + opened)
    joint = sentence.role(first + 1, "range") == "to" or (opened and sentence.role(first + 1, "junction") == "and")
    if not joint:
        return None
    second = sentence.skip_stopwords(first + 2)
    lows = {field: (value, candidate) for field, value, candidate in _values(sentence, first, of)}
    for field, value, candidate in _values(sentence, second, of):
        order = order_of(field, sentence.language) if field in lows else None
        if order and order.is_common:
            low, high = order.ranks.get(lows[field][0]), order.ranks.get(value)
            test = None if low is None or high is None else _within(field, order, min(low, high), max(low, high))
            if test:
                end = _end_of_name(sentence, second + 1, field)
                return Clause(end, (Atom(test, start, end, candidate.confidence, candidate.source),), field)
    return None


RANKED = Rule(
    "ranked values",
    frozenset({WORD, MATCH, STOPWORD, "comparator", "range", "degree", "end"}),
    _ranked,
    {
        "at least medium quality": "quality in (medium, high)",
        "quality below medium": "quality = low",
        "medium quality or higher": "quality in (medium, high)",
        "better than medium quality": "quality = high",
        "between low and medium quality": "quality in (medium, low)",
    },
)
