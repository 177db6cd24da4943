"""Strings: a column's different texts, with lists in a cell split, and other spellings of a value put together."""

import ast
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

# Items of a list in a cell, on average, occur this many times.
_MIN_OCCURRENCES = 1.5
# An item of a list that commas separate has at most this many words: longer ones are parts of sentences.
_MAX_WORDS = 5
# Of the items that occur again, this share stands in first place and elsewhere: "Paris, France" is no list.
_MIN_SHARED = 0.34
_MIN_SHARE_SPLIT = 0.1


@dataclass(frozen=True, slots=True)
class Lists:
    """The lists in the cells of a column: `written` says how, for people, `items` counts their items."""

    written: str
    split: Callable[[str], Sequence[str] | None]
    items: Counter[str]


@dataclass(frozen=True, slots=True)
class Spellings:
    """A value in its main spelling, with the others that the cells have, and the count of all."""

    value: str
    others: tuple[str, ...]
    count: int


def _split_json(text: str) -> Sequence[str] | None:
    """Split '["a", "b"]', and "['a', 'b']" as Python writes it."""
    if not (text.startswith("[") and text.endswith("]")):
        return None
    try:
        items = orjson.loads(text)
    except orjson.JSONDecodeError:
        try:
            items = ast.literal_eval(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return None
    return _plain(items)


def _plain(items: Any) -> Sequence[str] | None:
    if not isinstance(items, list) or any(isinstance(item, list | dict | tuple | set | bytes) for item in items):
        return None
    return [str(item) for item in items if item is not None and item != ""]


_POSTGRES_ITEM = re.compile(r'"((?:[^"\\]|\\.)*)"|([^",{}]+)')


def _split_postgres(text: str) -> Sequence[str] | None:
    """Split '{a,"b c"}'."""
    if not (text.startswith("{") and text.endswith("}")) or ":" in text:
        return None
    return [quoted or plain for quoted, plain in _POSTGRES_ITEM.findall(text[1:-1])]


def _splitter(separator: str) -> Callable[[str], Sequence[str]]:
    def split(text: str) -> Sequence[str]:
        return [item for part in text.split(separator) if (item := part.strip())]

    return split


_ARRAYS: tuple[tuple[str, Callable[[str], Sequence[str] | None]], ...] = (
    ("JSON arrays", _split_json),
    ("arrays in braces", _split_postgres),
)
_SEPARATORS = {"|": "bars", ";": "semicolons", ",": "commas"}


def lists(texts: Mapping[str, int]) -> Lists | None:
    """Return the lists that the texts hold, or None. A text without a separator is a list of one item."""
    stripped = {text.strip(): count for text, count in texts.items()}
    for written, split in _ARRAYS:
        if split(next(iter(stripped), "")) is not None and all(split(text) is not None for text in stripped):
            return Lists(written, split, _count(stripped, split))
    for separator, name in _SEPARATORS.items():
        if sum(separator in text for text in stripped) < max(1, _MIN_SHARE_SPLIT * len(stripped)):
            continue
        if items := _separated(stripped, separator):
            return Lists(f"lists with {name}", _splitter(separator), items)
    return None


def _count(texts: Mapping[str, int], split: Callable[[str], Sequence[str] | None]) -> Counter[str]:
    items: Counter[str] = Counter()
    for text, count in texts.items():
        for item in dict.fromkeys(split(text) or ()):
            items[item] += count
    return items


def _separated(texts: Mapping[str, int], separator: str) -> Counter[str] | None:
    """Return the items between separators, if they are a list's: they come again, in other company."""
    split = _splitter(separator)
    rows = [split(text) for text in texts]
    items = _count(texts, split)
    # Whether the items come again shows in different cells.
    occurrences = Counter(item for row in rows for item in dict.fromkeys(row))
    if not items or occurrences.total() < _MIN_OCCURRENCES * len(occurrences):
        return None
    if separator == "|":
        return items
    if any(len(item.split()) > _MAX_WORDS for item in occurrences):
        return None
    if separator == "," and len({len(row) for row in rows}) == 1:
        return None
    return items if _is_mixed(rows, occurrences) else None


def _is_mixed(rows: Sequence[Sequence[str]], occurrences: Counter[str]) -> bool:
    first = {row[0] for row in rows if row}
    later = {item for row in rows for item in row[1:]}
    again = [item for item, count in occurrences.items() if count > 1]
    return bool(again) and sum(item in first and item in later for item in again) >= _MIN_SHARED * len(again)


def spellings(texts: Mapping[str, int]) -> list[Spellings]:
    """Put together what differs in case and blanks only, such as "BANGALORE" and " Bangalore"; most frequent first."""
    groups: dict[str, list[str]] = {}
    for text in texts:
        groups.setdefault(" ".join(text.split()).casefold(), []).append(text)
    values = []
    for group in groups.values():
        main = max(
            group, key=lambda text: (text == text.strip(), texts[text], not text.isupper() and not text.islower())
        )
        others = tuple(text for text in group if text is not main)
        values.append(Spellings(main, others, sum(texts[text] for text in group)))
    return sorted(values, key=lambda value: -value.count)
