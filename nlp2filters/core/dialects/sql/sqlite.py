"""SQLite: dates, times and instants are text in any of the forms that it reads itself, lists are JSON."""

import datetime as dt
from collections.abc import Mapping
from typing import Any, ClassVar

from nlp2filters.core.cql2.patterns import pattern_of
from nlp2filters.core.dialects.sql import SQLITE
from nlp2filters.core.dialects.sql.family import Operand, Renderer, Rows, SQLWriter
from nlp2filters.core.dialects.sql.parameters import Kind
from nlp2filters.core.dialects.tree import Has, Value
from nlp2filters.core.mapping import Form

FORMATS: dict[Kind, str] = {"datetime": "%Y-%m-%d %H:%M:%S", "time": "%H:%M:%S"}


class SQLiteWriter(SQLWriter):
    """A writer for SQLite."""

    row = SQLITE
    types: ClassVar[Mapping[Kind, str]] = {
        "string": "TEXT",
        "integer": "INTEGER",
        "float": "REAL",
        "boolean": "INTEGER",
        "date": "TEXT",
        "datetime": "TEXT",
        "time": "TEXT",
        "epoch_seconds": "REAL",
        "epoch_milliseconds": "REAL",
    }

    def native(self, sql: str, kind: Kind) -> Operand:
        return Operand(self.parsed(sql, kind), kind)

    def parsed(self, sql: str, kind: Kind) -> str:
        if kind == "date":
            return f"date({sql})"
        if kind not in FORMATS:
            return sql
        # `strftime` reads all forms, but has no more than three digits of a fraction.
        fraction = f"substr(printf('%.6f', CAST('0' || substr({sql}, instr({sql}, '.')) AS REAL)), -6)"
        return f"strftime('{FORMATS[kind]}.', {sql}) || {fraction}"

    def rows(self, sql: str, kind: Kind, form: Form) -> Rows:
        # Within FROM, a name such as `value` would be a column of json_each.
        source = f"(SELECT {sql} AS list) AS field, json_each(field.list) AS element"
        return Rows(source, Operand(self.parsed("element.value", kind), kind))

    def contains(self, test: Has, sql: str, *, negated: bool) -> str:
        if test.fold:
            return super().contains(test, sql, negated=negated)
        # LIKE always folds A to Z.
        text = "".join(f"[{sign}]" if sign in "*?[" else sign for sign in test.text)
        pattern = pattern_of(text, test.anchor, "*")
        return f"{sql} {'NOT ' * negated}GLOB {self.bind(pattern, 'string')}"

    def to_json(self, value: Value | tuple[Value, ...]) -> Any:
        match value:
            case dt.datetime():
                return value.isoformat(" ", "microseconds")
            case dt.time():
                return value.isoformat("microseconds")
            case _:
                return super().to_json(value)

    def quoted(self, name: str) -> str:
        # In double quotes, a name that is no column would be a string.
        doubled = name.replace("`", "``")
        return f"`{doubled}`"


render = Renderer(SQLiteWriter)
