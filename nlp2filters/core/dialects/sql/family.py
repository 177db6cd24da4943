"""The family of SQL: a filter as the text of a condition, and the statement around it.

Every value is a parameter and every identifier is quoted. An engine's writer says how its SQL differs from the
standard's.
"""

import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from nlp2filters.core.catalog import Field
from nlp2filters.core.cql2.patterns import pattern_of
from nlp2filters.core.dialects.dialect import Dialect
from nlp2filters.core.dialects.sql.parameters import (
    KINDS,
    POSITIONAL,
    TEMPORAL_KINDS,
    Kind,
    Parameter,
    Parameters,
    TextParameters,
    value_of_kind,
)
from nlp2filters.core.dialects.tree import Eq, Has, In, Range, Test, Value
from nlp2filters.core.dialects.writer import Search, SortKey, Target, Writer
from nlp2filters.core.filters import Anchor
from nlp2filters.core.mapping import Form

# Longer lists are one parameter, since engines limit the number of parameters (SQL Server: 2,100).
MAX_INLINE_VALUES = 100


@dataclass(frozen=True, slots=True)
class Operand:
    """An expression to compare, and the kind of its values."""

    sql: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Rows:
    """The elements of a list as rows: what stands after FROM, and the expression of one element."""

    source: str
    element: Operand


