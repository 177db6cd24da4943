"""Comparisons with a word before the value: "at least 30 mpg", "more horsepower than 200"."""

from dataclasses import replace
from typing import cast

from nlp2filters.core.catalog import Field
from nlp2filters.core.parser import field_resolution, values
from nlp2filters.core.parser.chunker import Chunk
from nlp2filters.core.parser.clauses import amounts, ranges
from nlp2filters.core.parser.clauses.clause import Clause, Context, Rule
from nlp2filters.core.parser.field_resolution import FieldMatch
from nlp2filters.core.parser.sentence import Sentence
from nlp2filters.core.parser.values import Relation
from nlp2filters.core.words import fold


def _two_limits(sentence: Sentence, start: int, context: Context) -> Clause | None:
    """Read the first of two limits; their unit or field follows the second."""
    relation = cast(Relation | None, sentence.role(start, "comparator"))
    if not relation:
        return None
    at = sentence.skip_stopwords(start + 1)
    value = sentence.skip_stopwords(at + 3)
    if not sentence.role(at + 1, "junction") or not sentence.role(at + 2, "comparator"):
        return None
    if not (sentence.is_value(at) and sentence.is_value(value)) or sentence.skip_stopwords(at + 1) != at + 1:
        return None
    if _is_lower(relation) == _is_lower(cast(Relation, sentence.role(at + 2, "comparator"))):
        return None
    first, last = ranges.with_unit_of(sentence.chunks[at], sentence.chunks[value]), sentence.chunks[value]
    if first.quantity and sentence.chunks[at].quantity != first.quantity:
        match = field_resolution.resolve(
            sentence, value, (first, last), last=context.last_field, joined=False, relation=relation
        )
    else:
        match = field_resolution.named_after(sentence, value, (first, last))
    if not match or field_resolution.is_misplaced_year(sentence, sentence.chunks[at : at + 1], match.field, relation):
        return None
    if not _enclose(sentence, (first, last), match.field):
        return None
    return amounts.test(sentence, start, at, relation, replace(match, end=at + 1), first)


def _is_lower(relation: Relation) -> bool:
    """Return whether the relation sets a lower limit."""
    return relation in (">", ">=", "after", "since")


def _enclose(sentence: Sentence, limits: tuple[Chunk, Chunk], field: Field) -> bool:
    """Return whether the data of the field of the last limit reach the first as well: "under 4000, over 200 hp"."""
    first, last = (sentence.coerce(limit, field) for limit in limits)
    return not (first and last) or values.reaches(field, first) is not False or values.reaches(field, last) is False


def _comparison(sentence: Sentence, start: int, context: Context) -> Clause | None:
    relation = cast(Relation | None, sentence.role(start, "comparator"))
    if not relation:
        return None
    at = sentence.skip_stopwords(start + 1)
    if clause := _compare(sentence, start, at, relation, context):
        return clause
    for field, candidate in sentence.fields(at):
        match = FieldMatch(field, at + 1, candidate.confidence, candidate.source)
        if clause := _compare(sentence, start, sentence.skip_stopwords(at + 1), relation, context, match):
            return clause
    return None


def _more_than(sentence: Sentence, start: int, context: Context) -> Clause | None:
    degree = sentence.role(start, "degree")
    if degree not in ("more", "less") or not sentence.role(start + 2, "than"):
        return None
    for field, candidate in sentence.fields(start + 1):
        match = FieldMatch(field, start + 2, candidate.confidence, candidate.source)
        relation: Relation = ">" if degree == "more" else "<"
        at = sentence.skip_stopwords(start + 3)
        return _compare(sentence, start, at, relation, context, match) if sentence.coerce_at(at, field) else None
    return None


def _compare(
    sentence: Sentence, start: int, at: int, relation: Relation, context: Context, match: FieldMatch | None = None
) -> Clause | None:
    """Read a value at `at` that follows the relation, or the relation and the name of a field."""
    chunk = sentence.chunk(at)
    if not chunk or not chunk.is_value:
        return None
    if match and sentence.coerce_at(at, match.field):
        return amounts.test(sentence, start, at, relation, match)
    match = _by_adjective(sentence, start, at) or amounts.resolve(sentence, at, (chunk,), context, relation)
    if match:
        return amounts.test(sentence, start, at, relation, match)
    if relation in values.OF_TIME and values.looks_like_year(chunk):
        # Otherwise the year would be read again, as another number.
        return Clause(at + 1, reasons=dict.fromkeys(range(start, at + 1), "no field holds dates or years"))
    return amounts.mismatch(sentence, start, at, relation, None)


def _by_adjective(sentence: Sentence, start: int, at: int) -> FieldMatch | None:
    """Find the field of "higher than 2000" by what the adjective compares, unless another one is named."""
    word = fold(sentence.texts[start]).partition(" ")[0]
    ends, chunks = sentence.language.comparatives.get(word), sentence.chunks[at : at + 1]
    if not ends or field_resolution.named_after(sentence, at, chunks):
        return None
    return field_resolution.by_measure(sentence, at, chunks, {measure for measure, _ in ends})


TWO_LIMITS = Rule(
    "two limits",
    {"comparator"},
    _two_limits,
    {
        "more than 1 but less than 2 kg": "weight > 1000 and weight < 2000",
        "over 3 but under 6 seats": "seats > 3 and seats < 6",
    },
)
COMPARISON = Rule(
    "comparison",
    {"comparator"},
    _comparison,
    {
        "at least 150 horsepower": "power >= 150",
        "under $80": "price < 80",
        "maximum weight of 2 kg": "weight <= 2000",
        "after 2005": "released > 2005-12-31",
        "less than 2 years old": "released > today - 2 years",
        "under €80": "",
    },
)
MORE_THAN = Rule("more than", {"degree"}, _more_than, {"more horsepower than 200": "power > 200"})
