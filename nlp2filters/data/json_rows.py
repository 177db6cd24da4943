"""Rows from JSON: one object per line, a list of objects, or a document with such a list in it."""

import json
from collections.abc import Iterator, Mapping
from io import TextIOWrapper
from itertools import islice
from typing import Any, BinaryIO

import orjson

from nlp2filters.data import encoding as encodings
from nlp2filters.data.grid import Record, grid_rows
from nlp2filters.data.notes import Fault, Notes
from nlp2filters.data.rows import Row, flatten
from nlp2filters.errors import SourceError

# A line, or an object in a list, may have this many characters.
MAX_OBJECT = 2**24
# A document that is no list of rows is read as a whole.
MAX_DOCUMENT = 2**26
# In a document, the list of rows is at most so deep: {"response": {"results": […]}}.
_MAX_DEPTH = 3
_BLOCK = 2**18
_decoder = json.JSONDecoder()


def json_rows(file: BinaryIO, notes: Notes, encoding: str | None = None) -> Iterator[Row]:
    """Read the rows of a JSON file of any of these forms.

    Raises:
        SourceError: it is no JSON, has no rows, or most lines have no object.
    """
    detected = encodings.detect(file, encoding)
    notes.encoding = detected.label
    with TextIOWrapper(file, encoding=detected.codec, errors="replace") as text:
        first, second = _first_lines(text)
        text.seek(0)
        if first.startswith("["):
            values = _list_items(text)
            rows = _rows_of_list(list(islice(values, 1)), values, notes)
        elif second and (_is_json(first) or (first.endswith("}") and second.startswith("{"))):
            rows = _lines(text, notes)
        else:
            rows = _rows_of_document(text, notes)
        yield from rows
        notes.check()


def _first_lines(text: TextIOWrapper) -> tuple[str, str]:
    """Return the first two lines that are not blank."""
    lines: list[str] = []
    while len(lines) < 2 and (line := text.readline(MAX_OBJECT)):
        lines += [line.strip()] if line.strip() else []
    first, second = (*lines, "", "")[:2]
    return first, second


def _is_json(line: str) -> bool:
    try:
        _loads(line)
    except ValueError:
        return False
    return True


def _loads(text: str) -> Any:
    """Parse JSON, including the NaN that some programs write."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return json.loads(text)


def _lines(text: TextIOWrapper, notes: Notes) -> Iterator[Row]:
    number = 0
    while line := text.readline(MAX_OBJECT):
        number += 1
        if not line.strip():
            continue
        notes.rows += 1
        try:
            row = _loads(line)
        except ValueError as exc:
            notes.add_fault(Fault.NO_OBJECT, number, f"Line {number} is no JSON: {exc}.")
            continue
        if isinstance(row, dict):
            yield flatten(row)
        else:
            notes.add_fault(Fault.NO_OBJECT, number, f"Line {number} is no JSON object.")


def _list_items(text: TextIOWrapper) -> Iterator[object]:
    """Yield the items of a list as they are read, without ever holding all of them."""
    buffer, place, is_last = "", 0, False

    def skip_blanks(start: int) -> int:
        while start < len(buffer) and buffer[start] in " \t\r\n":
            start += 1
        return start

    buffer = text.read(_BLOCK)
    place = skip_blanks(0) + 1
    while True:
        place = skip_blanks(place)
        if place < len(buffer) and buffer[place] == "]":
            return
        try:
            item, end = _decoder.raw_decode(buffer, place)
            end = skip_blanks(end)
            # A number at the end of the buffer may go on in the next block.
            if end == len(buffer) and not is_last:
                raise ValueError("The item may go on.")
        except ValueError as exc:
            if is_last:
                raise SourceError(f"The list ends early, or is no JSON: {exc}.") from exc
            if len(buffer) - place > MAX_OBJECT:
                raise SourceError(
                    f"An item of the list is no JSON, or has more than {MAX_OBJECT:,} characters."
                ) from exc
            more = text.read(max(_BLOCK, len(buffer) - place))
            buffer, place, is_last = buffer[place:] + more, 0, not more
            continue
        if end < len(buffer) and buffer[end] not in ",]":
            raise SourceError(f"The list is no JSON: a comma is missing before {buffer[end : end + 20]!r}.")
        yield item
        place = end + 1
        if end == len(buffer) or buffer[end] == "]":
            return


def _rows_of_list(head: list[object], values: Iterator[object], notes: Notes) -> Iterator[Row]:
    """Read a list of objects, or of lists of cells below their header."""

    def items() -> Iterator[tuple[int, object]]:
        yield from enumerate(head, 1)
        yield from enumerate(values, 2)

    if head and isinstance(head[0], list):
        lists = (Record(number, item) for number, item in items() if isinstance(item, list))
        yield from grid_rows(lists, notes)
        return
    for number, item in items():
        notes.rows += 1
        if isinstance(item, dict):
            yield flatten(item)
        else:
            notes.add_fault(Fault.NO_OBJECT, number, f"Item {number} of the list is no JSON object.")


def _rows_of_document(text: TextIOWrapper, notes: Notes) -> Iterator[Row]:
    """Read a document that holds its rows somewhere, or is itself the only one."""
    content = text.read(MAX_DOCUMENT + 1)
    if len(content) > MAX_DOCUMENT:
        raise SourceError(f"A JSON document that is no list of rows may have {MAX_DOCUMENT:,} characters.")
    if not content.strip():
        return
    try:
        document = _loads(content)
    except ValueError as exc:
        raise SourceError(f"This is no JSON: {exc}.") from exc
    if not isinstance(document, dict):
        raise SourceError("This JSON has no rows: expected a list of objects.")
    if path_and_list := _find_list(document):
        path, rows = path_and_list
        notes.remarks.append(f"The rows are the list {path!r}; the rest of the document is left out.")
    elif _are_columns(document):
        rows = [dict(zip(document, cells, strict=True)) for cells in zip(*document.values(), strict=True)]
    else:
        rows = [document]
    yield from _rows_of_list(rows, iter(()), notes)


def _are_columns(document: Mapping[str, object]) -> bool:
    """Return whether each member is a column: a list of cells, as many as the others have."""
    columns: list[Any] = list(document.values())
    return (
        len(columns) > 1
        and all(isinstance(column, list) for column in columns)
        and len({len(column) for column in columns}) == 1
        and not any(isinstance(cell, list | dict) for column in columns for cell in column)
    )


def _find_list(document: Mapping[str, object], depth: int = 1) -> tuple[str, list[object]] | None:
    """Return the longest list of objects in a document, with its path."""
    lists = []
    for key, value in document.items():
        if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
            lists.append((key, value))
        elif isinstance(value, dict) and depth < _MAX_DEPTH and (inner := _find_list(value, depth + 1)):
            lists.append((f"{key}.{inner[0]}", inner[1]))
    return max(lists, key=lambda one: len(one[1]), default=None)
