"""Decisions: the field that a column becomes, and why."""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from nlp2filters.core import units
from nlp2filters.core.catalog import STRINGS, Field, FieldType, Operator, Value
from nlp2filters.core.infer import names, strings
from nlp2filters.core.infer.columns import Column
from nlp2filters.core.infer.headers import Header, read_header
from nlp2filters.core.infer.measures import TIME_UNITS
from nlp2filters.core.infer.misfits import Misfits
from nlp2filters.core.infer.moments import Form, Precision
from nlp2filters.core.infer.numbers import NOTHING, Decimals, Extent, Extents, Mark
from nlp2filters.core.infer.records import plural
from nlp2filters.core.infer.report import NOTE_KINDS, ColumnReport, Note, examples, quoted
from nlp2filters.core.locales import DateOrder

# The values of a keyword occur this many times on average; those of a closed one, so often that no others are expected.
MIN_OCCURRENCES, MIN_OCCURRENCES_IF_CLOSED = 1.5, 2

# Numbers that only name things are neither compared nor in ranges.
_OPERATORS_OF_IDENTIFIERS: tuple[Operator, ...] = ("=", "<>", "in", "not in", "isNull", "not isNull")
# Seconds since 1970 for a time from 1973 to 2100, and the units in which they are counted.
_EPOCH = range(100_000_000, 4_102_444_800)
_EPOCH_SCALES: Mapping[str, int] = {"seconds": 1, "milliseconds": 1_000, "microseconds": 1_000_000}
_PERCENT = Mark("unit", "%")
_ZERO_ONE = frozenset({"0", "1", "0.0", "1.0"})
_MIN_ALMOST = 0.5


@dataclass(frozen=True, slots=True)
class Limits:
    """Options of inference: see `infer`."""

    currency: str | None
    max_values: int
    max_closed: int


@dataclass(frozen=True, slots=True)
class Conventions:
    """Ways of writing that all columns of a table share, where the cells of one do not tell."""

    decimal: Decimals | None = None
    date_order: DateOrder | None = None


def conventions(columns: Iterable[Column], date_order: DateOrder | None) -> Conventions:
    """Return what the columns agree on: a decimal mark, and the order of day and month unless it is given."""
    decimals: set[Decimals] = set()
    orders: set[DateOrder] = {date_order} if date_order else set()
    for column in columns:
        if column.amounts.cells == column.cells and len(column.amounts.decimals) == 1:
            decimals.update(mark for mark in column.amounts.decimals if not column.amounts.notation(mark).misfits.cells)
        if not date_order and column.moments.cells == column.cells and len(column.moments.orders) == 1:
            orders.update(column.moments.orders)
    return Conventions(
        next(iter(decimals)) if len(decimals) == 1 else None, next(iter(orders)) if len(orders) == 1 else None
    )


def column_conventions(name: str, column: Column, agreed: Conventions) -> Conventions:
    """Return how a settled column writes numbers and dates, where its cells or those of other columns tell."""
    case = _Case(name, column, 0, Limits(None, 0, 0), agreed, read_header(name))
    return Conventions(_decimal(case)[0], _date_order(case)[0])


@dataclass(frozen=True, slots=True)
class Decision:
    """The attributes of a field, with notes. `always`: an empty cell means no, so that none is unknown."""

    attributes: Mapping[str, Any]
    notes: tuple[Note, ...] = ()
    always: bool = False

    def noting(self, *notes: Note) -> "Decision":
        """Return the decision with more notes."""
        return replace(self, notes=(*self.notes, *notes))


@dataclass(slots=True)
class _Case:
    """A column to decide on, with all that decides. `refusals` collects why a type was not taken."""

    name: str
    column: Column
    rows: int
    limits: Limits
    conventions: Conventions
    header: Header
    refusals: list[Note] = field(default_factory=list)

    def refuse(self, text: str, misfits: Misfits | None = None) -> None:
        """Note why the column is of no stricter type."""
        cells, texts = (misfits.cells, examples(misfits.examples)) if misfits else (None, ())
        self.refusals.append(Note("refused", text, cells, texts))


