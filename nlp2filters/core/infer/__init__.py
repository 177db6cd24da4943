"""Inference of a catalog from rows: its fields, their types, units and known values."""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from nlp2filters.core.catalog import MAX_FIELDS, Catalog, Field, Value, parse, to_json
from nlp2filters.core.infer.columns import Column, ReadRange
from nlp2filters.core.infer.headers import TIME_UNITS, Header, read_header
from nlp2filters.errors import InvalidCatalog, Violation

# The values of a keyword occur this many times on average; those of a closed one, so often that no others are expected.
MIN_OCCURRENCES, MIN_OCCURRENCES_IF_CLOSED = 1.5, 2


def infer(
    name: str,
    rows: Iterable[Mapping[str, object]],
    *,
    currency: str | None = None,
    max_values: int = 500,
    max_closed: int = 100,
    max_distinct: int = 2_000,
) -> Catalog:
    """Return the catalog `name` of the fields found in `rows`.

    A value is a string as from CSV, or already an int, float, Decimal, bool, date, datetime, time or a list
    of these. None, "", NaN and an absent key are unknown. The header tells the unit: "price (USD)" is money,
    "weight_kg" has the unit kg, "Running Time min" is a duration. A bare "$" is taken for USD, "¥" for JPY.

    A string column whose values occur 1.5 times on average is a keyword; one with at most `max_closed`
    values that occur twice on average is closed.

    Args:
        currency: ISO 4217 code for columns such as "price" or "budget" whose header names none.
        max_values: known values listed per field, the most frequent ones, each with its count.
        max_closed: a field with more values than this is never closed.
        max_distinct: values counted per column; those first seen after it is full are not.

    Raises:
        InvalidCatalog: there is no column, there are too many, or a value is of another type.
    """
    columns: dict[str, Column] = {}
    total = 0
    for total, row in enumerate(rows, 1):
        for header, value in row.items():
            if header not in columns:
                if len(columns) == MAX_FIELDS:
                    raise InvalidCatalog([Violation("/fields", f"There are more than {MAX_FIELDS} columns.")])
                columns[header] = Column(max_distinct)
            try:
                columns[header].add(value)
            except (TypeError, ValueError, ArithmeticError) as exc:
                raise InvalidCatalog([Violation(f"/rows/{total - 1}/{_escape(header)}", str(exc))]) from exc
    fields = tuple(
        _field(header, column, total, currency=currency, max_values=max_values, max_closed=max_closed)
        for header, column in columns.items()
    )
    return parse(to_json(Catalog(name, fields)))


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
        Violation(f"/fields/{_escape(name)}", f"There is no field {name!r}.")
        for name in changes
        if name not in catalog.by_name
    ]
    for field in catalog.fields:
        values = {value.value for value in field.values}
        violations += [
            Violation(f"/fields/{_escape(field.name)}/values/{_escape(value)}", f"There is no value {value!r}.")
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


def _escape(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1")


def _field(name: str, column: Column, rows: int, *, currency: str | None, max_values: int, max_closed: int) -> Field:
    header, range_ = read_header(name), column.best()
    shared: dict[str, Any] = {"label": header.label, "many": column.many, "nullable": column.cells < rows}
    if range_ is None:
        return Field(name, **_strings(column, max_values, max_closed), **shared)
    if range_.reading.type == "boolean":
        return Field(name, "boolean", **shared)
    shared |= {"minimum": _plain(range_.low), "maximum": _plain(range_.high)}
    return Field(name, **_measured(range_, header, currency), **shared)


def _measured(range_: ReadRange, header: Header, currency: str | None) -> dict[str, Any]:
    """Return the type of numbers and dates, with their unit or currency."""
    type_, unit, code = range_.reading.type, header.unit or range_.reading.unit, range_.reading.currency
    if type_ in ("integer", "number"):
        code = header.currency or (currency if header.is_money and unit is None else None)
    if code:
        return {"type": "money", "currency": code}
    if type_ in ("integer", "number"):
        return {"type": "duration" if unit in TIME_UNITS else type_, "unit": unit}
    return {"type": type_}


def _strings(column: Column, max_values: int, max_closed: int) -> dict[str, Any]:
    total, distinct = column.distinct.total(), len(column.distinct)
    if not distinct or total < MIN_OCCURRENCES * distinct:
        return {"type": "text"}
    values = tuple(Value(value, count=count) for value, count in column.distinct.most_common(max_values))
    whole = not column.overflow and distinct <= min(max_values, max_closed)
    return {"type": "keyword", "values": values, "closed": whole and total >= MIN_OCCURRENCES_IF_CLOSED * distinct}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, dt.date | dt.time) else value
