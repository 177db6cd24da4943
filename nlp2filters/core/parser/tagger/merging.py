"""Merging: the tagger's output, applied to the items of a row.

Words tagged as a value that no list holds become one item with its name; words tagged for a field with known values
become the likeliest of these; numbers, dates and known values get the tagger's probabilities of the fields.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from nlp2filters.core.catalog import STRINGS, Field
from nlp2filters.core.linking import ValueTarget
from nlp2filters.core.parser.clauses import Asked
from nlp2filters.core.parser.row import Row
from nlp2filters.core.parser.scan import Item, Name
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
    """The items `start` to `end` (exclusive), which are a value of the field."""

    start: int
    end: int
    field: Field
    share: float


def merge(row: Row, tags: Tags) -> list[Item]:
    """Return the items of the row as the tagger sees them."""
    shares, fields = _shares(row, tags), row.catalog.fields
    read = [
        replace(item, meant={fields[at].name: float(share[at]) for at in np.flatnonzero(share[:-1] >= MIN_SHARE)})
        for item, share in zip(row.items, shares, strict=False)
    ]
    items = [*read, *row.items[len(read) :]]
    merged, at = [], 0
    for run in (*_runs(row, tags), None):
        merged += items[at : run.start if run else None]
        if run is None:
            break
        run_items = items[run.start : run.end]
        merged += _valued(row, run, run_items) if run.field.type in STRINGS else run_items
        at = run.end
    return merged


def boolean_tests(row: Row, tags: Tags) -> list[Asked]:
    """Return the boolean fields that the text asks for."""
    fields = row.catalog.fields
    likely = [at for at in np.flatnonzero(tags.requested >= MIN_REQUESTED) if fields[at].type == "boolean"]
    return [Asked(fields[at], _place(row, int(tags.spots[at])), float(tags.requested[at])) for at in likely]


def _place(row: Row, token: int) -> int:
    return next(at for at, item in enumerate(row.items) if item.start <= token < item.end)


def _shares(row: Row, tags: Tags) -> Array:
    """Return the mean share of the tokens of each item that the tagger has read: shape (items, fields + 1)."""
    items = _read_items(row)
    if not items:
        return tags.shares[:0]
    starts = [item.start for item in items]
    lengths = np.array([item.end - item.start for item in items], np.float32)
    sums: Array = np.add.reduceat(tags.shares[: items[-1].end], starts, axis=0)
    return sums / lengths[:, None]


def _read_items(row: Row) -> Sequence[Item]:
    return row.items[: bisect_left(row.items, MAX_TOKENS, key=lambda item: item.start)]


def _runs(row: Row, tags: Tags) -> Iterator[Run]:
    """Yield neighboring items that together are likelier a value than not, each with their likeliest field.

    A run ends where a value of another field begins, or where one begins for sure.
    """
    shares = _shares(row, tags)
    begins = [tags.begins[item.start] for item in _read_items(row)]
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
        start, stop = _trimmed(row, at, end)
        if start < stop:
            total = shares[start:stop, :-1].mean(axis=0)
            label = int(total.argmax())
            yield Run(start, stop, row.catalog.fields[label], float(total[label]))
        at = end


def _trimmed(row: Row, start: int, end: int) -> tuple[int, int]:
    """Trim punctuation from the ends; nothing is left if no item has content."""
    while start < end and row.texts[start] in _PUNCTUATION:
        start += 1
    while start < end and row.texts[end - 1] in _PUNCTUATION:
        end -= 1
    if all(item.skippable for item in row.items[start:end]):
        return start, start
    return start, end


def _valued(row: Row, run: Run, items: Sequence[Item]) -> list[Item]:
    """Return the run as one item with its value, or its items as they are if the rules know better what they are."""
    if run.share < MIN_VALUE_SHARE or _names_value(items, run.field) or _searched(row, run.start):
        return list(items)
    value = _value(row, run, items)
    return [value] if value else list(items)


def _value(row: Row, run: Run, items: Sequence[Item]) -> Item | None:
    whole = Item(items[0].start, items[-1].end, meant={run.field.name: run.share})
    text, confidence = row.text_of(run.start, run.end), likelihood(run.share)
    if len(items) == 1 and items[0].quoted and not run.field.closed:
        return replace(whole, name=Name(run.field.name, items[0].quoted, confidence))
    if not run.field.is_open and any(item.candidates or item.is_value for item in items):
        return None
    nearest = row.near(run.field, run.start, run.end)
    if nearest and (run.field.closed or nearest.confidence >= MIN_COSINE_IN_OPEN_FIELD):
        return replace(whole, candidates=(replace(nearest, confidence=nearest.confidence * confidence),))
    return None if run.field.closed else replace(whole, name=Name(run.field.name, text, confidence))


def _searched(row: Row, at: int) -> bool:
    """Return whether the words are to be searched for in a named field: "title contains"."""
    return row.says(at - 1, "contains") is not None and any(True for _ in row.fields(at - 2))


def _names_value(items: Sequence[Item], field: Field) -> bool:
    """Return whether one of the items names a known value of the field."""
    targets = (candidate.target for item in items for candidate in item.candidates)
    return any(isinstance(target, ValueTarget) and target.field.name == field.name for target in targets)


def phrases(row: Row, tags: Tags) -> tuple[str, ...]:
    """Return the words tagged for a field with known values that name none of these, to be compared by meaning."""
    texts: dict[str, None] = {}
    for run in _runs(row, tags):
        has_values = run.field.type in STRINGS and not run.field.is_open
        if has_values and not _names_value(row.items[run.start : run.end], run.field):
            texts[fold(row.text_of(run.start, run.end))] = None
    return tuple(texts)
