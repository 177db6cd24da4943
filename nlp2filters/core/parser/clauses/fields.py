"""Fields that are named: before their value ("weight under 2500", "origin is not japan"), or alone ("wireless")."""

from dataclasses import replace
from typing import cast

from nlp2filters.core.catalog import NUMERIC, STRINGS, Field
from nlp2filters.core.filters import Comparison, Contains, IsNull, Leaf, Not, RelativeDate
from nlp2filters.core.languages import is_currency
from nlp2filters.core.linking import Candidate, FieldTarget, ValueTarget
from nlp2filters.core.parser import confidence, field_resolution
from nlp2filters.core.parser.clauses import amounts, comparatives, ranges, strings
from nlp2filters.core.parser.clauses.clause import MATCH, Atom, Clause, Connective, Context, Rule
from nlp2filters.core.parser.field_resolution import FieldMatch
from nlp2filters.core.parser.sentence import Sentence
from nlp2filters.core.parser.values import Relation
from nlp2filters.core.words import fold


def _test(test: Leaf | Not, start: int, end: int, candidate: Candidate | FieldMatch, share: float = 1.0) -> Clause:
    """Return a clause of one test; its confidence is that `share` of the match's."""
    return Clause(end, (Atom(test, start, end, candidate.confidence * share, candidate.source),))


# fields that are unknown


def _unknown_field(sentence: Sentence, start: int, _: Context) -> Clause | None:
    if not sentence.role(start, "unknown"):
        return None
    key = sentence.skip_stopwords(start + 1)
    return next((_test(IsNull(of.name), start, key + 1, candidate) for of, candidate in sentence.fields(key)), None)


def _field_unknown(sentence: Sentence, start: int, _: Context) -> Clause | None:
    at = sentence.skip_stopwords(start + 1)
    negated = sentence.role(at, "negation") == "not"
    if not sentence.role(at + negated, "unknown"):
        return None
    for field, candidate in sentence.fields(start):
        test = IsNull(field.name)
        return _test(Not(test) if negated else test, start, at + negated + 1, candidate)
    return None


# a field and its value


def _field_and_value(sentence: Sentence, start: int, context: Context) -> Clause | None:
    for field, candidate in sentence.fields(start):
        match = FieldMatch(field, start + 1, candidate.confidence, candidate.source)
        if clause := _after_name(sentence, start, match, context):
            return clause
    return None


def _after_name(sentence: Sentence, start: int, match: FieldMatch, context: Context) -> Clause | None:
    """Read what follows the field's name: its value, or "not" and its value."""
    at = sentence.skip_stopwords(start + 1)
    if sentence.role(at, "negation") not in ("not", "outside"):
        return _value(sentence, start, at, match, context)
    negation = Connective("not", at)
    clause = _value(sentence, start, sentence.skip_stopwords(at + 1), match, replace(context, pending=negation))
    return replace(clause, pieces=(negation, *clause.pieces)) if clause else None


def _value(sentence: Sentence, start: int, at: int, match: FieldMatch, context: Context) -> Clause | None:
    """Read the value of a field, at `at`."""
    return (
        ranges.read(sentence, start, at, context, match)
        or _compared(sentence, start, at, match)
        or _plain(sentence, start, at, match)
        or _up_to_now(sentence, start, match)
        or (_string(sentence, start, at, match) if match.field.type in STRINGS else None)
    )


def _compared(sentence: Sentence, start: int, at: int, match: FieldMatch) -> Clause | None:
    """Read "weight under 2500"."""
    relation = cast(Relation | None, sentence.role(at, "comparator"))
    if not relation:
        return _by_adjective(sentence, start, at, match)
    value = sentence.skip_stopwords(at + 1)
    clause = amounts.test(sentence, start, value, relation, match) if sentence.coerce_at(value, match.field) else None
    return clause or _of_other_unit(sentence, start, value, relation, match.field)


