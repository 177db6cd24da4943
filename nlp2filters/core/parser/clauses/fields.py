"""Fields that are named: before their value ("weight under 2500", "origin is not japan"), or alone ("wireless")."""

from dataclasses import replace
from typing import Literal, cast

from nlp2filters.core.catalog import NUMERIC, STRINGS, Field
from nlp2filters.core.filters import Comparison, Contains, Leaf, Not, RelativeDate, Scalar
from nlp2filters.core.languages import is_currency
from nlp2filters.core.linking import Candidate, FieldTarget, ValueTarget, yes_no
from nlp2filters.core.parser import confidence, field_resolution, presence, values
from nlp2filters.core.parser.clauses import amounts, comparatives, connectives, ranges, strings
from nlp2filters.core.parser.clauses.clause import MATCH, Atom, Clause, Connective, Context, Rule
from nlp2filters.core.parser.field_resolution import FieldMatch
from nlp2filters.core.parser.sentence import Sentence
from nlp2filters.core.parser.values import Relation
from nlp2filters.core.words import fold

# A "with" or "without" governs the names of fields up to this many chunks away.
MAX_DISTANCE = 6
# After these, another clause begins.
_ENDING = frozenset({"junction", "negation", "results"})


def _test(test: Leaf | Not, start: int, end: int, candidate: Candidate | FieldMatch, share: float = 1.0) -> Clause:
    """Return a clause of one test; its confidence is that `share` of the match's."""
    return Clause(end, (Atom(test, start, end, candidate.confidence * share, candidate.source),))


# fields that are unknown


def _unknown_field(sentence: Sentence, start: int, _: Context) -> Clause | None:
    if not sentence.role(start, "unknown"):
        return None
    key = sentence.skip_stopwords(start + 1)
    for field, candidate in sentence.fields(key):
        return _test(presence.unknown(field, sentence.language), start, key + 1, candidate)
    return None


def _field_unknown(sentence: Sentence, start: int, _: Context) -> Clause | None:
    at = sentence.skip_stopwords(start + 1)
    negated = sentence.role(at, "negation") == "not"
    if not sentence.role(at + negated, "unknown"):
        return None
    for field, candidate in sentence.fields(start):
        test = presence.unknown(field, sentence.language)
        return _test(values.negated(test) if negated else test, start, at + negated + 1, candidate)
    return None


# a field and its value


def _field_and_value(sentence: Sentence, start: int, context: Context) -> Clause | None:
    for field, candidate in sentence.fields(start):
        match = FieldMatch(field, start + 1, candidate.confidence, candidate.source)
        flag = field.type != "boolean" and yes_no(field, sentence.language)
        clause = _after_name(sentence, start, match, context)
        # Other numbers after a flag are not about it: "survived under 30 years".
        if clause and not (flag and not _is_answer(clause, flag)):
            return clause
    return None


def _is_answer(clause: Clause, flag: tuple[Scalar, Scalar]) -> bool:
    """Return whether all tests ask for one of the values that mean yes and no."""
    tests = [piece.test for piece in clause.pieces if isinstance(piece, Atom)]
    return all(isinstance(test, Comparison) and test.op in ("=", "<>") and test.value in flag for test in tests)


