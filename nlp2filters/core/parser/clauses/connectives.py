"""Words between the tests: "and", "or", commas, "not", parentheses, and the noun of the records."""

import re
from collections.abc import Iterator, Sequence
from typing import Literal, TypeGuard

from nlp2filters.core.filters import Leaf, Not
from nlp2filters.core.interpretation import NAMES_RECORDS, Alternative
from nlp2filters.core.linking import FieldTarget, OppositeTarget, Target, ValueTarget, yes_no
from nlp2filters.core.parser import presence, values
from nlp2filters.core.parser.clauses import strings
from nlp2filters.core.parser.clauses.amounts import MAX_LIST
from nlp2filters.core.parser.clauses.clause import MATCH, VALUE, Atom, Clause, Connective, Context, Rule
from nlp2filters.core.parser.sentence import Sentence
from nlp2filters.core.words import fold

# At most this many words come between "any" and "but": "any car that you have but a red one".
MAX_UNIVERSAL = 6
# Further away, "but" may mean something else as well.
MAX_UNIVERSAL_IN_DOUBT = 16

_TALK = "answers a question, and is no condition"
_PAUSE = re.compile(r"[.,!?;:–—]|\s-\s")
_END = re.compile(r"[.!?]")


def _noun(sentence: Sentence, start: int, _: Context) -> Clause | None:
    if not sentence.is_noun(start):
        return None
    return Clause(start + 1, (Connective("noun", start),), reasons={start: NAMES_RECORDS})


def _connective(sentence: Sentence, start: int, _: Context) -> Clause | None:
    chunk = sentence.chunks[start]
    kind = chunk.role("junction") or ("not" if _negates(sentence, start) else None)
    if kind == "but":
        kind = "not" if _excepts(sentence, start) else "but" if _may_except(sentence, start) else "and"
    return Clause(start + 1, (Connective(kind, start),)) if kind else None


def _negates(sentence: Sentence, start: int) -> bool:
    """Return whether a negation has something to negate: "free from 6 pm" and "free from work" have not."""
    kind, following = sentence.role(start, "negation"), sentence.skip_stopwords(start + 1)
    if kind == "free":
        return bool(sentence.candidates(following)) and not sentence.is_value(following)
    return kind is not None and not (kind == "without" and sentence.is_value(following))


def _excepts(sentence: Sentence, start: int) -> bool:
    """Return whether "any" or "all" comes before, with its noun: "any car but american", "any color but red"."""
    at = start - 1
    while at > start - MAX_UNIVERSAL and not sentence.role(at, "universal") and _is_counted(sentence, at):
        at -= 1
    return sentence.role(at, "universal") is not None


def _may_except(sentence: Sentence, start: int) -> bool:
    """Return whether "any" or "all" comes anywhere before: "any car under $5000 but red" may mean both."""
    following = sentence.skip_stopwords(start + 1)
    if any(sentence.role(at, kind) for at in (start + 1, following) for kind in ("negation", "having", "comparator")):
        return False
    return any(sentence.role(at, "universal") for at in range(max(0, start - MAX_UNIVERSAL_IN_DOUBT), start))


def _is_counted(sentence: Sentence, at: int) -> bool:
    chunk = sentence.chunk(at)
    if chunk is None:
        return False
    names_field = any(True for _ in sentence.fields(at))
    return sentence.is_noun(at) or sentence.role(at, "results") is not None or names_field or chunk.is_stopword


def ends_sentence(sentence: Sentence, at: int) -> bool:
    """Return whether a sentence ends behind the chunk, so that a "not" before has nothing to negate."""
    return at + 1 < len(sentence.chunks) and _END.search(sentence.gap(at)) is not None


def _talk(sentence: Sentence, start: int, _: Context) -> Clause | None:
    """Read a "no" that answers a question: a sentence opens with it, and a pause or "I want" follows."""
    opens = all(chunk.is_stopword for chunk in sentence.chunks[:start]) or ends_sentence(sentence, start - 1)
    if not opens or sentence.texts[start].lower() not in sentence.language.numbers.none:
        return None
    last = start + 1 == len(sentence.chunks)
    pause = last or _PAUSE.search(sentence.gap(start)) or sentence.role(start + 1, "junction") == ","
    if not (pause or sentence.role(start + 1, "talk")):
        return None
    return Clause(start + 1, reasons={start: _TALK})


# values that are not wanted


def _excluded(sentence: Sentence, start: int, _: Context) -> Clause | None:
    """Read "sugar-free" and "peanuts and egg excluded"."""
    places = list(_listed(sentence, start))
    end = sentence.skip_stopwords(places[-1] + 1)
    free = _freedom(sentence, places, end)
    if not free and not sentence.role(end, "excluded"):
        return None
    if free and sentence.gap(end - 1) == "-" and not all(_is_suspended(sentence, at) for at in places[:-1]):
        return None
    atoms = [atom for place in places if (atom := _exclusion(sentence, place, end, start, doubtful=free == "doubtful"))]
    if len(atoms) < len(places):
        return None
    pieces = (piece for atom in atoms for piece in (Connective("and", atom.start), atom))
    return Clause(end + 1, tuple(pieces)[1:])


def _listed(sentence: Sentence, start: int) -> Iterator[int]:
    """Yield the places of the values of one field from `start` on, with "and", "or" or commas between."""
    yield start
    fields, at = {target.field.name for target, _ in sentence.values(start)}, start
    for _ in range(MAX_LIST):
        first = at + 1 + _is_suspended(sentence, at)
        at = first + 1 + (sentence.role(first + 1, "junction") in ("and", "or"))
        if sentence.role(first, "junction") not in ("and", "or", ","):
            return
        if fields.isdisjoint(target.field.name for target, _ in sentence.values(at)):
            return
        yield at