def decide(name: str, column: Column, rows: int, limits: Limits, agreed: Conventions) -> tuple[Field, ColumnReport]:
    """Return the field that a settled column becomes, and the reasons."""
    case = _Case(name, column, rows, limits, agreed, read_header(name))
    decision = _decision(case)
    type_ = decision.attributes["type"]
    # Those cells whose words stand for unknown have notes.
    present = column.cells - sum(note.cells or 0 for note in decision.notes if note.kind == "unknown")
    values = column.strings() if type_ in STRINGS else {}
    words = Counter({text: times for text, times in column.unknowns.items() if text not in values})
    present = min(rows, present + column.unknowns.total() - words.total())
    # What is no number may be a date.
    refusals = case.refusals if type_ in STRINGS else ()
    notes = (*refusals, *_unknown(words, rows), *decision.notes)
    notes = tuple(sorted(notes, key=lambda note: NOTE_KINDS.index(note.kind)))
    nullable = present < rows and not decision.always
    attributes = {"label": case.header.label, "many": column.many, "nullable": nullable, **decision.attributes}
    distinct = None if column.overflow else len(column.distinct)
    report = ColumnReport(name, type_, attributes["many"], present, rows - present, distinct, notes)
    return Field(name, **attributes), report


def _unknown(words: Counter[str], rows: int) -> Iterable[Note]:
    if words:
        text = f"{_of(words.total(), rows)} unknown: {quoted(words)}."
        yield Note("unknown", text, words.total(), examples(words))


def _of(cells: int, rows: int) -> str:
    return f"{cells:,} of {rows:,} cells {'is' if cells == 1 else 'are'}"


def _decision(case: _Case) -> Decision:
    if not case.column.cells and not case.column.many and not case.column.unknowns:
        return Decision({"type": "text"}, (Note("decided", "No cell has a value."),))
    for read in (_answers, _amounts, _moments, _clocks):
        if decision := read(case):
            return decision
    return _strings(case)


# Yes and no


def _answers(case: _Case) -> Decision | None:
    column, asks = case.column, names.answers(case.header.words)
    if column.many or not column.cells:
        return None
    if meanings := column.answers.meanings(is_asked=asks):
        words = {word.lower() for word in column.distinct}
        text = ", ".join(f"'{word}' is {'yes' if yes else 'no'}" for word, yes in meanings.items() if word in words)
        plain = words <= {"true", "false"}
        return Decision({"type": "boolean"}, () if plain else (Note("decided", f"{text}."),))
    if column.answers.are_ticks and column.cells < case.rows and not column.unknowns:
        note = Note("decided", f"{quoted(column.distinct)} is yes, and an empty cell no.")
        return Decision({"type": "boolean"}, (note,), always=True)
    if asks and not column.overflow and column.distinct.keys() <= _ZERO_ONE:
        note = Note("decided", "0 is no and 1 is yes, since the name asks.")
        return Decision({"type": "boolean"}, (note,))
    return None


# Numbers


def _fits(case: _Case, cells: int, misfits: Misfits, thing: str) -> tuple[Note, ...] | None:
    """Return notes if a reading fits all cells but words for unknown; else None, with a refusal if it almost fits."""
    column = case.column
    if not cells or not column.cells:
        return None
    if not misfits.cells:
        return ()
    if misfits.are_words_for_unknown(cells):
        text = f"{_of(misfits.cells, case.rows)} no {thing}, and taken for unknown: {quoted(misfits.examples)}."
        return (Note("unknown", text, misfits.cells, examples(misfits.examples)),)
    if cells >= _MIN_ALMOST * (cells + misfits.cells):
        case.refuse(f"{_of(misfits.cells, case.rows)} no {thing}: {quoted(misfits.examples)}.", misfits)
    return None


