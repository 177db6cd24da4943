"""Merging: the tagger's output, applied to the chunks of a sentence.

Words tagged as a value that no list holds become one chunk with its name; words tagged for a field with known values
become the likeliest of these; numbers, dates and known values get the tagger's probabilities of the fields.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from nlp2filters.core.catalog import STRINGS, Field
from nlp2filters.core.languages import is_currency
from nlp2filters.core.linking import FieldTarget, OppositeTarget, ValueTarget
from nlp2filters.core.parser.chunker import Chunk, Name
from nlp2filters.core.parser.clauses import BooleanHint
from nlp2filters.core.parser.sentence import Sentence
from nlp2filters.core.parser.tagger.features import Array
from nlp2filters.core.parser.tagger.network import MAX_TOKENS, Tags, likelihood
from nlp2filters.core.words import fold

# Smaller probabilities of a field are dropped.
MIN_SHARE = 0.05
# From this share on, the words are a value of the field.
MIN_VALUE_SHARE = 0.55
# The words are a value of some field unless the share of none is at least this.
MIN_SHARE_OF_NONE = 0.5
# A token with such a probability begins another value: of another field, or of the same one.
MIN_BEGINNING_OF_OTHER_FIELD, MIN_BEGINNING_OF_SAME_FIELD = 0.4, 0.8
# The text tests a boolean field from this probability on.
MIN_REQUESTED = 0.5
# A known value of a field that is not closed must be at least this near (cosine).
MIN_COSINE_IN_OPEN_FIELD = 0.65

_PUNCTUATION = frozenset(",;:&-–—/")


@dataclass(frozen=True, slots=True)
class Run:
    """The chunks `start` to `end` (exclusive), which are a value of the field."""

    start: int
    end: int
    field: Field
    share: float


def merge(sentence: Sentence, tags: Tags) -> list[Chunk]:
    """Return the chunks of the sentence as the tagger sees them."""
    shares, fields = _shares(sentence, tags), sentence.catalog.fields
    read = [
        replace(
            chunk,
            field_probabilities={fields[at].name: float(share[at]) for at in np.flatnonzero(share[:-1] >= MIN_SHARE)},
        )
        for chunk, share in zip(sentence.chunks, shares, strict=False)
    ]
    chunks = [*read, *sentence.chunks[len(read) :]]
    merged, at = [], 0
    for run in (*_runs(sentence, tags), None):
        merged += chunks[at : run.start if run else None]
        if run is None:
            break
        run_chunks = chunks[run.start : run.end]
        merged += _valued(sentence, run, run_chunks) if run.field.type in STRINGS else run_chunks
        at = run.end
    return merged


def boolean_tests(sentence: Sentence, tags: Tags) -> list[BooleanHint]:
    """Return the boolean fields that the text asks for, unless the words for it are those of other fields."""
    fields = sentence.catalog.fields
    likely = [at for at in np.flatnonzero(tags.requested >= MIN_REQUESTED) if fields[at].type == "boolean"]
    places = [(fields[at], _place(sentence, int(tags.spots[at])), float(tags.requested[at])) for at in likely]
    return [BooleanHint(*hint) for hint in places if not _means_other_field(sentence, hint[1], hint[0])]


def _means_other_field(sentence: Sentence, at: int, field: Field) -> bool:
    """Return whether the chunk is known, and not as this field: "tagged" is the field of tags, not of gift tags."""
    targets = [candidate.target for candidate in sentence.chunks[at].candidates]
    others = [target for target in targets if isinstance(target, FieldTarget | ValueTarget)]
    return bool(others) and all(target.field is not field for target in others)


def _place(sentence: Sentence, token: int) -> int:
    return next(at for at, chunk in enumerate(sentence.chunks) if chunk.start <= token < chunk.end)


def _shares(sentence: Sentence, tags: Tags) -> Array:
    """Return the mean share of the tokens of each chunk that the tagger has read: shape (chunks, fields + 1)."""
    chunks = _read_chunks(sentence)
    if not chunks:
        return tags.shares[:0]
    starts = [chunk.start for chunk in chunks]
    lengths = np.array([chunk.end - chunk.start for chunk in chunks], np.float32)
    sums: Array = np.add.reduceat(tags.shares[: chunks[-1].end], starts, axis=0)
    return sums / lengths[:, None]


def _read_chunks(sentence: Sentence) -> Sequence[Chunk]:
    return sentence.chunks[: bisect_left(sentence.chunks, MAX_TOKENS, key=lambda chunk: chunk.start)]


def _runs(sentence: Sentence, tags: Tags) -> Iterator[Run]:
    """Yield neighboring chunks that together are likelier a value than not, each with their likeliest field.

    A run ends where a value of another field begins, or where one begins for sure.
    """
    shares = _shares(sentence, tags)
    begins = [tags.begins[chunk.start] for chunk in _read_chunks(sentence)]
    valued = (shares[:, -1] < MIN_SHARE_OF_NONE).tolist()
    likeliest = shares[:, :-1].argmax(axis=1)
    at = 0
    while at < len(valued):
        end = at + 1
        if not valued[at]:
            at = end
            continue
        total = shares[at, :-1].copy()
        while end < len(valued) and valued[end]:
            changes = likeliest[end] != total.argmax()
            if begins[end] > (MIN_BEGINNING_OF_OTHER_FIELD if changes else MIN_BEGINNING_OF_SAME_FIELD):
                break
            total += shares[end, :-1]
            end += 1
        start, stop = _trimmed(sentence, at, end)
        if start < stop:
            total = shares[start:stop, :-1].mean(axis=0)
            label = int(total.argmax())
            field = sentence.catalog.fields[label]
            stop = _end_of_spelling(sentence, stop) if field.is_open else stop
            yield Run(start, stop, field, float(total[label]))
        at = max(end, stop)


def _end_of_spelling(sentence: Sentence, end: int) -> int:
    """Return the end of the name that a run ends within: all of "SS11" and "GTX 1080"."""
    texts = sentence.texts
    while end < len(texts) and not sentence.gap(end - 1) and (texts[end - 1] + texts[end]).isalnum():
        end += 1
    # The chunker leaves only the numbers of models unknown.
    return end + (end < len(texts) and sentence.chunks[end].is_unknown and texts[end].isdecimal())


def _trimmed(sentence: Sentence, start: int, end: int) -> tuple[int, int]:
    """Trim punctuation from the ends; nothing is left if no chunk has content."""
    while start < end and sentence.texts[start] in _PUNCTUATION:
        start += 1
    while start < end and sentence.texts[end - 1] in _PUNCTUATION:
        end -= 1
    if all(chunk.is_stopword for chunk in sentence.chunks[start:end]):
        return start, start
    return start, end


def _valued(sentence: Sentence, run: Run, chunks: Sequence[Chunk]) -> list[Chunk]:
    """Return the run as one chunk with its value, or its chunks as they are if the rules know better what they are."""
    if len(chunks) == 1 and chunks[0].role("unknown"):
        # "Grower unknown" names no grower.
        return list(chunks)
    if _excludes_value(sentence, run) or _is_amount_of_money(sentence, chunks):
        return list(chunks)
    is_time = all(chunk.clock for chunk in chunks)
    if is_time or run.share < MIN_VALUE_SHARE or _names_value(chunks, run.field) or _searched(sentence, run.start):
        return list(chunks)
    value = _value(sentence, run, chunks)
    return [value] if value else list(chunks)


def _is_amount_of_money(sentence: Sentence, chunks: Sequence[Chunk]) -> bool:
    """Return whether the run is an amount for a field that holds money, if in another currency: "50 pence"."""
    if not sentence.lexicon.typed("money"):
        return False
    return len(chunks) == 1 and chunks[0].quantity is not None and any(map(is_currency, chunks[0].quantity.units))


def _excludes_value(sentence: Sentence, run: Run) -> bool:
    """Return whether nothing but a known value follows a "not", and no name begins with it: "sans gluten"."""
    if not sentence.role(run.start, "negation"):
        return False
    rest = [at for at in range(run.start + 1, run.end) if not sentence.chunks[at].is_stopword]
    following = rest or [sentence.skip_stopwords(run.end)]
    return all(
        any(isinstance(c.target, ValueTarget | OppositeTarget) for c in sentence.candidates(at)) for at in following
    )


def _value(sentence: Sentence, run: Run, chunks: Sequence[Chunk]) -> Chunk | None:
    whole = Chunk(chunks[0].start, chunks[-1].end, field_probabilities={run.field.name: run.share})
    text, confidence = sentence.text_of(run.start, run.end), likelihood(run.share)
    if len(chunks) == 1 and chunks[0].quoted and not run.field.closed:
        return replace(whole, name=Name(run.field.name, chunks[0].quoted, confidence))
    if not run.field.is_open and any(chunk.candidates or chunk.is_value for chunk in chunks):
        return None
    nearest = sentence.nearest_value(run.field, run.start, run.end)
    if nearest and (run.field.closed or nearest.confidence >= MIN_COSINE_IN_OPEN_FIELD):
        return replace(whole, candidates=(replace(nearest, confidence=nearest.confidence * confidence),))
    return None if run.field.closed else replace(whole, name=Name(run.field.name, text, confidence))


def _searched(sentence: Sentence, at: int) -> bool:
    """Return whether the words are to be searched for in a named field: "title contains"."""
    return sentence.role(at - 1, "contains") is not None and any(True for _ in sentence.fields(at - 2))


def _names_value(chunks: Sequence[Chunk], field: Field) -> bool:
    """Return whether one of the chunks names a known value of the field."""
    targets = (candidate.target for chunk in chunks for candidate in chunk.candidates)
    values = ValueTarget | OppositeTarget
    return any(isinstance(target, values) and target.field.name == field.name for target in targets)


def phrases(sentence: Sentence, tags: Tags) -> tuple[str, ...]:
    """Return the words tagged for a field with known values that name none of these, to be compared by meaning."""
    texts: dict[str, None] = {}
    for run in _runs(sentence, tags):
        has_values = run.field.type in STRINGS and not run.field.is_open
        if has_values and not _names_value(sentence.chunks[run.start : run.end], run.field):
            texts[fold(sentence.text_of(run.start, run.end))] = None
    return tuple(texts)
