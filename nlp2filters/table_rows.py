"""Rows of an uploaded table: converted once to Parquet in the types of a catalog, then selected by DuckDB.

A child process of a worker does both, and the command line with a user's own file. DuckDB opens one file, with limits
of memory and threads, and SQL comes from the compiler of filters only, with its values as parameters.
"""

import csv
import datetime as dt
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from nlp2filters.core import catalog as catalogs
from nlp2filters.core.catalog import Catalog, Field, FieldType
from nlp2filters.core.infer import infer
from nlp2filters.core.infer.cells import ReadColumn
from nlp2filters.core.row_queries import MAX_PAGE_BYTES, column, compile_query
from nlp2filters.core.row_requests import RowQuery
from nlp2filters.data import Row
from nlp2filters.data.extra import require
from nlp2filters.errors import InvalidRequest, Violation
from nlp2filters.table_inference import Report, TableOptions, counted_rows, open_table, reading_faults

# A change of how cells are read makes earlier conversions useless.
VERSION = 1
MEMORY_LIMIT = "512MB"
# A row as JSON may have this size.
MAX_ROW_BYTES = 64 << 20
# Longer texts are cut on a page; an export has them whole.
MAX_SHOWN = 1_000
EXPORT_BATCH = 1_000
MAX_EXAMPLES = 5

NUMBER = "n"
_TYPES: Mapping[FieldType, str] = {
    "keyword": "VARCHAR",
    "text": "VARCHAR",
    "geo": "VARCHAR",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "money": "DOUBLE",
    "duration": "DOUBLE",
    "date": "DATE",
    "datetime": "TIMESTAMP",
    "time": "TIME",
    "boolean": "BOOLEAN",
}


def conversion_key(request: Mapping[str, Any], catalog: Catalog) -> str:
    """Return the SHA-256 of everything that a conversion depends on; titles and synonyms do not matter."""
    members = [request.get(name) for name in ("blob", "media_type", "table", "date_order")]
    fields = [[field.name, field.type, field.many, field.unit, field.nullable] for field in catalog.fields]
    return hashlib.sha256(orjson.dumps([VERSION, *members, fields])).hexdigest()


def convert(
    path: Path, report: Report, *, media_type: str | None, options: TableOptions, catalog: dict[str, Any]
) -> dict[str, Any]:
    """Write the rows of a table to `rows.parquet` beside it, in the types of the catalog.

    Returns the number of rows, and what could not be read: `{"rows", "unread"}`.

    Raises:
        InvalidRequest: the table lacks a column of the catalog, or has no rows.
        MalformedJSON: the content is not of its media type.
    """
    fields = catalogs.parse(catalog).fields
    with reading_faults():
        with open_table(path, media_type, options.table) as source:
            cells = infer(options.name, counted_rows(source, report), date_order=options.date_order).cells
        if missing := [name for name in (field.name for field in fields) if name not in cells.columns]:
            columns = ", ".join(map(repr, list(cells.columns)[:20]))
            faults = [Violation("/catalog", f"The file has no column {name!r}; it has {columns}.") for name in missing]
            raise InvalidRequest(faults[:20])
        unread = _Unread(fields)
        readers = [(field.name, cells.reader(field)) for field in fields]
        lines = path.with_name("rows.jsonl")
        with open_table(path, media_type, options.table) as source, lines.open("wb") as file:
            count = 0
            for row in counted_rows(source, report):
                file.write(orjson.dumps(_typed(row, count, readers, unread), option=orjson.OPT_APPEND_NEWLINE))
                count += 1
    parquet = path.with_name("rows.parquet")
    types = {NUMBER: "BIGINT", **{column(i): _type(field) for i, field in enumerate(fields)}}
    with database(lines, parquet) as connection:
        connection.execute(
            f"COPY (SELECT * FROM read_json({_literal(lines)}, format='newline_delimited', columns={types}, "  # noqa: S608
            f"maximum_object_size={MAX_ROW_BYTES})) TO {_literal(parquet)} (FORMAT parquet, USE_TMP_FILE false)"
        )
    lines.unlink()
    return {"rows": count, "unread": unread.to_json()}


def select(path: Path, report: Report, *, query: dict[str, Any], catalog: dict[str, Any], now: str) -> dict[str, Any]:
    """Select rows of a converted table.

    Returns the page of rows with the numbers of matching and of all rows, as `schemas.RowPage` has them. With `export`,
    all matching rows are also written to `export` beside the file.
    """
    request, fields = RowQuery.model_validate(query), catalogs.parse(catalog)
    compiled = compile_query(request, fields, dt.datetime.fromisoformat(now))
    condition, params = compiled["where"] or "true", compiled["params"]
    order = ", ".join(filter(None, (compiled["order_by"], NUMBER)))
    selection = [
        (i, field) for i, field in enumerate(fields.fields) if not request.columns or field.name in request.columns
    ]
    names = [field.name for _, field in selection]
    with database(path) as connection:
        source = f"FROM {_literal(path)} AS t"
        counts = f"SELECT count(*) FILTER (WHERE {condition}), count(*) {source}"
        matches, total = connection.execute(counts, params).fetchone()
        count = min(matches, compiled["limit"] or matches)
        columns = ", ".join(column(i) for i, _ in selection)
        page = f"SELECT {columns} {source} WHERE {condition} ORDER BY {order} LIMIT {{}} OFFSET {{}}"
        size = max(0, min(request.page_size, count - request.offset))
        cursor = connection.execute(page.format(size, request.offset), params)
        rows = _page(cursor.fetchall(), names)
        following = request.offset + len(rows)
        result = {
            "columns": names,
            "rows": rows,
            "count": count,
            "total": total,
            "offset": request.offset,
            "next_offset": following if following < count else None,
            "lossy": compiled["lossy"],
        }
        if request.plot:
            positions = {field.name: i for i, field in enumerate(fields.fields)}
            axes = [_axis(fields.by_name[name], positions[name]) for name in (request.plot.x, request.plot.y)]
            result["plot"] = _plot(connection, source, condition, params, axes, request)
        if request.export:
            exported = connection.execute(page.format(count, 0), params)
            _export(path.with_name("export"), request.export, names, exported)
    return result