def _after_name(sentence: Sentence, start: int, match: FieldMatch, context: Context) -> Clause | None:
    """Read what follows the field's name: its value, or "not" and its value."""
    at = sentence.skip_stopwords(start + 1)
    excludes = sentence.role(at, "comparator") == "<>" and match.field.type in STRINGS
    if not excludes and sentence.role(at, "negation") not in ("not", "outside"):
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
    if _governing(sentence, start) and field_resolution.is_of_date(sentence, value, match.field, relation):
        # "No comments since 2019".
        return None
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
    if connectives.zero_negates(sentence, at) and sentence.texts[at].isalpha():
        # "With comments, zero sugar".
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
    chunk = sentence.chunk(at)
    if chunk and chunk.name and chunk.name.field == match.field.name:
        atom = Atom(Contains(match.field.name, chunk.name.value), start, at + 1, chunk.name.confidence, "type")
        return Clause(at + 1, (atom,), match.field)
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
    # A path begins with a mark: "/login".
    mark = contains and at + 1 < len(sentence.chunks) and sentence.texts[at] == "/" and not sentence.gap(at)
    end = strings.name_end(sentence, at) if not mark else max(strings.name_end(sentence, at + 1), at)
    if end == at + mark:
        return None
    name = sentence.text_of(at, end)
    value = sentence.lexicon.value_with(field, set(fold(name).split()), sentence.budget)
    test = Contains(field.name, name) if value is None else strings.equals(field, value)
    clause = _test(test, start, end, match, confidence.WORDS_AFTER_FIELD)
    # "Name contains express or delta".
    other = strings.name_end(sentence, end + 1) if contains and sentence.role(end, "junction") == "or" else end + 1
    if other == end + 1:
        return clause
    more = _test(
        Contains(field.name, sentence.text_of(end + 1, other)), end + 1, other, match, confidence.WORDS_AFTER_FIELD
    )
    return replace(more, pieces=(*clause.pieces, Connective("or", end), *more.pieces))


# a field alone


def _field_alone(sentence: Sentence, start: int, context: Context) -> Clause | None:
    targets = [(c.target, c) for c in sentence.candidates(start) if isinstance(c.target, FieldTarget)]
    governing = _governing(sentence, start) if targets else None
    for target, candidate in targets:
        clause = _flag(sentence, start, target, candidate) or _stated(sentence, start, target, candidate, context)
        if not clause and governing == "without":
            clause = _without_value(sentence, start, target.field, candidate, context)
        elif not clause and governing == "with":
            clause = _with_value(sentence, start, target.field, candidate)
        if clause:
            return clause
    return None


def _flag(sentence: Sentence, start: int, target: FieldTarget, candidate: Candidate) -> Clause | None:
    """Read "wireless", "wireless: yes", and "survived" where that is 0 or 1."""
    field = target.field
    if not yes_no(field, sentence.language):
        return None
    end = _end_of_names(sentence, start, field)
    at = end + (sentence.role(end, "copula") is not None)
    answer = _answer(sentence, at, linked=at > end)
    holds = (answer != "no") != target.negated
    end = at + 1 if answer else end
    return replace(_presence(sentence, start, end, field, candidate, holds=holds), last_field=field)


def _answer(sentence: Sentence, at: int, *, linked: bool) -> str | None:
    """Return the "yes" or "no" at a place: `linked` to the field by "is" or a colon, or the end of the clause."""
    word, words = fold(sentence.texts[at]) if at < len(sentence.chunks) else "", sentence.language.fields
    answer = "yes" if word in words.affirmative else "no" if word in words.negative else None
    # "The pool is no longer open" is no answer.
    ends = at + 1 >= len(sentence.chunks) or sentence.role(at + 1, "junction") is not None
    written = linked and sentence.texts[at - 1] in (":", "=")
    return answer if answer and (ends or written) else None


def _presence(
    sentence: Sentence, start: int, end: int, field: Field, candidate: Candidate, *, holds: bool, share: float = 1.0
) -> Clause:
    """Return a clause that tests that there is a value, or that there is none; a "not" turns it into the other."""
    tests = presence.present(field, sentence.language), presence.absent(field, sentence.language)
    test, opposite = tests if holds else tests[::-1]
    atom = Atom(test, start, end, candidate.confidence * share, candidate.source, opposite=opposite)
    return Clause(end, (atom,))


def _stated(
    sentence: Sentence, start: int, target: FieldTarget, candidate: Candidate, context: Context
) -> Clause | None:
    """Read "unassigned", "sold out", and "resolved tickets" where a field tells when that was."""
    negative = target.stated and target.negated
    if not target.stated and not _is_event(sentence, start, target.field, context):
        return None
    # "Assigned to Ann" says more.
    if not negative and not _ends_clause(sentence, start + 1):
        return None
    return _presence(sentence, start, start + 1, target.field, candidate, holds=not target.negated)


