"""Tagging: the tagger's output, applied to the items of a row.

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
from nlp2filters.core.parser.tagger import MOST_TOKENS, Array, Tags, likelihood
from nlp2filters.core.words import fold

# Smaller shares are not kept.
LEAST = 0.05
_PUNCTUATION = frozenset(",;:&-–—/")
BEGINS, SURELY_BEGINS = 0.4, 0.8
LEAST_ASKED = 0.5
# From this share on, the words are a value of the field.
LEAST_SURE = 0.55
# A known value of a field that is not closed must be at least this near (cosine).
LEAST_NEAR = 0.65


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
        replace(item, meant={fields[at].name: float(share[at]) for at in np.flatnonzero(share[:-1] >= LEAST)})
        for item, share in zip(row.items, shares, strict=False)
    ]
    items = [*read, *row.items[len(read) :]]
    merged, at = [], 0
    for run in (*_runs(row, tags), None):
        merged += items[at : run.start if run else None]
        if run is None:
            break
        taken = items[run.start : run.end]
        merged += _valued(row, run, taken) if run.field.type in STRINGS else taken
        at = run.end
    return merged


def asked(row: Row, tags: Tags) -> list[Asked]:
    """Return the boolean fields that the text asks for."""
    fields = row.catalog.fields
    likely = [at for at in np.flatnonzero(tags.asked >= LEAST_ASKED) if fields[at].type == "boolean"]
    return [Asked(fields[at], _place(row, int(tags.spots[at])), float(tags.asked[at])) for at in likely]


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
    return row.items[: bisect_left(row.items, MOST_TOKENS, key=lambda item: item.start)]


def _runs(row: Row, tags: Tags) -> Iterator[Run]:
    """Yield neighboring items that together are likelier a value than not, each with their likeliest field.

    A run ends where a value of another field begins, or where one begins for sure.
    """
    shares = _shares(row, tags)
    begins = [tags.begins[item.start] for item in _read_items(row)]
    valued = (shares[:, -1] < 0.5).tolist()
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
            if begins[end] > (BEGINS if changes else SURELY_BEGINS):
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


def _valued(row: Row, run: Run, taken: Sequence[Item]) -> list[Item]:
    """Return the run as one item with its value, or its items as they are if the rules know better what they are."""
    as_they_are = list(taken)
    if run.share < LEAST_SURE or any(_known(item, run.field) for item in taken) or _searched(row, run.start):
        return as_they_are
    whole = Item(taken[0].start, taken[-1].end, meant={run.field.name: run.share})
    sure = likelihood(run.share)
    if len(taken) == 1 and taken[0].quoted and not run.field.closed:
        return [replace(whole, name=Name(run.field.name, taken[0].quoted, sure))]
    said = replace(whole, name=Name(run.field.name, row.text_of(run.start, run.end), sure))
    if run.field.is_open:
        return [said]
    if any(item.candidates or item.is_value for item in taken):
        return as_they_are
    near = row.near(run.field, run.start, run.end)
    if near and (run.field.closed or near.confidence >= LEAST_NEAR):
        return [replace(whole, candidates=(replace(near, confidence=near.confidence * sure),))]
    return as_they_are if run.field.closed else [said]


def _searched(row: Row, at: int) -> bool:
    """Return whether the words are to be searched for in a named field: "title contains"."""
    return row.says(at - 1, "contains") is not None and any(True for _ in row.fields(at - 2))


def _known(item: Item, field: Field) -> bool:
    targets = (candidate.target for candidate in item.candidates)
    return any(isinstance(target, ValueTarget) and target.field.name == field.name for target in targets)


def phrases(row: Row, tags: Tags) -> tuple[str, ...]:
    """Return the words tagged for a field with known values that name none of these, to be compared by meaning."""
    found: dict[str, None] = {}
    for run in _runs(row, tags):
        valued = run.field.type in STRINGS and not run.field.is_open
        if valued and not any(_known(item, run.field) for item in row.items[run.start : run.end]):
            found[fold(row.text_of(run.start, run.end))] = None
    return tuple(found)