def _is_suspended(sentence: Sentence, at: int) -> bool:
    """Return whether a hyphen stands for the end of a compound: "gluten- and egg-free"."""
    return at + 1 < len(sentence.chunks) and sentence.texts[at + 1] == "-" and not sentence.gap(at)


def _freedom(sentence: Sentence, places: Sequence[int], at: int) -> Literal["sure", "doubtful"] | None:
    """Return how sure it is that "free" at a place belongs to the values before it, if it may at all.

    "Gluten free" does, but "pool free parking" may be about what the parking costs.
    """
    if at != places[-1] + 1 or at >= len(sentence.chunks):
        return None
    if fold(sentence.texts[at]) not in sentence.language.fields.privative_after:
        return None
    gap = sentence.gap(at - 1)
    if gap == "-":
        return "sure"
    if gap.strip() or sentence.candidates(at):
        return None
    following = sentence.skip_stopwords(at + 1)
    chunk = sentence.chunk(following)
    settled = chunk is None or sentence.is_noun(following) or not (chunk.is_unknown or chunk.candidates)
    owners = {candidate.target.field for candidate in sentence.candidates(places[-1]) if _lists(candidate.target)}
    if not owners:
        flagged = any(True for _ in sentence.fields(places[-1]))
        return "sure" if settled and flagged else None
    others = {target.field for target, _ in sentence.values(following)}
    return "sure" if settled or (others and owners.isdisjoint(others)) else "doubtful"


def _lists(target: Target) -> TypeGuard[ValueTarget | OppositeTarget]:
    """Return whether a record may have many such values: nobody means by "Paris free" that it is not Paris."""
    return isinstance(target, OppositeTarget) or (isinstance(target, ValueTarget) and target.field.many)


def _exclusion(sentence: Sentence, place: int, last: int, first: int, *, doubtful: bool) -> Atom | None:
    """Return the test that a value or a flag at a place is not there, for the words from the first to the last."""
    start, end = (first, last + 1) if first == place else (place, place + 1)
    for candidate in sentence.candidates(place):
        if test := _without(candidate.target, sentence):
            other = Alternative(values.negated(test), candidate.confidence)
            alternatives = (other,) if doubtful else ()
            return Atom(test, start, end, candidate.confidence, candidate.source, alternatives)
    return None


def _without(target: Target, sentence: Sentence) -> Leaf | Not | None:
    """Return the test that what the words mean is not there."""
    match target:
        case ValueTarget(field, value):
            return values.negated(strings.equals(field, value))
        case OppositeTarget(field, value):
            return strings.equals(field, value)
        case FieldTarget(field, negated) if yes_no(field, sentence.language):
            return (presence.present if negated else presence.absent)(field, sentence.language)
    return None


def _opposite(sentence: Sentence, start: int, _: Context) -> Clause | None:
    """Read "alcohol" as the opposite of the value "alcohol-free"; a "not" before it makes it that value."""
    candidates = sentence.candidates(start)
    # The word "rated" is no opposite of "not rated" where there is a rating.
    if not all(isinstance(candidate.target, OppositeTarget) for candidate in candidates):
        return None
    for candidate in candidates:
        if isinstance(target := candidate.target, OppositeTarget):
            test = values.negated(strings.equals(target.field, target.value))
            atom = Atom(test, start, start + 1, candidate.confidence, candidate.source)
            return Clause(start + 1, (atom,), target.field)
    return None


def _zero(sentence: Sentence, start: int, _: Context) -> Clause | None:
    """Read "zero sugar" as a "not"."""
    return Clause(start + 1, (Connective("not", start),)) if zero_negates(sentence, start) else None


def zero_negates(sentence: Sentence, at: int) -> bool:
    """Return whether the chunk is a zero before what can only be there or not."""
    chunk = sentence.chunk(at)
    if chunk is None or chunk.roles or not chunk.quantity or chunk.quantity.value != 0 or chunk.quantity.units:
        return False
    flags = any(yes_no(field, sentence.language) for field, _ in sentence.fields(at + 1))
    return flags or any(True for _ in sentence.values(at + 1))


NOUN = Rule("noun", {MATCH}, _noun, {"red cars": "color = red"})
CONNECTIVE = Rule(
    "connective",
    {"junction", "negation"},
    _connective,
    {
        "red or wireless": "color = red or wireless = true",
        "not red": "color <> red",
        "any car but red": "color <> red",
        "any car you have but red": "color <> red",
        "wireless but red": "wireless = true and color = red",
        "(red or wireless) and 4 seats": "(color = red or wireless = true) and seats = 4",
    },
)
TALK = Rule(
    "talk",
    {"negation"},
    _talk,
    {"no, red": "color = red", "no i want red": "color = red", "ok. no. red": "color = red"},
)
EXCLUDED_VALUE = Rule(
    "excluded value",
    {MATCH},
    _excluded,
    {
        "red excluded": "color <> red",
        "red-free": "color <> red",
        "red and blue excluded": "not color in (red, blue)",
        "wireless not included": "wireless = false",
    },
)
OPPOSITE = Rule("opposite", {MATCH}, _opposite, {"fee": "color <> fee-free", "no fee": "color = fee-free"})
ZERO = Rule("zero", {VALUE}, _zero, {"zero red": "color <> red"})