def _amounts(case: _Case) -> Decision | None:
    amounts = case.column.amounts
    notes = _fits(case, amounts.cells, amounts.misfits, "number")
    if notes is None:
        return None
    decimal, why = _decimal(case)
    misfits = amounts.notation(decimal).misfits
    if misfits.cells:
        case.refuse(f"No decimal mark fits all cells: {quoted(misfits.examples)} are written otherwise.", misfits)
        return None
    extents = amounts.extents(decimal)
    decision = _special_integers(case, extents) or _measured(case, extents)
    return decision.noting(*why, *notes) if decision else None


def _decimal(case: _Case) -> tuple[Decimals, tuple[Note, ...]]:
    """Return the decimal mark of the column's numbers, with notes about it."""
    amounts = case.column.amounts
    fitting = amounts.decimals
    if not fitting:
        return ".", ()
    if len(fitting) == 1:
        comma = fitting == (",",)
        return fitting[0], ((Note("decided", "The comma is the decimal mark."),) if comma else ())
    is_money = case.header.is_money or any(mark.kind == "currency" for mark in amounts.point.extents)
    if is_money and amounts.point.rounded != amounts.comma.rounded:
        # Nobody pays 1.234 euros.
        return ("." if amounts.point.rounded else ","), ()
    if case.conventions.decimal:
        return case.conventions.decimal, ()
    if amounts.point.fractions:
        text = "A point may be the decimal mark or separate thousands; it is taken for the decimal mark."
        return ".", (Note("question", text, None, examples(case.column.distinct)),)
    return ".", ()


def _special_integers(case: _Case, extents: Extents) -> Decision | None:
    """Read integers that are no quantities: days, instants and identifiers, as the name says."""
    extent = extents.get(NOTHING)
    if len(extents) != 1 or extent is None or not extent.whole or case.header.unit in TIME_UNITS - {"s", "ms"}:
        return None
    words = case.header.words
    if names.is_dated(words) and (decision := _compact_days(case)):
        return decision
    if names.is_temporal(words) and (decision := _epoch(extent)):
        return decision
    unique = not case.column.overflow and all(times == 1 for times in case.column.distinct.values())
    unique = unique or (case.column.overflow and extent.high - extent.low + 1 >= extent.cells)
    if case.header.unit is None and not case.header.currency and names.identifies(words, unique=unique):
        note = Note("decided", "The numbers only name things, so no number of a text is compared with them.")
        attributes = {**_range("integer", extent.low, extent.high), "operators": _OPERATORS_OF_IDENTIFIERS}
        return Decision(attributes, (note,))
    return None


def _compact_days(case: _Case) -> Decision | None:
    moments = case.column.moments
    span = moments.span(None)
    if span is None or moments.cells < case.column.cells or set(moments.examples) != {"compact"}:
        return None
    return Decision(_range("date", span.low.date(), span.high.date()), (Note("decided", "Days as yyyymmdd."),))


def _epoch(extent: Extent) -> Decision | None:
    if not (scale := epoch_scale(extent)):
        return None
    unit = next(name for name, of_name in _EPOCH_SCALES.items() if of_name == scale)
    low, high = (dt.datetime.fromtimestamp(limit / scale, dt.UTC) for limit in (extent.low, extent.high))
    return Decision(_range("datetime", low, high), (Note("decided", f"Instants as {unit} since 1970."),))


def epoch_scale(extent: Extent | None) -> int | None:
    """Return by what numbers must be divided to be seconds since 1970; None if they are no instants."""
    for scale in _EPOCH_SCALES.values():
        if extent and int(extent.low) // scale in _EPOCH and int(extent.high) // scale in _EPOCH:
            return scale
    return None