def _by_adjective(sentence: Sentence, start: int, at: int, match: FieldMatch) -> Clause | None:
    """Read "bill deeper than 18 mm"; the adjective may be part of what was taken for the name."""
    comparative = comparatives.read(sentence, at) or comparatives.read(sentence, start)
    if not comparative or not comparatives.suits(comparative, match, sentence):
        return None
    value = sentence.skip_stopwords(comparative.end)
    if not sentence.coerce_at(value, match.field):
        return None
    return comparatives.compare(sentence, start, value, comparative, match)


def _plain(sentence: Sentence, start: int, at: int, match: FieldMatch) -> Clause | None:
    """Read "weight of 2500", "weight 2500 or less"."""
    if any(sentence.role(place, "than") for place in range(start + 1, at)):
        # What is more or less than a number does not equal it.
        return None
    if sentence.coerce_at(at, match.field):
        if field_resolution.belongs_elsewhere(sentence, at, match.field):
            return None
        return amounts.test_with_bound(sentence, start, at, match)
    return _of_other_unit(sentence, start, at, "=", match.field)


def _of_other_unit(sentence: Sentence, start: int, at: int, relation: Relation, field: Field) -> Clause | None:
    """Read a value that is meant for the field although its unit is another: "battery life of 30 kg"."""
    chunk = sentence.chunk(at)
    if field.type not in NUMERIC or not chunk or not chunk.quantity or not chunk.quantity.units:
        return None
    in_currency = field.type == "money" and is_currency(chunk.quantity.units[0])
    if not in_currency and not _linked(sentence, start, at):
        return None
    return amounts.mismatch(sentence, start, at, relation, field)


def _linked(sentence: Sentence, start: int, at: int) -> bool:
    """Return whether a word such as "is" or "of" stands between the field's name and the chunk."""
    return any(sentence.role(place, "copula") for place in range(start + 1, at))


def _up_to_now(sentence: Sentence, start: int, match: FieldMatch) -> Clause | None:
    """Read "available now"."""
    if match.field.type not in ("date", "datetime") or start + 1 >= len(sentence.chunks):
        return None
    if fold(sentence.texts[start + 1]) not in sentence.language.dates.now:
        return None
    test, end = Comparison("<=", match.field.name, RelativeDate(0, "day")), start + 2
    return Clause(end, (Atom(test, start, end, confidence.DATE_UP_TO_NOW, "type"),))


def _string(sentence: Sentence, start: int, at: int, match: FieldMatch) -> Clause | None:
    """Read a known value of the field, or the words for a field that takes any."""
    candidate = sentence.value_of(at, match.field.name)
    if candidate and isinstance(candidate.target, ValueTarget):
        share = min(1.0, candidate.confidence + confidence.VALUE_AFTER_FIELD)
        test, end = strings.equals(match.field, candidate.target.value), at + 1
        return Clause(end, (Atom(test, start, end, share, candidate.source),), match.field)
    return None if match.field.closed else _any_words(sentence, start, at, match)


def _any_words(sentence: Sentence, start: int, at: int, match: FieldMatch) -> Clause | None:
    """Read the words for a field that takes any: in quotes, or up to where the name ends."""
    contains = any(sentence.role(place, "contains") for place in (at, start + 1))
    at += sentence.role(at, "contains") is not None
    if not (contains or _introduces(sentence, start, at)):
        return None
    chunk = sentence.chunk(at)
    if not chunk or not chunk.quoted:
        return _unquoted(sentence, start, at, match, contains=contains)
    test = Contains(match.field.name, chunk.quoted) if contains else strings.equals(match.field, chunk.quoted)
    return _test(test, start, at + 1, match)


def _introduces(sentence: Sentence, start: int, at: int) -> bool:
    """Return whether the field's name introduces a value: "called", "title is", or right before the value."""
    introducers = sentence.language.names.introducers
    return (
        at == start + 1
        or sentence.texts[start].lower().rpartition(" ")[2] in introducers
        or _linked(sentence, start, at)
    )


