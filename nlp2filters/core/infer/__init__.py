"""Inference of a catalog from rows: its fields, their types, units and known values."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from types import NoneType
from typing import Any

from nlp2filters.core.catalog import MAX_FIELDS, Catalog, Field, parse, to_json
from nlp2filters.core.infer import records
from nlp2filters.core.infer.cells import Cells
from nlp2filters.core.infer.columns import Column
from nlp2filters.core.infer.decisions import Limits, conventions, decide
from nlp2filters.core.infer.report import ColumnReport, Inference, Note
from nlp2filters.core.locales import DateOrder
from nlp2filters.core.words import spaced
from nlp2filters.errors import InvalidCatalog, Violation, pointer

__all__ = ["ColumnReport", "Inference", "Note", "infer", "refine"]

# Rows are read in chunks of this size at most.
_MAX_CHUNK_ROWS, _MAX_CHUNK_CELLS = 256, 50_000
# Equal values of one of these types are the same cell.
_COUNTABLE = frozenset({str, int, float, bool, date, datetime})


def infer(
    name: str,
    rows: Iterable[Mapping[str, object]],
    *,
    currency: str | None = None,
    date_order: DateOrder | None = None,
    max_values: int = 500,
    max_closed: int = 100,
    max_distinct: int = 2_000,
) -> Inference:
    """Return the catalog `name` of the fields found in `rows`, with the reasons for each field.

    A value is a string as from CSV, or already an int, float, Decimal, bool, date, datetime, time or a list
    of these. None, "", NaN and an absent key are unknown, as are "N/A" and other words for unknown. The header tells
    the unit: "price (USD)" is money, "weight_kg" has the unit kg, "Running Time min" is a duration. A bare "$" is taken
    for USD, "¥" for JPY.

    A string column whose values occur 1.5 times on average is a keyword; one with at most `max_closed`
    values that occur twice on average is closed. Spellings that differ in case and blanks count as one value.

    Args:
        currency: ISO 4217 code for columns such as "price" or "budget" whose header names none.
        date_order: what comes first in dates such as 03/04/2024, if no cell of the table tells.
        max_values: known values listed per field, the most frequent ones, each with its count.
        max_closed: a field with more values than this is never closed.
        max_distinct: values counted per column; those first seen after it is full are not.

    Raises:
        InvalidCatalog: there is no column, there are too many, or a value is of another type.
    """
    columns: dict[str, Column] = {}
    total = 0
    for chunk in _chunks(rows, columns, max_distinct):
        _add(chunk, columns, total)
        total += len(chunk)
    for column in columns.values():
        column.settle()
    limits = Limits(currency, max_values, max_closed)
    agreed = conventions(columns.values(), date_order)
    decided = [decide(header, column, total, limits, agreed) for header, column in columns.items()]
    fields = tuple(field for field, _ in decided)
    catalog = Catalog(name, fields, title=records.title(name), nouns=records.nouns(name, _meanings(fields)))
    return Inference(parse(to_json(catalog)), tuple(report for _, report in decided), Cells(columns, agreed))


def _chunks(
    rows: Iterable[Mapping[str, object]], columns: dict[str, Column], max_distinct: int
) -> Iterator[list[Mapping[str, object]]]:
    """Yield the rows in lists of a limited number of cells, and add the columns that they have."""
    chunk: list[Mapping[str, object]] = []
    for row in rows:
        if not row.keys() <= columns.keys():
            for header in row:
                if header not in columns:
                    if len(columns) == MAX_FIELDS:
                        raise InvalidCatalog([Violation("/fields", f"There are more than {MAX_FIELDS} columns.")])
                    columns[header] = Column(max_distinct)
        chunk.append(row)
        if len(chunk) >= max(1, min(_MAX_CHUNK_ROWS, _MAX_CHUNK_CELLS // len(columns) if columns else 1)):
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _add(chunk: Sequence[Mapping[str, object]], columns: Mapping[str, Column], rows_before: int) -> None:
    """Add a chunk of rows to the columns. Equal cells of one type are added at once, which is far faster."""
    cells: dict[str, list[object]] = defaultdict(list)
    for row in chunk:
        for header, cell in row.items():
            cells[header].append(cell)
    for header, values in cells.items():
        types = set(map(type, values)) - {NoneType}
        is_countable = len(types) == 1 and types <= _COUNTABLE
        counts: Iterable[tuple[object, int]] = (
            Counter(values).items() if is_countable else ((cell, 1) for cell in values)
        )
        for cell, times in counts:
            try:
                columns[header].add(cell, times)
            except (TypeError, ValueError, ArithmeticError) as exc:
                row_number = rows_before + next(at for at, row in enumerate(chunk) if row.get(header) is cell)
                raise InvalidCatalog([Violation(pointer("rows", row_number, header), str(exc))]) from exc


def refine(catalog: Catalog, refinement: Mapping[str, Any]) -> Catalog:
    """Return the catalog with corrections and additions by people.

    `refinement` has the attributes of a catalog, but `fields` is `{name: attributes}`, and the `values` of a
    field are `{value: synonyms}`, added to those it has. The order of the values stays. A text field may get new
    ones: words that occur in it.

    Raises:
        InvalidCatalog: it names a field or a value that the catalog does not have, or the outcome is invalid.
    """
    data, changes = to_json(catalog), refinement.get("fields", {})
    violations = [
        Violation(pointer("fields", name), f"There is no field {name!r}.")
        for name in changes
        if name not in catalog.by_name
    ]
    for field in catalog.fields:
        values = {value.value for value in field.values}
        violations += [
            Violation(pointer("fields", field.name, "values", value), f"There is no value {value!r}.")
            for value in changes.get(field.name, {}).get("values", {})
            if value not in values and field.type != "text"
        ]
    if violations:
        raise InvalidCatalog(violations)
    fields = [_refined(plain, changes.get(plain["name"], {})) for plain in data["fields"]]
    return parse({**data, **refinement, "fields": fields})


def _refined(plain: dict[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    more = change.get("values", {})
    values = [
        {**value, "synonyms": [*value.get("synonyms", ()), *more.get(value["value"], ())]}
        for value in plain.get("values", ())
    ]
    names = {value["value"] for value in values}
    values += [{"value": value, "synonyms": synonyms} for value, synonyms in more.items() if value not in names]
    return {**plain, **change, "values": values}


def _meanings(fields: Iterable[Field]) -> frozenset[str]:
    """Return the names of fields and their known values, in lower case."""
    names = (name for field in fields for name in (spaced(field.name), field.label))
    values = (value.value for field in fields for value in field.values)
    return frozenset(text.lower() for text in (*names, *values))
