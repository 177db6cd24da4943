"""Examples to learn from: a text, the fields of its catalog, and which of its words are values of which field."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

SMALL = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
NUMBER = re.compile(r"[-+]?[\d,.]*\d[\d,.]*")

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class FieldSketch:
    """A field as examples describe it: its type is one of a catalog's, `values` are known ones."""

    name: str
    type: str
    description: str = ""
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Example:
    """`spans` are code points (start, end) with the index of their field, `asked` the fields that are tested."""

    catalog: str
    text: str
    fields: tuple[FieldSketch, ...]
    spans: tuple[tuple[int, int, int], ...]
    asked: frozenset[int]


def find(text: str, value: str, taken: Sequence[Span]) -> Span | None:
    """Find the value in the text as whole words, outside of the spans that are taken. Small numbers may be words."""
    said = [value, SMALL[int(value)]] if value.isdigit() and int(value) < len(SMALL) else [value]
    for words in said:
        parts = re.findall(r"\w+|[^\w\s]", words.lower())
        if not parts:
            continue
        for match in re.finditer(_whole(parts), text.lower()):
            if all(match.end() <= start or match.start() >= end for start, end in taken):
                return match.start(), match.end()
    return None


def _whole(parts: Sequence[str]) -> str:
    return r"(?<!\w)" + r"\s*".join(map(re.escape, parts)) + r"(?!\w)"