def _unquoted(sentence: Sentence, start: int, at: int, match: FieldMatch, *, contains: bool) -> Clause | None:
    """Read unknown words up to where the name ends, as the known value that has them all, if there is one."""
    field = match.field
    if field.is_open and not contains:
        # The name of an open field has been cut out before, or there was a reason not to.
        return None
    end = strings.name_end(sentence, at)
    if end == at:
        return None
    name = sentence.text_of(at, end)
    value = sentence.lexicon.value_with(field, set(fold(name).split()), sentence.budget)
    test = Contains(field.name, name) if value is None else strings.equals(field, value)
    return _test(test, start, end, match, confidence.WORDS_AFTER_FIELD)


# a field alone


def _field_alone(sentence: Sentence, start: int, context: Context) -> Clause | None:
    for field, candidate in sentence.fields(start):
        clause = (
            _boolean(sentence, start, field, candidate)
            or _count_of_zero(sentence, start, field, candidate, context)
            or _without_value(sentence, start, field, candidate, context)
        )
        if clause:
            return clause
    return None


def _boolean(sentence: Sentence, start: int, field: Field, candidate: Candidate) -> Clause | None:
    """Read "wireless"."""
    if field.type != "boolean":
        return None
    holds = not (isinstance(candidate.target, FieldTarget) and candidate.target.negated)
    test = Comparison("=", field.name, holds)
    return replace(_test(test, start, _end_of_names(sentence, start, field), candidate), last_field=field)


def _end_of_names(sentence: Sentence, start: int, of: Field) -> int:
    """Return the place after all the words that name the field: in "allow smoking", both name "smoking allowed"."""
    end = start + 1
    while any(field is of for field, _ in sentence.fields(sentence.skip_stopwords(end))):
        end = sentence.skip_stopwords(end) + 1
    return end


def _count_of_zero(
    sentence: Sentence, start: int, field: Field, candidate: Candidate, context: Context
) -> Clause | None:
    """Read "no stops" and "without stops" as a count of zero."""
    negation = context.negation
    if not negation or not _counts(field) or sentence.skip_stopwords(negation.at + 1) != start:
        return None
    if fold(sentence.texts[negation.at]) not in sentence.language.numbers.none:
        return None
    test = Comparison("=", field.name, 0)
    return replace(_test(test, start, start + 1, candidate, confidence.COUNT_OF_ZERO), absorbs_connective=True)


def _counts(field: Field) -> bool:
    """Return whether the field holds counts that may be zero."""
    least = field.minimum
    may_be_zero = least is None or (isinstance(least, int) and least <= 0)
    return field.type == "integer" and not field.unit and may_be_zero


def _without_value(
    sentence: Sentence, start: int, field: Field, candidate: Candidate, context: Context
) -> Clause | None:
    """Read "without a rating"."""
    negation = context.negation
    if not negation or sentence.role(negation.at, "negation") != "without":
        return None
    clause = _test(IsNull(field.name), start, start + 1, candidate, confidence.VALUE_MISSING)
    return replace(clause, absorbs_connective=True)


UNKNOWN_FIELD = Rule("unknown and field", {"unknown"}, _unknown_field, {"unknown horsepower": "power is null"})
FIELD_UNKNOWN = Rule(
    "field and unknown",
    {MATCH},
    _field_unknown,
    {
        "horsepower unknown": "power is null",
        "horsepower is not unknown": "not power is null",
    },
)
FIELD_AND_VALUE = Rule(
    "field and value",
    {MATCH},
    _field_and_value,
    {
        "weight under 2 kg": "weight < 2000",
        "horsepower 150 or more": "power >= 150",
        "horsepower is not between 100 and 150": "not 100 <= power <= 150",
        "color is not red": "color <> red",
        "released now": "released <= today",
        'brand "Acme Deluxe"': "brand = Acme Deluxe",
        "brand contains acme": "brand contains 'acme'",
        "weight of 3 inches": "",
    },
)
FIELD_ALONE = Rule(
    "field alone",
    {MATCH},
    _field_alone,
    {
        "wireless": "wireless = true",
        "not wireless": "wireless = false",
        "no stops": "stops = 0",
        "without a price": "price is null",
    },
)
