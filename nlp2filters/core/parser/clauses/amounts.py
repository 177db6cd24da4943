"""Tests of a quantity, a date or a time of day: "8 cylinders", "30 mpg or more", "4 or 6 cylinders".

The rules for fields, ranges and comparisons end in the functions of this module. In these, `start` is the place where
the clause begins, and `at` that of its value.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import cast

from nlp2filters.core import measures
from nlp2filters.core.catalog import NUMERIC, TEMPORAL, Field
from nlp2filters.core.filters import RelativeDate, RelativeInstant
from nlp2filters.core.interpretation import Alternative
from nlp2filters.core.languages import is_currency
from nlp2filters.core.measures import AGE
from nlp2filters.core.parser import confidence, field_resolution, values
from nlp2filters.core.parser.chunker import Chunk
from nlp2filters.core.parser.clauses.clause import VALUE, Atom, Clause, Connective, Context, Mismatch, Rule
from nlp2filters.core.parser.field_resolution import FieldMatch
from nlp2filters.core.parser.sentence import Sentence
from nlp2filters.core.parser.values import Bound, Range, Relation

MAX_LIST = 12
MAX_ALTERNATIVES = 3
_ORDERING = frozenset({"<", "<=", ">", ">="})


def resolve(
    sentence: Sentence, at: int, chunks: Sequence[Chunk], context: Context, relation: Relation | None = None
) -> FieldMatch | None:
    """Find the field of values that no field is named before, the last of which is at `at`."""
    return field_resolution.resolve(
        sentence, at, chunks, last=context.last_field, joined=context.joined, relation=relation
    )


def test(
    sentence: Sentence, start: int, at: int, relation: Relation, match: FieldMatch, chunk: Chunk | None = None
) -> Clause | None:
    """Test the field for the value at `at`, or for that of `chunk` in its place."""
    chunk = chunk or sentence.chunks[at]
    value = sentence.coerce(chunk, match.field)
    if value is None or (relation in ("=", "<>") and _is_fraction_of_whole(chunk, match.field)):
        return None
    relation = _in_time(sentence, relation, match.field, chunk, value)
    if relation == "within" and tells_age(chunk):
        value = values.up_to_now(value)
    end = max(match.end, at + 1)
    match = weighed(sentence, match, chunk)
    atom = Atom(
        values.test(relation, match.field, value),
        start,
        end,
        match.confidence,
        match.source,
        _alternatives(sentence, match, chunk, relation),
    )
    return Clause(end, (atom,), match.field)


def _in_time(sentence: Sentence, relation: Relation, of: Field, chunk: Chunk, value: Range) -> Relation:
    """Return the relation of a date, or a year: the opposite one of an age, none of the last year."""
    if of.type not in TEMPORAL and not values.is_year(of, sentence.language):
        return relation
    if relation == ">" and chunk.period and values.counts_from_now(chunk.period):
        # "Over the last year" is during it.
        return "="
    # A smaller age is a later date.
    flips = relation in _ORDERING and tells_age(chunk) and not values.is_ahead_of_now(value)
    return values.flipped(relation) if flips else relation


def weighed(sentence: Sentence, match: FieldMatch, chunk: Chunk) -> FieldMatch:
    """Return the match, less sure if the value has a unit but nobody knows that of the field.

    Only such a match of a field without a unit is by unit, so that the explanation can say what was assumed.
    """
    field = match.field
    if field.type not in NUMERIC or field.unit or field.currency or not chunk.quantity or not chunk.quantity.units:
        return match
    if measures.unit_in_name(field, sentence.language) or values.is_year(field, sentence.language):
        return replace(match, source="type" if match.source == "unit" else match.source)
    return replace(match, confidence=min(match.confidence, confidence.UNIT_ASSUMED), source="unit")


def _is_fraction_of_whole(chunk: Chunk, of: Field) -> bool:
    """Return whether no record can have the value: "2.5 cylinders"."""
    quantity = chunk.quantity
    return of.type == "integer" and quantity is not None and not quantity.units and isinstance(quantity.value, float)


def tells_age(chunk: Chunk) -> bool:
    """Return whether the chunk counts back from today: "2 years", "30 days ago"."""
    if chunk.period:
        low = chunk.period.low
        is_away = isinstance(low, RelativeDate) and low.floor == "day"
        is_away = is_away or (isinstance(low, RelativeInstant) and not low.time)
        return is_away and low == chunk.period.high and low.offset < 0  # type: ignore[union-attr]
    return chunk.quantity is not None and bool(chunk.quantity.units)


def _alternatives(sentence: Sentence, match: FieldMatch, chunk: Chunk, relation: Relation) -> tuple[Alternative, ...]:
    """Return the same test of the other fields that may be meant, or of the other reading of a date."""
    alternatives = [
        Alternative(values.test(relation, other, value), match.others_confidence)
        for other in match.others[:MAX_ALTERNATIVES]
        if (value := sentence.coerce(chunk, other)) is not None
    ]
    if chunk.period and chunk.period.other:
        value = Range(chunk.period.other.low, chunk.period.other.high)
        share = match.confidence * confidence.OTHER_PERIOD
        alternatives.append(Alternative(values.test(relation, match.field, value), share))
    return tuple(alternatives)


def test_with_bound(sentence: Sentence, start: int, at: int, match: FieldMatch) -> Clause | None:
    """Test the field for the value at `at`, with "or more" after it or after the name of its field."""
    end = max(match.end, at + 1)
    quantity = sentence.chunks[at].quantity
    if quantity and quantity.open:
        return test(sentence, start, at, ">=", match)
    period = sentence.chunks[at].period
    if period and period.deadline:
        return test(sentence, start, at, "<=", match)
    for place in dict.fromkeys((at + 1, end)):
        if bound := sentence.role(place, "bound"):
            match = replace(match, end=max(end, place + 1))
            relation = values.bounded(cast(Bound, bound), match.field, sentence.language)
            return test(sentence, start, at, relation, match)
    is_within = match.field.type in TEMPORAL and sentence.role(at - 1, "comparator") == "within"
    return test(sentence, start, at, "within" if is_within else "=", match)


def mismatch(sentence: Sentence, start: int, at: int, relation: Relation, field: Field | None) -> Clause | None:
    """Report an amount in another currency or unit than its field, if that is named: it is asked about, not guessed."""
    quantity = sentence.chunks[at].quantity
    if quantity is None or not quantity.units:
        return None
    unit = quantity.units[0]
    if field is None and not is_currency(unit):
        return None
    fields = [field] if field else sentence.lexicon.typed("money")
    if not fields:
        return None
    value = Range(quantity.value, quantity.value)
    tests = tuple(values.test(relation, of, value) for of in fields[:MAX_ALTERNATIVES])
    reason, end = _reason(unit, field), at + 1
    reasons = dict.fromkeys(range(start, end), reason)
    return Clause(end, reasons=reasons, mismatch=Mismatch(start, end, reason, tests))


def _reason(unit: str, field: Field | None) -> str:
    own = field and (field.currency or field.unit)
    return f"{field.title} is in {own}, not in {unit}" if field and own else f"no field is in {unit}"


def _list(sentence: Sentence, start: int, _: Context) -> Clause | None:
    """Give every number of a list to the field that is named after the last."""
    places = _places_of_list(sentence, start)
    if len(places) < 2:
        return None
    match = field_resolution.named_after(sentence, places[-1], [sentence.chunks[place] for place in places])
    if not match:
        return None
    pieces: list[Atom | Connective] = []
    for place, following in pairwise(places):
        clause = test(sentence, place, place, "=", replace(match, end=place + 1))
        pieces += (*(clause.pieces if clause else ()), *_connectives(sentence, place + 1, following))
    last = test_with_bound(sentence, places[-1], places[-1], match)
    if not last:
        # The rules have another look at a last number that the field cannot hold.
        tested = any(isinstance(piece, Atom) for piece in pieces)
        return Clause(places[-1], tuple(pieces), match.field if tested else None)
    return replace(last, pieces=(*pieces, *last.pieces))


def _connectives(sentence: Sentence, start: int, end: int) -> Iterator[Connective]:
    """Yield the connectives from the chunk `start` to the chunk `end` (exclusive)."""
    for at in range(start, end):
        if kind := sentence.role(at, "junction"):
            yield Connective(kind, at)


def _places_of_list(sentence: Sentence, start: int) -> list[int]:
    """Return the places of numbers with "or", "and" or commas between them."""
    if not sentence.is_value(start):
        return []
    places, at = [start], start
    while sentence.role(at + 1, "junction") in ("or", "and", ",") and len(places) < MAX_LIST:
        at += 3 if sentence.role(at + 2, "junction") in ("or", "and") else 2
        chunk = sentence.chunk(at)
        if not chunk or not chunk.quantity:
            break
        places.append(at)
    return places


def _amount(sentence: Sentence, start: int, context: Context) -> Clause | None:
    chunk = sentence.chunks[start]
    if not chunk.is_value:
        return None
    bound = sentence.role(start + 1, "bound")
    match = field_resolution.named_after(sentence, start, (chunk,))
    if not match and bound in ("older", "newer") and chunk.quantity and not values.looks_like_year(chunk):
        match = field_resolution.by_measure(sentence, start, (chunk,), {AGE})
    match = match or resolve(sentence, start, (chunk,), context, "<=" if bound else None)
    return test_with_bound(sentence, start, start, match) if match else mismatch(sentence, start, start, "=", None)


def _without_field(sentence: Sentence, start: int, _: Context) -> Clause | None:
    quantity = sentence.chunks[start].quantity
    if not quantity or not quantity.units:
        return None
    return Clause(start + 1, reasons={start: f"no field is in {quantity.units[0]}"})


LIST = Rule(
    "list of numbers",
    {VALUE},
    _list,
    {
        "4 or 6 seats": "seats in (4, 6)",
        "2, 4, or 6 seats": "seats in (2, 4, 6)",
    },
)
AMOUNT = Rule(
    "amount",
    {VALUE},
    _amount,
    {
        "4 seats": "seats = 4",
        "200 horsepower or more": "power >= 200",
        "5+ seats": "seats >= 5",
        "over $40, not $50": "price > 40 and price <> 50",
        "€50": "",
    },
)
WITHOUT_FIELD = Rule("amount without a field", {VALUE}, _without_field, {"red, 3 gb": "color = red"})
