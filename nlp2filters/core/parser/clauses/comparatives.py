"""Comparatives of adjectives before a value: "deeper than 18 mm", "more powerful than 200 hp".

Those that belong to a field of the catalog are known from there. The others find a field by what it measures, or are
asked about: none is left out in silence.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from nlp2filters.core import field_words, measures
from nlp2filters.core.catalog import NUMERIC, ORDERED, Field
from nlp2filters.core.interpretation import Alternative
from nlp2filters.core.languages import Language
from nlp2filters.core.measures import AGE, SPEED
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
        if SPEED in self.measures and measures.lasts(field, sentence.language):
            # What is slower takes more time.
            more = not more
        holds_years = values.holds_years(field, sentence.language)
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
    ends = (language.gradable if key > at else language.comparatives).get(word, ())
    own = next((target for target, _ in sentence.adjectives(key, "base" if key > at else "comparative")), None)
    # Dates that are older are lower, but older than a number is more.
    more = ends[0][1] if ends else own.high if own else None
    if more is not None:
        more = more != (degree == "less")
    elif not (_is_adjective(sentence, key) if key > at else _is_comparative(sentence.chunks[key], word, language)):
        return None
    return Comparative(word, frozenset(measure for measure, _ in ends), more, key + 2)


def _is_adjective(sentence: Sentence, at: int) -> bool:
    """Return whether what "more" comes before is no field of which there may be more: "more colorful than"."""
    return not any(field.type in ORDERED for field, _ in sentence.fields(at))


def _is_comparative(chunk: Chunk, word: str, language: Language) -> bool:
    endings = language.degrees.comparative
    return chunk.is_unknown and bool(endings) and len(word) >= SHORTEST and word.endswith(endings)


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
    if not may_begin(sentence.chunks[start]):
        return None
    comparative = read(sentence, start)
    if not comparative:
        return _before_name(sentence, start, context)
    at = sentence.skip_stopwords(comparative.end)
    chunk = sentence.chunk(at)
    if not chunk or not chunk.is_value:
        return None
    if clause := _by_own_adjective(sentence, start, at, comparative):
        return clause
    match = _field(sentence, at, chunk, comparative, context)
    if not match:
        return _unknown(sentence, start, at, comparative)
    return compare(sentence, _start_of_name(sentence, start, match.field), at, comparative, match)


def _before_name(sentence: Sentence, start: int, context: Context) -> Clause | None:
    """Read "longer flippers than 200"."""
    ends = sentence.language.comparatives.get(fold(sentence.texts[start]))
    at = sentence.skip_stopwords(start + 3)
    if not ends or not sentence.role(start + 2, "than") or not sentence.is_value(at):
        return None
    comparative = Comparative(fold(sentence.texts[start]), frozenset(name for name, _ in ends), ends[0][1], start + 3)
    for field, candidate in sentence.fields(start + 1):
        match = FieldMatch(field, at + 1, candidate.confidence, candidate.source)
        if suits(comparative, match, sentence) and sentence.coerce_at(at, field) is not None:
            return compare(sentence, start, at, comparative, match)
    by_noun = sentence.chunks[start + 1].is_unknown
    measured = _field(sentence, at, sentence.chunks[at], comparative, context) if by_noun else None
    return compare(sentence, start, at, comparative, measured) if measured else None


def may_begin(chunk: Chunk) -> bool:
    """Return whether the chunk may be an adjective, or a degree before one."""
    return bool(chunk.is_unknown or chunk.candidates or chunk.roles.keys() & _FIRST)


def _by_own_adjective(sentence: Sentence, start: int, at: int, comparative: Comparative) -> Clause | None:
    """Test the field that the catalog itself gives the adjective to."""
    less = sentence.role(start, "degree") == "less"
    for target, candidate in sentence.adjectives(comparative.end - 2, "base", "comparative"):
        if _has_own(target.field, comparative.word, sentence) and sentence.coerce_at(at, target.field) is not None:
            match = FieldMatch(target.field, at + 1, candidate.confidence, candidate.source)
            return amounts.test(sentence, start, at, ">" if target.high != less else "<", match)
    return None


def _has_own(field: Field, word: str, sentence: Sentence) -> bool:
    """Return whether the word is a form of one of the field's own adjectives."""
    own = (*field.adjectives.low, *field.adjectives.high)
    return any(form.rpartition(" ")[2] == word for base in own for _, form in sentence.language.forms(fold(base)))


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
    adjectives = sentence.adjectives(comparative.end - 2, "base", "comparative")
    fields = [target.field for target, _ in adjectives if target.field.type in NUMERIC]
    return field_resolution.by_measure(sentence, at, (chunk,), comparative.measures, fields)


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
        "heavier than 3 kg": "weight > 3000",
        "less heavy than 3 kg": "weight < 3000",
        "stronger than 200": "power > 200",
        "not stronger than 200 hp": "power <= 200",
        "older than 2005": "released < 2005-01-01",
        "older than 2 years": "released < today - 2 years",
        "fluffier than 20": "",
    },
)