class SQLWriter(Writer[str]):
    """A writer of the SQL standard's text. `types` are the names of types, for parameters and conversions."""

    row: ClassVar[Dialect]
    types: ClassVar[Mapping[Kind, str]] = {
        "string": "VARCHAR(4000)",
        "integer": "BIGINT",
        "float": "DOUBLE PRECISION",
        "boolean": "BOOLEAN",
        "date": "DATE",
        "datetime": "TIMESTAMP",
        "instant": "TIMESTAMP WITH TIME ZONE",
        "time": "TIME",
        "epoch_seconds": "DOUBLE PRECISION",
        "epoch_milliseconds": "DOUBLE PRECISION",
    }
    # The usual form of a column with a list, and that of a parameter with one.
    list_form: ClassVar[Form] = "json"
    parameter_form: ClassVar[Form] = "json"
    # Without ERROR ON ERROR, an element that does not fit would count as none.
    json_table: ClassVar[str] = "JSON_TABLE({list}, '$[*]' COLUMNS (value {type} PATH '$' ERROR ON ERROR)) AS element"
    # The kinds of parameters that are converted to their type, because the engine would guess another one.
    converted: ClassVar[frozenset[Kind]] = frozenset()
    wildcards: ClassVar[str] = "%_"
    # Tests for a part of a string, for engines that need no LIKE for it.
    substring_tests: ClassVar[Mapping[Anchor, str]] = {}

    def __init__(self, target: Target, parameters: Parameters) -> None:
        super().__init__(target)
        self.parameters = parameters

    # Tests

    def eq(self, test: Eq) -> str:
        return self._passes(test, negated=False)

    one_of = range = has = eq  # type: ignore[assignment]

    def negated(self, test: Test) -> str:
        return self._passes(test, negated=True)

    def every(self, parts: Sequence[str]) -> str:
        return " AND ".join(parts)

    def some(self, parts: Sequence[str]) -> str:
        # AND binds tighter than OR, and NOT stands before single tests only.
        return f"({' OR '.join(parts)})"

    def missing(self, field: Field) -> str:
        if field.many:
            return self.some_element(field, self.not_null, negated=True)
        return f"{self.column(field)} IS NULL"

    def exists(self, field: Field) -> str:
        if field.many:
            return self.some_element(field, self.not_null, negated=False)
        return self.not_null(Operand(self.column(field), "string"))

    def not_null(self, operand: Operand) -> str:
        return f"{operand.sql} IS NOT NULL"

    def _passes(self, test: Test, *, negated: bool) -> str:
        field = test.field
        if field.many:
            return self.some_element(field, lambda element: self.compare(test, element), negated=negated)
        return self.compare(test, self.operand(field), negated=negated)

    def some_element(self, field: Field, passes: Callable[[Operand], str], *, negated: bool) -> str:
        """Test that some element of a list passes, or that none does."""
        rows = self.rows(self.column(field), *self.list_kind(field))
        return f"{'NOT ' * negated}EXISTS (SELECT 1 FROM {rows.source} WHERE {passes(rows.element)})"

    def list_kind(self, field: Field) -> tuple[Kind, Form]:
        """Return the kind of a list's elements, and the form of the list."""
        form = self.target.stored(field).form
        kind: Kind = form if form in ("epoch_seconds", "epoch_milliseconds") else KINDS[field.type]
        return kind, form if form in ("array", "json") else self.list_form

    def compare(self, test: Test, operand: Operand, *, negated: bool = False) -> str:
        """Test one value."""
        match test:
            case Eq(_, value, fold):
                subject = self.key(operand.sql, operand.kind, fold=fold)
                return f"{subject} {'<>' if negated else '='} {self.bound(value, operand.kind, fold=fold)}"
            case In(_, values, fold):
                subject = self.key(operand.sql, operand.kind, fold=fold)
                return f"{subject} {'NOT ' * negated}IN ({self.values(values, operand.kind, fold=fold)})"
            case Range():
                return self.within(test, operand, negated=negated)
            case Has():
                return self.contains(test, operand.sql, negated=negated)

    def values(self, values: Sequence[Value], kind: Kind, *, fold: bool) -> str:
        """Write what stands in the parentheses of IN."""
        if len(values) <= MAX_INLINE_VALUES:
            return ", ".join(self.bound(value, kind, fold=fold) for value in values)
        rows = self.rows(self.bind_list(values, kind), kind, self.parameter_form)
        return f"SELECT {self.key(rows.element.sql, kind, fold=fold)} FROM {rows.source}"

    def within(self, test: Range, operand: Operand, *, negated: bool) -> str:
        """Test that a value is in a range, or outside."""
        subject = operand.sql
        low, high = (None if end is None else self.bind(end, operand.kind) for end in (test.low, test.high))
        if low and high and not test.low_open and not test.high_open:
            return f"{subject} {'NOT ' * negated}BETWEEN {low} AND {high}"
        above, below = (">", "<=") if test.low_open else (">=", "<"), ("<", ">=") if test.high_open else ("<=", ">")
        parts = [f"{subject} {ops[negated]} {end}" for ops, end in ((above, low), (below, high)) if end]
        return parts[0] if len(parts) == 1 else self.some(parts) if negated else self.every(parts)

    def contains(self, test: Has, sql: str, *, negated: bool) -> str:
        """Test that a text is part of a string."""
        fold = self.lower if test.fold else str
        if substring_test := self.substring_tests.get(test.anchor):
            return "NOT " * negated + substring_test.format(fold(sql), fold(self.bind(test.text, "string")))
        pattern = self.bind(pattern_of(self.literal(test.text), test.anchor), "string")
        subject, comparand = (self.binary(fold(part)) for part in (sql, pattern))
        return f"{subject} {'NOT ' * negated}LIKE {comparand} ESCAPE '/'"

    def literal(self, text: str) -> str:
        """Return a text as a part of a LIKE pattern."""
        # The escape is a slash, because MySQL reads the backslash of ESCAPE '\' as the start of an escape.
        return "".join(f"/{sign}" if sign in self.wildcards or sign == "/" else sign for sign in text)

    # Expressions

    def key(self, sql: str, kind: Kind, *, fold: bool) -> str:
        """Write what equality compares of a value."""
        if kind != "string":
            return sql
        return self.exact(self.lower(sql) if fold else sql)

    def lower(self, sql: str) -> str:
        return f"lower({sql})"

    def binary(self, sql: str) -> str:
        """Write a string that is compared sign by sign, whatever the collation."""
        return sql

    def exact(self, sql: str) -> str:
        """Write a string that equals itself only."""
        return self.binary(sql)

    def operand(self, field: Field) -> Operand:
        """Write the value of a field."""
        sql, kind, form = self.column(field), KINDS[field.type], self.target.stored(field).form
        if kind not in TEMPORAL_KINDS:
            return Operand(sql, kind)
        match form:
            case "epoch_seconds" | "epoch_milliseconds":
                return Operand(sql, form)
            case "iso":
                return Operand(self.parsed(sql, kind), kind)
            case "timestamptz" if kind == "datetime":
                return self.instant(sql)
            case _:
                return self.native(sql, kind)

    def native(self, sql: str, kind: Kind) -> Operand:
        """Write a date, time or instant in the engine's usual form."""
        return Operand(sql, kind)

    def instant(self, sql: str) -> Operand:
        """Write an instant that has a zone."""
        return Operand(sql, "instant")

    def parsed(self, sql: str, kind: Kind) -> str:
        """Read a value from its text, which is ISO 8601 for dates."""
        return sql if kind == "string" else f"CAST({sql} AS {self.types[kind]})"

    def rows(self, sql: str, kind: Kind, form: Form) -> Rows:
        """Write the elements of a list."""
        source = self.json_table.format(list=sql, type=self.types["string" if kind in TEMPORAL_KINDS else kind])
        value = self.parsed("element.value", kind) if kind in TEMPORAL_KINDS else "element.value"
        return Rows(source, Operand(value, kind))

    # Parameters

    def bound(self, value: Value, kind: Kind, *, fold: bool) -> str:
        return self.key(self.bind(value, kind), kind, fold=fold)

    def bind(self, value: Value, kind: Kind) -> str:
        """Write a parameter for a value."""
        value, kind = value_of_kind(value, kind)
        placeholder, type_ = self.parameters.add(Parameter(value, kind, self.types[kind])), self.types[kind]
        return f"CAST({placeholder} AS {type_})" if kind in self.converted else placeholder

    def bind_list(self, values: Sequence[Value], kind: Kind) -> str:
        """Write one parameter for a list, here as a JSON array."""
        converted = [self.to_json(value_of_kind(value, kind)[0]) for value in values]
        text = json.dumps(converted, ensure_ascii=False, separators=(",", ":"))
        return self.parameters.add(Parameter(text, "string", self.types["string"]))

    def to_json(self, value: Value | tuple[Value, ...]) -> Any:
        """Return the value of a parameter as JSON."""
        if isinstance(value, tuple):
            return [self.to_json(one) for one in value]
        return value.isoformat() if isinstance(value, dt.date | dt.time) else value

    # Identifiers

    def column(self, field: Field) -> str:
        """Write the column of a field."""
        return self.identifier(self.target.name(field))

    def identifier(self, name: str) -> str:
        return self.parameters.escaped(self.quoted(name))

    def quoted(self, name: str) -> str:
        doubled = name.replace('"', '""')
        return f'"{doubled}"'

    # The statement

    def order(self, keys: Sequence[SortKey]) -> str:
        """Write what stands after ORDER BY: rows without a value come last."""
        return ", ".join(map(self.sort_key, keys))

    def sorted_by(self, field: Field) -> str:
        operand, null = self.operand(field), self.target.stored(field).null
        return operand.sql if null is None else f"NULLIF({operand.sql}, {self.bind(null, operand.kind)})"

    def sort_key(self, key: SortKey) -> str:
        return f"{self.sorted_by(key.field)} {key.direction.upper()}{' NULLS LAST' * key.field.nullable}"

    def table(self) -> str:
        schema = self.target.mapping.schema
        return ".".join(map(self.identifier, (*(schema.split(".") if schema else ()), self.target.table)))

    def statement(self, where: str | None, order: str | None, limit: int | None) -> str:
        first, last = ("", "") if limit is None else self.limit(limit)
        parts = [f"SELECT{first} * FROM {self.table()}"]
        if where:
            parts.append(f"WHERE {where}")
        if order:
            parts.append(f"ORDER BY {order}")
        return " ".join(parts) + last

    def limit(self, limit: int) -> tuple[str, str]:
        """Write the number of rows: after SELECT, and at the end."""
        return "", f" LIMIT {limit}"


