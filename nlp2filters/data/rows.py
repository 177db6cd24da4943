"""Rows: their type, counting them, and converting values to the types that catalog inference accepts."""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, TypeAlias

BATCH = 1_000

Row: TypeAlias = Mapping[str, object]

_CELLS = (str, int, float, bool, Decimal, dt.date, dt.time)
_NO_CELLS = (dict, list, tuple, bytes, memoryview)


class CountedRows:
    """An iterator that counts the rows it returns."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = iter(rows)
        self._rows_read = 0

    def __iter__(self) -> Iterator[Row]:
        return self

    def __next__(self) -> Row:
        row = next(self._rows)
        self._rows_read += 1
        return row

    def position(self) -> int:
        """Return the number of rows so far."""
        return self._rows_read


def flatten(row: Row) -> Row:
    """Turn nested objects into columns such as "address.city", and leave out binary values and lists of objects.

    Most rows need no change.
    """
    if all(value is None or isinstance(value, _CELLS) for value in row.values()):
        return row
    return dict(_flattened(row, ""))


def _flattened(row: Mapping[Any, object], prefix: str) -> Iterator[tuple[str, object]]:
    for key, value in row.items():
        match value:
            case dict():
                yield from _flattened(value, f"{prefix}{key}.")
            case bytes() | memoryview():
                continue
            case list() | tuple():
                if not any(isinstance(item, _NO_CELLS) for item in value):
                    yield f"{prefix}{key}", [_cell(item) for item in value]
            case _:
                yield f"{prefix}{key}", _cell(value)


def _cell(value: object) -> object:
    """Convert a value of another type, such as a UUID, to text."""
    return value if value is None or isinstance(value, _CELLS) else str(value)
