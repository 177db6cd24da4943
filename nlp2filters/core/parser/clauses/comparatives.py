"""Comparatives of adjectives before a value: "deeper than 18 mm", "more powerful than 200 hp".

Those that belong to a field of the catalog are known there (`sorting.ADJECTIVE`). The others find a field by what it
measures, or are asked about: none is left out in silence.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from nlp2filters.core import field_words, measures
from nlp2filters.core.catalog import NUMERIC, Field
from nlp2filters.core.interpretation import Alternative
from nlp2filters.core.measures import AGE
from nlp2filters.core.parser import confidence, field_resolution, values
from nlp2filters.core.parser.chunker import Chunk
from nlp2filters.core.parser.clauses import amounts
from nlp2filters.core.parser.clauses.clause import MATCH, WORD, Atom, Clause, Context, Mismatch, Rule
from nlp2filters.core.parser.field_resolution import FieldMatch
from nlp2filters.core.parser.sentence import Sentence
from nlp2filters.core.parser.values import Relation
from nlp2filters.core.words import fold

# A shorter word is no comparative of an adjective that no list has.
SHORTEST = 5
_FIRST = frozenset({WORD, MATCH, "degree", "end"})


@dataclass(frozen=True, slots=True)
class Comparative:
    """An adjective and "than", up to the chunk `end`: what it may measure, and whether more of it is asked for.

    `more` is None for an adjective that the language's tables do not have.
    """

    word: str
    measures: frozenset[str]
    more: bool | None
    end: int

    def relation(self, field: Field, chunk: Chunk, sentence: Sentence) -> Relation:
        """Return the relation of the field to the value: a date is compared as an age or as a day."""
        more = self.more is not False
        holds_years = values.is_year(field, sentence.language) or field.type in ("date", "datetime")
        if AGE in self.measures and holds_years and not amounts.tells_age(chunk):
            return "before" if more else "after"
        return ">" if more else "<"


def read(sentence: Sentence, at: int) -> Comparative | None:
    """Read a comparative, also one that ends the chunk: the words before it may be taken for the same name."""
    chunk = sentence.chunk(at)
    degree = chunk.role("degree") if chunk else None
    key = at + (degree in ("more", "less"))
    if chunk is None or not sentence.role(key + 1, "than") or key + 2 >= len(sentence.chunks):
        return None
    language, word = sentence.language, fold(sentence.texts[key]).rpartition(" ")[2]
    ends = (language.gradable if key > at else language.comparatives).get(word)
    if ends:
        more = ends[0][1] != (degree == "less")
        return Comparative(word, frozenset(measure for measure, _ in ends), more, key + 2)
    is_comparative = len(word) >= SHORTEST and word.endswith(language.degrees.comparative)
    if not sentence.chunks[key].is_unknown or not (key > at or (language.degrees.comparative and is_comparative)):
        return None
    return Comparative(word, frozenset(), None, key + 2)


def compare(sentence: Sentence, start: int, at: int, comparative: Comparative, match: FieldMatch) -> Clause | None:
    """Test the field for the value at `at`; a direction that nobody knows is asked about."""
    relation = comparative.relation(match.field, sentence.chunks[at], sentence)
    clause = amounts.test(sentence, start, at, relation, match)
    if clause is None or comparative.more is not None:
        return clause
    (atom,) = clause.pieces
    value = sentence.coerce_at(at, match.field)
    assert isinstance(atom, Atom)
    assert value
    share = min(atom.confidence, confidence.EITHER_WAY)
    other = Alternative(values.test(values.flipped(relation), match.field, value), share)
    return replace(clause, pieces=(replace(atom, confidence=share, alternatives=(other, *atom.alternatives)),))


def suits(comparative: Comparative, match: FieldMatch, sentence: Sentence) -> bool:
    """Return whether a field that was named before is the one compared; another is, if the name was but guessed."""
    if match.source in ("exact", "synonym") or not comparative.measures:
        return True
    return bool(comparative.measures & measures.of_field(match.field, sentence.language)) or not any(
        comparative.measures & measures.of_field(field, sentence.language) for field in _numbers(sentence)
    )


def _comparative(sentence: Sentence, start: int, context: Context) -> Clause | None:
    comparative = read(sentence, start) if may_begin(sentence.chunks[start]) else None
    if not comparative:
        return None
    at = sentence.skip_stopwords(comparative.end)
    chunk = sentence.chunk(at)
    if not chunk or not chunk.is_value or _is_known(sentence, comparative, at):
        return None
    match = _field(sentence, at, chunk, comparative, context)
    if not match:
        return _unknown(sentence, start, at, comparative)
    return compare(sentence, _start_of_name(sentence, start, match.field), at, comparative, match)


def may_begin(chunk: Chunk) -> bool:
    """Return whether the chunk may be an adjective, or a degree before one."""
    return bool(chunk.is_unknown or chunk.candidates or chunk.roles.keys() & _FIRST)


def _is_known(sentence: Sentence, comparative: Comparative, at: int) -> bool:
    """Return whether the adjective belongs to a field that holds the value; but "older than 2005" may be a year."""
    return any(
        target.field.type in NUMERIC and sentence.coerce_at(at, target.field) is not None
        for target, _ in sentence.adjectives(comparative.end - 2, "base", "comparative")
    )


def _field(sentence: Sentence, at: int, chunk: Chunk, comparative: Comparative, context: Context) -> FieldMatch | None:
    return (
        field_resolution.named_after(sentence, at, (chunk,))
        or _by_measure(sentence, at, chunk, comparative)
        or _by_age(sentence, at, chunk, comparative)
        or (amounts.resolve(sentence, at, (chunk,), context, ">") if _says_what(chunk) else None)
    )


def _by_age(sentence: Sentence, at: int, chunk: Chunk, comparative: Comparative) -> FieldMatch | None:
    """Read "older than 5 years" as a test of a date or a year, if no field holds ages."""
    if AGE not in comparative.measures or not amounts.tells_age(chunk):
        return None
    return field_resolution.by_measure(sentence, at, (chunk,), {AGE}) or field_resolution.by_age(
        sentence, at, (chunk,), compared=True
    )


def _says_what(chunk: Chunk) -> bool:
    """Return whether a value says by itself what it measures: it has a unit, or is a date or a year."""
    has_unit = chunk.quantity is not None and bool(chunk.quantity.units)
    return has_unit or chunk.period is not None or chunk.clock is not None or values.looks_like_year(chunk)


def _by_measure(sentence: Sentence, at: int, chunk: Chunk, comparative: Comparative) -> FieldMatch | None:
    """Return the field that measures what the adjective speaks of, the likeliest first."""
    if AGE in comparative.measures and (values.looks_like_year(chunk) or amounts.tells_age(chunk)):
        return None
    return field_resolution.by_measure(sentence, at, (chunk,), comparative.measures)


def _numbers(sentence: Sentence) -> Sequence[Field]:
    return sentence.lexicon.typed(*sorted(NUMERIC))


def _start_of_name(sentence: Sentence, start: int, field: Field) -> int:
    """Return where the field's name begins, of which the words before are a part: "body" of "body length"."""
    stems = field_words.stems_of_names(field, sentence.language)
    while start and sentence.chunks[start - 1].is_unknown:
        if not field_words.stems(sentence.texts[start - 1], sentence.language) <= stems:
            break
        start -= 1
    return start


def _unknown(sentence: Sentence, start: int, at: int, comparative: Comparative) -> Clause | None:
    """Ask what an adjective means that fits no field."""
    chunk, end = sentence.chunks[at], at + 1
    fields = [field for field in _numbers(sentence) if field_resolution.may_hold(sentence, chunk, field)]
    tests = [
        values.test(comparative.relation(field, chunk, sentence), field, value)
        for field in fields[: amounts.MAX_ALTERNATIVES]
        if (value := sentence.coerce(chunk, field))
    ]
    if not tests:
        return None
    reason = f"no field is known for “{comparative.word}”"
    return Clause(
        end, reasons=dict.fromkeys(range(start, end), reason), mismatch=Mismatch(start, end, reason, tuple(tests))
    )


COMPARATIVE = Rule(
    "comparative",
    _FIRST,
    _comparative,
    {
        "stronger than 200": "power > 200",
        "not stronger than 200 hp": "power <= 200",
        "older than 2005": "released < 2005-01-01",
        "older than 2 years": "released < today - 2 years",
        "fluffier than 20": "",
    },
)
