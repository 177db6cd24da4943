"""Inferring a catalog from a table that somebody sends: its rows are read, and a report says how far reading has come.

The web process does so with small texts; a child process of a worker with everything else.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import orjson

from nlp2filters.core import catalog as catalogs
from nlp2filters.core.infer import infer
from nlp2filters.core.locales import DateOrder
from nlp2filters.core.media_types import JSON
from nlp2filters.data import Notes, Row, Source, flatten, open_source
from nlp2filters.errors import InvalidRequest, MalformedJSON, SourceError, Violation

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
    """Infer a catalog from a table, which is a file or its content.

    Returns JSON data in the form of `schemas.Inference`.

    Raises:
        InvalidRequest: there are no rows, or they are no objects.
        InvalidCatalog: the rows make no catalog.
        MalformedJSON: the content is not of its media type.
    """
    with reading_faults(), open_table(content, media_type, options.table) as source:
        rows = _Rows(source, report)
        inference = infer(options.name, rows, currency=options.currency, date_order=options.date_order)
    return {
        "catalog": catalogs.to_json(inference.catalog),
        "columns": [column.to_json() for column in inference.columns],
        "table": source.notes.to_json(),
        "rows": rows.count,
    }


class _Rows:
    """The rows of a table, which are counted and reported while they are read. There is at least one."""

    def __init__(self, source: Source, report: Report) -> None:
        self._source, self._report = source, report
        self.count = 0

    def __iter__(self) -> Iterator[Row]:
        for row in self._source.rows:
            if not row:
                detail = "Expected an object with one member per column."
                raise InvalidRequest([Violation(f"/{self.count}", detail)])
            self.count += 1
            if self.count % REPORT_ROWS == 0:
                self._report(self.count, self._source.position() / max(1, self._source.total))
            yield row
        if not self.count:
            raise InvalidRequest([Violation("", "There are no rows.")])


def counted_rows(source: Source, report: Report) -> Iterable[Row]:
    """Yield the rows of a table, and report how far they are read.

    Raises:
        InvalidRequest: there are no rows, or they are no objects.
    """
    return _Rows(source, report)


@contextmanager
def reading_faults() -> Iterator[None]:
    """Raise `MalformedJSON` inside for content that is not of its media type."""
    try:
        yield
    except (SourceError, orjson.JSONDecodeError) as exc:
        raise MalformedJSON(str(exc)) from exc


@contextmanager
def open_table(content: bytes | Path, media_type: str | None, table: str | None) -> Iterator[Source]:
    """Open the rows of a table, which is a file or its content, of any media type that inference takes."""
    if media_type == JSON:
        rows = _json_rows(content.read_bytes() if isinstance(content, Path) else content)
        yield Source("table", map(flatten, rows), 1, lambda: 1, Notes("json", rows=len(rows)))
        return
    with open_source(content, media_type, table) as source:
        yield source


def _json_rows(content: bytes) -> Sequence[Row]:
    """Read a list of objects. Unlike a file of somebody else's, it is refused if it has another member."""
    rows = orjson.loads(content)
    if not isinstance(rows, list):
        raise InvalidRequest([Violation("", "Expected a list of objects.")])
    if violations := [
        Violation(f"/{index}", "Expected an object.") for index, row in enumerate(rows) if not isinstance(row, dict)
    ]:
        raise InvalidRequest(violations[:MAX_VIOLATIONS])
    return rows
