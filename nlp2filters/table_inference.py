"""Inferring a catalog from a table that somebody sends: its rows are read, and a report says how far reading has come.

The web process does so with small texts; a child process of a worker with everything else.
"""

import io
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import orjson

from nlp2filters import row_readers
from nlp2filters.core import catalog as catalogs
from nlp2filters.core.infer import DateOrder, infer
from nlp2filters.core.media_types import JSON, JSON_LINES
from nlp2filters.errors import InvalidRequest, MalformedJSON, SourceError, Violation
from nlp2filters.row_readers import Row

MAX_VIOLATIONS = 100
REPORT_ROWS = 1_000

# Called with the number of rows read so far, and the share of the table that they are.
Report: TypeAlias = Callable[[int, float], None]


@dataclass(frozen=True, slots=True)
class TableOptions:
    """The catalog's name, the currency of amounts without one, the order in dates, and the table of a database."""

    name: str
    currency: str | None = None
    date_order: DateOrder | None = None
    table: str | None = None


def infer_table(
    content: bytes | Path, media_type: str, options: TableOptions, report: Report = lambda rows, share: None
) -> dict[str, Any]:
    """Infer a catalog from a table, which is a file with the suffix of its media type, or bytes of a plain type.

    Returns JSON data in the form of `schemas.Inference`.

    Raises:
        InvalidRequest: there are no rows, or they are no objects.
        InvalidCatalog: the rows make no catalog.
        MalformedJSON: the content is not of its media type.
    """
    count = 0

    def rows() -> Iterator[Row]:
        nonlocal count
        for count, (row, share) in enumerate(_rows(stack, content, media_type, options.table), 1):
            if not row:
                raise InvalidRequest([Violation(f"/{count - 1}", "Expected an object with one member per column.")])
            if count % REPORT_ROWS == 0:
                report(count, share())
            yield row
        if not count:
            raise InvalidRequest([Violation("", "There are no rows.")])

    with ExitStack() as stack:
        try:
            inference = infer(options.name, rows(), currency=options.currency, date_order=options.date_order)
        except (UnicodeDecodeError, SourceError, orjson.JSONDecodeError) as exc:
            raise MalformedJSON(str(exc)) from exc
    columns = [column.to_json() for column in inference.columns]
    return {"catalog": catalogs.to_json(inference.catalog), "columns": columns, "rows": count}


def _rows(
    stack: ExitStack, content: bytes | Path, media_type: str, table: str | None
) -> Iterator[tuple[Row, Callable[[], float]]]:
    """Yield the rows as the command line reads them from a file, each with a function that returns the share so far."""
    if media_type == JSON:
        listed = _json_rows(content.read_bytes() if isinstance(content, Path) else content)
        yield from ((row_readers.flatten(row), lambda: 1.0) for row in listed)
    elif isinstance(content, Path):
        source = stack.enter_context(row_readers.open_source(str(content), table))
        yield from ((row, lambda: source.position() / max(1, source.total)) for row in source.rows)
    else:
        read = row_readers.json_lines if media_type == JSON_LINES else row_readers.csv_rows
        yield from ((row, lambda: 1.0) for row in read(io.BytesIO(content)))


def _json_rows(content: bytes) -> list[Row]:
    rows = orjson.loads(content)
    if not isinstance(rows, list):
        raise InvalidRequest([Violation("", "Expected a list of objects.")])
    if violations := [
        Violation(f"/{index}", "Expected an object.") for index, row in enumerate(rows) if not isinstance(row, dict)
    ]:
        raise InvalidRequest(violations[:MAX_VIOLATIONS])
    return rows
