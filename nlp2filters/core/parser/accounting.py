"""The account of a sentence's words.

No word is dropped in silence: what no rule has used becomes `text` for a full-text search, or is ignored for a reason.
"""

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass

from nlp2filters.core.filters import leaves
from nlp2filters.core.interpretation import Ignored, Mention, Span
from nlp2filters.core.linking import FieldTarget
from nlp2filters.core.parser.chunker import Chunk
from nlp2filters.core.parser.clauses import Atom, Clauses
from nlp2filters.core.parser.sentence import Sentence

_NO_VALUE = "names a field, but does not say what to ask of it"
_NO_FIELD = "no field is known for this value"
_NOT_FOLLOWED = "nothing that it could belong to follows"

# A chunk with one of these roles has an effect on what follows it, or none at all.
_GOVERNING = frozenset({"comparator", "negation", "excluded", "unknown", "sort", "extreme", "bound"})


@dataclass(frozen=True, slots=True)
class Account:
    """The words that are left for a full-text search, and the chunks that change nothing, with the reasons.

    `mentions` are the words of the order, of the limit and of the search.
    """

    text: str
    ignored: tuple[Ignored, ...]
    mentions: tuple[Mention, ...]


def account(sentence: Sentence, clauses: Clauses, atoms: Sequence[Atom]) -> Account:
    """Account for every chunk that is not part of one of the `atoms` of the filter."""
    used = clauses.used | {at for atom in atoms for at in range(atom.start, atom.end)}
    loose = _loose(sentence, used, used | clauses.reasons.keys())
    fields = {sort.field for sort in clauses.sorts}.union(*(_fields(atom) for atom in atoms))
    governing = _governing(clauses)
    ignored = []
    for at, chunk in enumerate(sentence.chunks):
        if at in used or at in loose:
            continue
        if reason := clauses.reasons.get(at) or _reason(chunk, at, fields, governing):
            ignored.append(Ignored(sentence.spans[at], sentence.texts[at], reason))
    remains = _joined(sorted(loose), sentence)
    mentions = [Mention(span, span.of(sentence.text), "text") for span in remains]
    for start, end, part in clauses.ordering:
        span = Span(sentence.spans[start].start, sentence.spans[end - 1].end)
        mentions.append(Mention(span, span.of(sentence.text), part))
    text = " ".join(span.of(sentence.text) for span in remains)
    return Account(text, tuple(ignored), tuple(sorted(mentions, key=lambda words: words.span.start)))


def _fields(atom: Atom) -> set[str]:
    return {leaf.field for leaf in leaves(atom.test)}


def _loose(sentence: Sentence, used: Set[int], settled: Set[int]) -> set[int]:
    """Return the places of unknown words."""
    words = {at for at, chunk in enumerate(sentence.chunks) if at not in settled and (chunk.is_unknown or chunk.quoted)}
    # A number beside unknown words is part of a name: "apollo 13".
    numbers = {
        at
        for at, chunk in enumerate(sentence.chunks)
        if at not in used and chunk.quantity and not chunk.quantity.units and not words.isdisjoint((at - 1, at + 1))
    }
    return words | numbers


def _reason(chunk: Chunk, at: int, fields: Set[str], governing: Set[int]) -> str | None:
    """Return why a chunk changes nothing, unless it has no content, or has an effect through other chunks."""
    filler = "filler" in chunk.roles
    if chunk.is_value and not filler:
        return _NO_FIELD
    if chunk.candidates and not chunk.roles:
        return _NO_VALUE if fields.isdisjoint(_names(chunk)) else None
    if chunk.roles.keys() & _GOVERNING and not filler and at not in governing:
        return _NOT_FOLLOWED
    return None


def _governing(clauses: Clauses) -> set[int]:
    """Return the chunks that take effect through the test after them, such as "not"."""
    governing: set[int] = set()
    pending: set[int] = set()
    for piece in clauses.pieces:
        if isinstance(piece, Atom):
            governing |= pending
            pending = set()
        elif piece.kind == "not":
            pending.add(piece.at)
        elif piece.kind != "(":
            pending = set()
    return governing


def _names(chunk: Chunk) -> Iterator[str]:
    """Yield the fields that a chunk may name."""
    for candidate in chunk.candidates:
        if isinstance(candidate.target, FieldTarget):
            yield candidate.target.field.name


def _joined(places: Sequence[int], sentence: Sentence) -> list[Span]:
    """Return the spans of words, with neighbors joined."""
    parts: list[Span] = []
    for previous, at in zip([None, *places], places, strict=False):
        if previous is not None and previous == at - 1:
            parts[-1] = Span(parts[-1].start, sentence.spans[at].end)
        else:
            parts.append(sentence.spans[at])
    return parts
