"""Strings: words as values of a field, such as known values, names, words in quotes, words after a "not"."""

from collections.abc import Sequence
from functools import lru_cache

from nlp2filters.core.catalog import Field
from nlp2filters.core.filters import Comparison, Contains, Leaf
from nlp2filters.core.interpretation import Alternative
from nlp2filters.core.linking import Candidate, ValueTarget
from nlp2filters.core.parser import confidence, disambiguation, field_resolution
from nlp2filters.core.parser.clauses.amounts import MAX_ALTERNATIVES
from nlp2filters.core.parser.clauses.clause import MATCH, NAME, QUOTED, WORD, Atom, Clause, Context, Rule
from nlp2filters.core.parser.sentence import Sentence

# A name of unknown words has at most this many chunks.
MAX_NAME = 12

# A chunk with one of these roles is not a value, even if a value is called that.
_STRUCTURAL = frozenset({"comparator", "junction", "negation", "range", "bound", "having", "than"})


def equals(of: Field, value: str) -> Leaf:
    """Test that the field has the value; a text has it among its words."""
    return Contains(of.name, value) if of.type == "text" else Comparison("=", of.name, value)


def name_end(sentence: Sentence, start: int) -> int:
    """Return where a name that begins at `start` ends: before the first chunk that means something else."""
    end = start
    while end - start < MAX_NAME and _continues_name(sentence, end):
        end += 1
    return end


def _continues_name(sentence: Sentence, at: int) -> bool:
    chunk, following = sentence.chunk(at), sentence.chunk(at + 1)
    if chunk is None or chunk.is_unknown:
        return chunk is not None
    inner = sentence.language.names.inner
    joins = chunk.is_stopword and sentence.texts[at].lower() in inner
    return joins and following is not None and following.is_unknown


def _open_value(sentence: Sentence, start: int, _: Context) -> Clause | None:
    name = sentence.chunks[start].name
    if not name:
        return None
    field, end = sentence.catalog.by_name[name.field], start + 1
    return Clause(end, (Atom(Contains(name.field, name.value), start, end, name.confidence, "type"),), field)


def _known_value(sentence: Sentence, start: int, _: Context) -> Clause | None:
    shares = sentence.chunks[start].field_probabilities
    matches = sorted(sentence.values(start), key=lambda match: -shares.get(match[0].field.name, 0.0))
    if not matches or sentence.chunks[start].roles.keys() & _STRUCTURAL:
        return None
    following = {field.name for field, _ in sentence.fields(start + 1)}
    likely = following or _likely_fields(sentence, start, matches)
    target, candidate = next((pair for pair in matches if pair[0].field.name in likely), matches[0])
    field, rivals = target.field, 1 if target.field.name in likely else len(matches)
    share = candidate.confidence / rivals
    names_field_after = field.name in following and not sentence.has_own_value(start + 1)
    end = start + 1 + names_field_after
    longer = _text_end(sentence, end, field)
    words = (target.value, sentence.text_of(end, longer)) if longer > end else (target.value,)
    test = equals(field, " ".join(words))
    rival = 1 - share if field.name in likely else share
    alternatives = _alternatives(matches, target, rival) if longer == end else ()
    start = disambiguation.start_of_side(sentence, start) if field.name in likely - following else start
    return Clause(longer, (Atom(test, start, longer, share, candidate.source, alternatives),), field)


def _known_pair(sentence: Sentence, start: int, _: Context) -> Clause | None:
    """Read "Lyon to Turin" and "between Lyon and Turin" as a value of each of two fields that share such values."""
    opened = sentence.role(start, "range") == "between"
    first = sentence.skip_stopwords(start + opened)
    joint = sentence.role(first + 1, "range") == "to" or (opened and sentence.role(first + 1, "junction") == "and")
    last = sentence.skip_stopwords(first + 2)
    if not joint:
        return None
    starts, ends = _by_field(sentence, first), _by_field(sentence, last)
    sides = disambiguation.both_sides(list(starts), list(ends), sentence.language)
    if not sides:
        return None
    origin, destination = sides
    atoms = (
        _value_atom(*starts[origin], start, first + 1),
        _value_atom(*ends[destination], last, last + 1),
    )
    return Clause(last + 1, atoms, destination)