class NullsByCase(SQLWriter):
    """A writer for engines without NULLS LAST."""

    def sort_key(self, key: SortKey) -> str:
        direction = f"{self.sorted_by(key.field)} {key.direction.upper()}"
        if not key.field.nullable:
            return direction
        return f"CASE WHEN {self.sorted_by(key.field)} IS NULL THEN 1 ELSE 0 END, {direction}"


@dataclass(frozen=True, slots=True)
class Renderer:
    """The function that writes an engine's statements."""

    writer: type[SQLWriter]

    def __call__(self, search: Search) -> dict[str, Any]:
        """Return `{"where", "params", "types", "order_by", "limit", "statement"}`; absent clauses are None.

        `params` are the values as JSON, by name or as a list in the order of their places, and `types` are the engine's
        types for them: a date is a string here, but not for every client.
        """
        parameters = TextParameters(search.target.mapping.paramstyle or self.writer.row.capabilities.paramstyles[0])
        writer = self.writer(search.target, parameters)
        where = writer.write(search.where) if search.where else None
        order = writer.order(search.sort) or None
        params = {name: writer.to_json(parameter.value) for name, parameter in parameters.all.items()}
        types = {name: parameter.type for name, parameter in parameters.all.items()}
        positional = parameters.style in POSITIONAL
        return {
            "where": where,
            "params": list(params.values()) if positional else params,
            "types": list(types.values()) if positional else types,
            "order_by": order,
            "limit": search.limit,
            "statement": writer.statement(where, order, search.limit),
        }