@contextmanager
def database(*paths: Path) -> Iterator[Any]:
    """Open DuckDB in memory, so that it can open these files and nothing else."""
    duckdb: Any = require("duckdb")
    config = {"threads": 1, "memory_limit": MEMORY_LIMIT, "temp_directory": "", "max_temp_directory_size": "0B"}
    connection = duckdb.connect(config=config)
    try:
        connection.execute(f"SET allowed_paths=[{', '.join(map(_literal, paths))}]")
        connection.execute("SET autoinstall_known_extensions=false; SET autoload_known_extensions=false")
        connection.execute("SET TimeZone='UTC'")
        connection.execute("SET enable_external_access=false")
        connection.execute("SET lock_configuration=true")
        yield connection
    finally:
        connection.close()


class _Unread:
    """Cells that have a value, but none of their field's type."""

    def __init__(self, fields: Sequence[Field]) -> None:
        self.counts = dict.fromkeys((field.name for field in fields), 0)
        self.examples: dict[str, dict[str, None]] = {field.name: {} for field in fields}

    def add(self, name: str, cell: object) -> None:
        self.counts[name] += 1
        if len(self.examples[name]) < MAX_EXAMPLES:
            self.examples[name][str(cell)[:40]] = None

    def to_json(self) -> list[dict[str, Any]]:
        return [
            {"field": name, "cells": cells, "examples": list(self.examples[name])}
            for name, cells in self.counts.items()
            if cells
        ]


def _typed(row: Row, number: int, readers: Sequence[tuple[str, ReadColumn]], unread: _Unread) -> dict[str, Any]:
    typed: dict[str, Any] = {NUMBER: number}
    for i, (name, read) in enumerate(readers):
        cell = row.get(name)
        value = read(cell)
        if value is None and cell is not None and str(cell).strip():
            unread.add(name, cell)
        typed[column(i)] = value
    return typed


def _page(rows: Sequence[Sequence[Any]], names: Sequence[str]) -> list[dict[str, Any]]:
    """Return rows as JSON data: as many as a page may have bytes, but at least one."""
    page: list[dict[str, Any]] = []
    size = 0
    for cells in rows:
        row = {name: _shown(cell) for name, cell in zip(names, cells, strict=True)}
        size += len(orjson.dumps(row))
        if page and size > MAX_PAGE_BYTES:
            break
        page.append(row)
    return page


def _shown(cell: Any) -> Any:
    match cell:
        case str() if len(cell) > MAX_SHOWN:
            return f"{cell[:MAX_SHOWN]}…"
        case list():
            return [_shown(item) for item in cell]
    return _plain(cell)


def _plain(cell: Any) -> Any:
    if isinstance(cell, dt.datetime):
        return f"{cell.isoformat()}Z"
    return cell.isoformat() if isinstance(cell, dt.date | dt.time) else cell


def _axis(field: Field, position: int) -> str:
    """Return the expression of a field on an axis: dates are milliseconds since 1970."""
    return f"epoch_ms({column(position)})" if field.type in ("date", "datetime") else column(position)


def _plot(
    connection: Any, source: str, condition: str, params: Mapping[str, Any], axes: Sequence[str], query: RowQuery
) -> dict[str, Any]:
    """Sample points: half of them of rows that match, as far as there are so many. The same rows come each time."""
    assert query.plot
    x, y = axes
    inner = (
        f"SELECT {x} AS x, {y} AS y, coalesce({condition}, false) AS match, "
        f"row_number() OVER (PARTITION BY coalesce({condition}, false) ORDER BY hash(n)) AS turn, "
        f"count(*) OVER () AS all_points {source} WHERE {x} IS NOT NULL AND {y} IS NOT NULL"
    )
    points = connection.execute(
        f"SELECT x, y, match, all_points FROM ({inner}) ORDER BY turn LIMIT {query.plot.points}",  # noqa: S608
        params,
    ).fetchall()
    return {
        "x": query.plot.x,
        "y": query.plot.y,
        "total": points[0][3] if points else 0,
        "points": [[px, py, match] for px, py, match, _ in points],
    }


def _export(path: Path, form: str, names: Sequence[str], cursor: Any) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        if form == "csv":
            writer.writerow(names)
        while rows := cursor.fetchmany(EXPORT_BATCH):
            for cells in rows:
                values = [_plain(cell) for cell in cells]
                if form == "csv":
                    writer.writerow([_csv(value) for value in values])
                else:
                    file.write(orjson.dumps(dict(zip(names, values, strict=True))).decode() + "\n")


def _csv(value: Any) -> Any:
    match value:
        case bool():
            return str(value).lower()
        case list():
            return orjson.dumps([_plain(item) for item in value]).decode()
    return value


def _type(field: Field) -> str:
    return _TYPES[field.type] + "[]" * field.many


def _literal(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