def _by_field(sentence: Sentence, at: int) -> dict[Field, tuple[ValueTarget, Candidate]]:
    return {target.field: (target, candidate) for target, candidate in sentence.values(at)}


def _value_atom(target: ValueTarget, candidate: Candidate, start: int, end: int) -> Atom:
    return Atom(equals(target.field, target.value), start, end, candidate.confidence, candidate.source)


def _text_end(sentence: Sentence, end: int, field: Field) -> int:
    """Return where the value of a text ends, to which unknown words after a known value belong."""
    return name_end(sentence, end) if field.type == "text" else end


def _alternatives(
    matches: Sequence[tuple[ValueTarget, Candidate]], target: ValueTarget, share: float
) -> tuple[Alternative, ...]:
    others = [other for other, _ in matches if other is not target]
    return tuple(Alternative(equals(other.field, other.value), share) for other in others[:MAX_ALTERNATIVES])


def _likely_fields(sentence: Sentence, at: int, matches: Sequence[tuple[ValueTarget, Candidate]]) -> set[str]:
    """Return the likely one of the fields that have the value, by the tagger or by a word such as "to".

    Where no words are around, the tagger cannot tell an origin from a destination.
    """
    fields = [target.field for target, _ in matches]
    if side := disambiguation.side_before(sentence, at, fields):
        return {side.name}
    likeliest = matches[0][0].field
    share = sentence.chunks[at].field_probabilities.get(likeliest.name, 0.0)
    is_guess = not sentence.has_context and any(_is_twin(likeliest, field) for field in fields)
    if share >= field_resolution.MIN_TAGGER_PROBABILITY and not is_guess:
        return {likeliest.name}
    near = disambiguation.disambiguate(sentence, at, fields)
    return {near.name} if near else set()


@lru_cache(maxsize=1024)
def _is_twin(field: Field, other: Field) -> bool:
    """Return whether two fields have the same values, like an origin and a destination."""
    values, others = ({value.value for value in each.values} for each in (field, other))
    return field is not other and 2 * len(values & others) > max(len(values), len(others))


def _quoted(sentence: Sentence, start: int, _: Context) -> Clause | None:
    chunk, field = sentence.chunks[start], _only_text(sentence)
    if not chunk.quoted or not field:
        return None
    return _contains(field, chunk.quoted, start, start + 1, confidence.WORDS_IN_QUOTES)


def _excluded(sentence: Sentence, start: int, context: Context) -> Clause | None:
    negation = context.negation
    if not negation or not sentence.chunks[start].is_unknown:
        return None
    if sentence.skip_stopwords(negation.at + 1) != start or sentence.role(negation.at, "negation") == "outside":
        return None
    end = name_end(sentence, start)
    if field := _only_text(sentence):
        return _contains(field, sentence.text_of(start, end), start, end, confidence.EXCLUDED_WORDS)
    reason = "no field has this value, so that none is excluded"
    return Clause(end, reasons=dict.fromkeys(range(negation.at, end), reason))


def _contains(field: Field, words: str, start: int, end: int, share: float) -> Clause:
    return Clause(end, (Atom(Contains(field.name, words), start, end, share, "type"),))


def _only_text(sentence: Sentence) -> Field | None:
    texts = sentence.lexicon.typed("text")
    return texts[0] if len(texts) == 1 else None


OPEN_VALUE = Rule("open value", {NAME}, _open_value, {"title is heart of gold": "title contains 'heart of gold'"})
KNOWN_VALUE = Rule(
    "known value",
    {MATCH},
    _known_value,
    {
        "red": "color = red",
        "sony brand": "brand = Sony",
        "from paris": "origin = Paris",
        "to paris": "destination = Paris",
    },
)
KNOWN_PAIR = Rule(
    "known values of two sides",
    {"range", MATCH},
    _known_pair,
    {
        "paris to rome": "origin = Paris and destination = Rome",
        "between rome and paris": "origin = Rome and destination = Paris",
    },
)
IN_QUOTES = Rule("quoted", {QUOTED}, _quoted, {'"heart of gold"': "title contains 'heart of gold'"})
EXCLUDED = Rule("excluded words", {WORD}, _excluded, {"not heart of gold": "not title contains 'heart of gold'"})