def _measured(case: _Case, extents: Extents) -> Decision | None:
    """Return numbers with their unit or currency, or None with a refusal."""
    header = case.header
    mark, extent, notes = _unify(case, extents)
    if extent is None:
        return None
    # A share may be a fraction, even if those seen are not.
    type_ = "integer" if extent.whole and mark != _PERCENT else "number"
    unit = header.unit or (mark.name if mark.kind == "unit" else None)
    if header.unit == "%" and mark == NOTHING and extent.low >= 0 and extent.high <= 1 and not extent.whole:
        unit = None
        notes = (*notes, Note("decided", "The numbers are shares of 1, so they are not in %."))
    code = mark.name if mark.kind == "currency" else header.currency
    is_money = mark.kind == "money" or (header.is_money and unit is None and mark.kind != "scale")
    if code is None and is_money:
        code = case.limits.currency
    if code:
        return Decision({**_range("money", extent.low, extent.high), "currency": code}, notes)
    if is_money:
        text = "Is this money? No currency is named, so an amount in any currency is compared as it is."
        notes = (*notes, Note("question", text))
    if unit in TIME_UNITS:
        type_ = "duration"
    attributes = {**_range(type_, extent.low, extent.high), "unit": unit}
    if mark.kind == "scale":
        notes = (*notes, Note("decided", f"The numbers are out of {mark.name}."))
    if mark.kind == "noun":
        attributes["synonyms"] = (plural(mark.name),)
    return Decision(attributes, notes)


def _unify(case: _Case, extents: Extents) -> tuple[Mark, Extent | None, tuple[Note, ...]]:
    """Return the one mark of all cells, with the extent in it; no extent, after a refusal, if they have no one mark."""
    plain = extents.pop(NOTHING, None)
    if not extents:
        return NOTHING, plain, ()
    marks = ", ".join(mark.name for mark in extents)
    if len(extents) > 1 and {mark.kind for mark in extents} != {"unit"}:
        case.refuse(f"The numbers are not of one kind: {marks}.")
        return NOTHING, None, ()
    main = max(extents, key=lambda mark: extents[mark].cells)
    if main.kind in ("noun", "scale") and (len(case.column.distinct) < 2 or plain):
        return NOTHING, None, ()
    unit = case.header.unit
    if unit and main.kind == "unit" and units.convert(1, main.name, unit) is not None:
        main = Mark("unit", unit)
    total: Extent | None = plain
    for mark, extent in extents.items():
        if not (converted := _converted(extent, mark, main)):
            case.refuse(f"The cells have units that do not convert into each other: {marks}.")
            return NOTHING, None, ()
        total = _joined(total, converted)
    notes = []
    if len(extents) > 1:
        notes.append(Note("decided", f"The cells have the units {marks}; they are taken in {main.name}."))
    if plain:
        notes.append(
            Note(
                "decided", f"{_of(plain.cells, case.rows)} without {main.name}, and taken for {main.name}.", plain.cells
            )
        )
    return main, total, tuple(notes)


def _converted(extent: Extent, mark: Mark, main: Mark) -> Extent | None:
    if mark == main:
        return extent
    low, high = (units.convert(limit, mark.name, main.name) for limit in (extent.low, extent.high))
    if low is None or high is None:
        return None
    whole = extent.whole and isinstance(low, int) and isinstance(high, int)
    return Extent(min(low, high), max(low, high), extent.cells, whole)


def _joined(one: Extent | None, other: Extent) -> Extent:
    if one is None:
        return other
    return Extent(
        min(one.low, other.low), max(one.high, other.high), one.cells + other.cells, one.whole and other.whole
    )


def _range(type_: str, low: Any, high: Any) -> dict[str, Any]:
    return {"type": type_, "minimum": _plain(low), "maximum": _plain(high)}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, dt.date | dt.time) else value


# Dates and times

_GROUPS: Mapping[Form, str] = {"day": "year last", "month": "year last"}
_TYPES: Mapping[frozenset[Precision], FieldType] = {
    frozenset({"date"}): "date",
    frozenset({"datetime"}): "datetime",
    frozenset({"date", "datetime"}): "datetime",
    frozenset({"instant"}): "datetime",
}