def _is_event(sentence: Sentence, start: int, field: Field, context: Context) -> bool:
    """Return whether a participle tells what has happened to the records, and a field when: "resolved tickets"."""
    word, words = sentence.texts[start].lower(), sentence.language.fields
    if not field.nullable or not (word.endswith(words.participles) or fold(word) in words.irregular_participles):
        return False
    negation = context.negation
    negated = negation is not None and sentence.skip_stopwords(negation.at + 1) == start
    return negated or (field.type in ("date", "datetime") and sentence.is_noun(start + 1))


def _ends_clause(sentence: Sentence, at: int) -> bool:
    """Return whether nothing at a place can belong to what comes before it."""
    chunk = sentence.chunk(at)
    return chunk is None or sentence.is_noun(at) or not chunk.roles.keys().isdisjoint(_ENDING)


def _end_of_names(sentence: Sentence, start: int, of: Field) -> int:
    """Return the place after all the words that name the field: in "allow smoking", both name "smoking allowed"."""
    end = start + 1
    while any(field is of for field, _ in sentence.fields(sentence.skip_stopwords(end))):
        end = sentence.skip_stopwords(end) + 1
    return end


def _without_value(
    sentence: Sentence, start: int, field: Field, candidate: Candidate, context: Context
) -> Clause | None:
    """Read "no stops" and "without a rating": a count of zero, or no value."""
    connective = context.pending
    if not connective or _limits(sentence, start + 1):
        return None
    counts = presence.is_count(field, sentence.language)
    share = confidence.COUNT_OF_ZERO if counts else confidence.VALUE_MISSING
    clause = _test(presence.absent(field, sentence.language), start, start + 1, candidate, share)
    # "No stops or delays" are neither.
    joint = () if connective.kind == "not" else (Connective("and", connective.at),)
    return replace(clause, pieces=(*joint, *clause.pieces), absorbs_connective=True)


def _governing(sentence: Sentence, start: int) -> Literal["with", "without"] | None:
    """Return the word before a field's name, or before the list of names that it ends: "no comments or votes"."""
    near = True
    for at in range(start - 1, max(start - 1 - MAX_DISTANCE, -1), -1):
        chunk, last = sentence.chunks[at], fold(sentence.texts[at]).split()[-1:]
        if negation := chunk.role("negation"):
            none = sentence.language.numbers.none.union(sentence.language.numbers.neither)
            return "without" if negation in ("without", "free") or none.intersection(last) else None
        if chunk.role("having"):
            return "with" if near else None
        # "Has how many rounds" asks for their number.
        near &= not chunk.is_stopword or last[0] in sentence.language.numbers.determiners
        listed = chunk.role("junction") in ("and", "or", "nor") or any(True for _ in sentence.fields(at))
        if not chunk.is_stopword and not listed:
            return None
    return None


def _limits(sentence: Sentence, at: int) -> bool:
    """Return whether words follow that make something else of a field's name: "no price limit"."""
    chunk = sentence.chunk(at)
    return chunk is not None and (chunk.is_unknown or chunk.role("limit") is not None)


def _with_value(sentence: Sentence, start: int, field: Field, candidate: Candidate) -> Clause | None:
    """Read "with comments" and "that have a due date": a count above zero, or any value."""
    if not field.nullable and not presence.is_count(field, sentence.language):
        return None
    if candidate.source not in ("exact", "synonym"):
        return None
    end = start + 1
    follows = sentence.chunk(end)
    if not _ends_clause(sentence, end) and not (follows and follows.candidates and not follows.is_value):
        return None
    return _presence(sentence, start, end, field, candidate, holds=True, share=confidence.VALUE_PRESENT)


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
