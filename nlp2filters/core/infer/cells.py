"""Cells: reading those of a column in the type of its field, as inference has understood how the column writes them.

A person may have given the field another type since. Then the cells are read in that type, as far as they fit.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from nlp2filters.core import units
from nlp2filters.core.catalog import NUMERIC, STRINGS, Field
from nlp2filters.core.infer import moments, numbers, strings
from nlp2filters.core.infer.answers import MEANINGS
from nlp2filters.core.infer.columns import Column
from nlp2filters.core.infer.decisions import Conventions, column_conventions, epoch_scale
from nlp2filters.core.infer.numbers import NOTHING, Amount, Decimals
from nlp2filters.core.infer.unknowns import is_value, may_be_unknown
from nlp2filters.core.locales import DateOrder

Cell: TypeAlias = str | int | float | bool | dt.date | dt.time | None
Read: TypeAlias = Callable[[object], Cell]
ReadColumn: TypeAlias = Callable[[object], Cell | list[Cell]]


@dataclass(frozen=True, slots=True)
class Cells:
    """The columns of a table that inference has read to the end, and what they agree on."""

    columns: Mapping[str, Column]
    agreed: Conventions

    def reader(self, field: Field) -> ReadColumn:
        """Return the function that reads a cell of the field's column: None if it is unknown or does not fit the type.

        Instants are in UTC, without a zone.

        Raises:
            KeyError: the table has no such column.
        """
        column = self.columns[field.name]
        split = None if column.many or column.natives else strings.lists(column.distinct)
        if not field.many:
            return _joined(_single(field, column, self.agreed)) if column.many else _single(field, column, self.agreed)
        read = _single(field, _items(column, split), self.agreed)
        return lambda cell: _list(cell, split, read)


def _joined(read: Read) -> Read:
    """Read a list in a column of single values as text with commas."""

    def joined(cell: object) -> Cell:
        is_list = isinstance(cell, list | tuple)
        return read(", ".join(map(str, cell)) if is_list else cell)  # type: ignore[call-overload]

    return joined


def _items(column: Column, split: strings.Lists | None) -> Column:
    """Return a column of the items of a column whose cells hold lists as text."""
    if split is None:
        return column
    items = Column(column.max_distinct)
    for item, times in split.items.items():
        items.add(item, times)
    items.settle()
    return items


def _list(cell: object, split: strings.Lists | None, read: Read) -> list[Cell] | None:
    if isinstance(cell, list | tuple):
        items: Iterable[object] = cell
    elif split and isinstance(cell, str):
        items = split.split(cell.strip()) or ()
    else:
        items = (cell,)
    values: list[Cell] = [value for value in map(read, items) if value is not None]
    return values or None


def _single(field: Field, column: Column, agreed: Conventions) -> Read:
    if field.type in STRINGS or field.type == "geo":
        return lambda cell: _text(cell, column)
    own = column_conventions(field.name, column, agreed)
    plain = _plain_reader(field, column, own)

    def read(cell: object) -> Cell:
        stripped = cell.strip() if isinstance(cell, str) else cell
        # NaN differs from itself.
        return None if stripped is None or stripped != stripped else plain(stripped)

    if field.type == "boolean" and column.answers.are_ticks and not field.nullable:
        return lambda cell: bool(read(cell))
    return read


def _plain_reader(field: Field, column: Column, own: Conventions) -> Read:
    decimal, order = own.decimal or ".", own.date_order
    match field.type:
        case "boolean":
            return _answer
        case "date":
            return lambda cell: _day(_moment(cell, order))
        case "datetime":
            scale = epoch_scale(column.amounts.extents(decimal).get(NOTHING)) if not column.moments.cells else None
            return lambda cell: _epoch(cell, scale) if scale else _utc(_moment(cell, order))
        case "time":
            return moments.read_time
        case _:
            assert field.type in NUMERIC
            return lambda cell: _number(cell, field, decimal)


def _text(cell: object, column: Column) -> str | None:
    if cell is None or cell != cell:
        return None
    text = str(cell).replace("\0", "")
    stripped = text.strip()
    if not stripped or (may_be_unknown(stripped) and not is_value(stripped, column.distinct)):
        return None
    return text


def _answer(cell: object) -> bool | None:
    return cell if isinstance(cell, bool) else MEANINGS.get(str(cell).lower())


def _number(cell: object, field: Field, decimal: Decimals) -> int | float | None:
    amount = _amount(cell, decimal)
    if amount is None:
        return moments.read_length(cell) if field.type == "duration" else None
    value: int | float | None = amount.value
    if amount.mark.kind == "unit" and field.unit and amount.mark.name != field.unit:
        value = units.convert(amount.value, amount.mark.name, field.unit)
    if value is None or field.type != "integer":
        return value
    whole = units.whole(value)
    return whole if isinstance(whole, int) and abs(whole) <= numbers.MAX_INTEGER else None


def _amount(cell: object, decimal: Decimals) -> Amount | None:
    return numbers.read(cell, decimal) if isinstance(cell, str) else numbers.read_native(cell)


def _moment(cell: object, order: DateOrder | None) -> dt.datetime | None:
    """Read a date or timestamp. Where nothing tells, the day comes first."""
    if not isinstance(cell, str):
        native = moments.read_native(cell)
        return native.value if native else None
    candidates = moments.read(cell)
    ordered = [moment for moment in candidates if moment.form == (order or "day")]
    return next((moment.value for moment in (*ordered, *candidates)), None)


def _day(moment: dt.datetime | None) -> dt.date | None:
    return moment.date() if moment else None


def _utc(moment: dt.datetime | None) -> dt.datetime | None:
    if moment is None or moment.utcoffset() is None:
        return moment
    try:
        return moment.astimezone(dt.UTC).replace(tzinfo=None)
    except OverflowError:
        return None


def _epoch(cell: object, scale: int) -> dt.datetime | None:
    amount = _amount(cell, ".")
    try:
        return dt.datetime.fromtimestamp(amount.value / scale, dt.UTC).replace(tzinfo=None) if amount else None
    except (OverflowError, ValueError, OSError):
        return None