def _moments(case: _Case) -> Decision | None:
    moments = case.column.moments
    notes = _fits(case, moments.cells, moments.misfits, "date")
    if notes is None:
        return None
    if len({_GROUPS.get(form, form) for form in moments.examples}) > 1:
        case.refuse(f"The dates are written in several forms: {quoted(dict.fromkeys(moments.examples.values()))}.")
        return None
    if "compact" in moments.examples:
        return None
    type_ = _TYPES.get(frozenset(moments.precisions))
    if type_ is None:
        case.refuse("Some of the times have an offset from UTC, and some have none.")
        return None
    if moments.year_last and not moments.orders:
        case.refuse(f"Neither day nor month comes first in all cells: {quoted(case.column.distinct)}.")
        return None
    order, why = _date_order(case)
    span = moments.span(order)
    if moments.year_last and order is None:
        return Decision({"type": type_}, (*why, *notes))
    if span is None:
        return None
    low, high = (limit.date() if type_ == "date" else limit for limit in (span.low, span.high))
    if "no day" in moments.examples:
        why = (*why, Note("decided", "A month stands for its first day."))
    return Decision(_range(type_, low, high), (*why, *notes))


def _date_order(case: _Case) -> tuple[DateOrder | None, tuple[Note, ...]]:
    orders = case.column.moments.orders
    cells = examples(case.column.distinct)
    if not orders:
        return None, ()
    if len(orders) == 1:
        return orders[0], (Note("decided", f"The {orders[0]} comes first."),)
    if order := case.conventions.date_order:
        return order, (Note("decided", f"The {order} comes first, as elsewhere in the table.", None, cells),)
    text = f"Does the day or the month come first in '{cells[0]}'? No cell tells, so no range is known."
    return None, (Note("question", text, None, cells),)


def _clocks(case: _Case) -> Decision | None:
    clocks = case.column.clocks
    notes = _fits(case, clocks.cells, clocks.misfits, "time")
    if notes is None:
        return None
    if names.lasts(case.header.words) and clocks.seconds and clocks.seconds.cells == clocks.cells:
        low, high = clocks.seconds.low, clocks.seconds.high
        note = Note("decided", "Lengths of time, in seconds.")
        return Decision({**_range("duration", low, high), "unit": "s"}, (note, *notes))
    if clocks.beyond_day.cells:
        case.refuse(f"These are no times of a day: {quoted(clocks.beyond_day.examples)}.", clocks.beyond_day)
        return None
    return Decision(_range("time", clocks.times.low, clocks.times.high), notes) if clocks.times else None


# Strings


def _strings(case: _Case) -> Decision:
    column = case.column
    if not column.many and not column.natives and (split := strings.lists(column.distinct)):
        return _lists(case, split)
    texts = column.strings()
    values = strings.spellings(texts)
    total = texts.total()
    if not values or total < MIN_OCCURRENCES * len(values):
        few = Note("decided", "Its values hardly repeat, so they are not listed.") if len(values) > 1 else None
        return Decision({"type": "text"}, (few,) if few else ())
    notes = [*_spelling_notes(values)]
    limits = case.limits
    listed = tuple(Value(one.value, _phrases(one.others), count=one.count) for one in values[: limits.max_values])
    whole = not column.overflow and len(values) <= min(limits.max_values, limits.max_closed)
    closed = whole and total >= MIN_OCCURRENCES_IF_CLOSED * len(values)
    return Decision({"type": "keyword", "values": listed, "closed": closed}, tuple(notes))


def _phrases(others: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(other for other in others if other.strip())


def _spelling_notes(values: list[strings.Spellings]) -> Iterable[Note]:
    several = [one for one in values if one.others]
    if several:
        others = [other for one in several for other in one.others]
        number = f"{len(several)} value{'' if len(several) == 1 else 's'}"
        yield Note(
            "decided", f"{number} in several spellings, counted together: {quoted(others)}.", None, examples(others)
        )


def _lists(case: _Case, split: strings.Lists) -> Decision:
    """Decide on the items as on the cells of a column."""
    column = case.column
    items = Column(column.max_distinct)
    for item, times in split.items.items():
        items.add(item, times)
    items.overflow = items.overflow or column.overflow
    items.many = True
    items.settle()
    inner = _Case(case.name, items, case.rows, case.limits, case.conventions, case.header, case.refusals)
    decision = _decision(inner)
    note = Note("decided", f"The cells hold {split.written}.", None, examples(column.distinct))
    return replace(decision.noting(note), attributes={**decision.attributes, "many": True})
