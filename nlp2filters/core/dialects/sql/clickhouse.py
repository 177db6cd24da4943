"""ClickHouse: parameters with types, and functions of higher order for lists, which are never NULL."""

from collections.abc import Callable, Mapping
from typing import ClassVar

from nlp2filters.core.catalog import Field
from nlp2filters.core.dialects.sql import CLICKHOUSE
from nlp2filters.core.dialects.sql.arrays import ArrayWriter
from nlp2filters.core.dialects.sql.family import Operand, Renderer, Rows
from nlp2filters.core.dialects.sql.parameters import TEMPORAL_KINDS, Kind
from nlp2filters.core.filters import Anchor
from nlp2filters.core.mapping import Form

ESCAPES = str.maketrans({"\\": "\\\\", "`": "\\`"})


class ClickHouseWriter(ArrayWriter):
    """A writer for ClickHouse."""

    row = CLICKHOUSE
    types: ClassVar[Mapping[Kind, str]] = {
        "string": "String",
        "integer": "Int64",
        "float": "Float64",
        "boolean": "Bool",
        "date": "Date32",
        "datetime": "DateTime64(6, 'UTC')",
        "instant": "DateTime64(6, 'UTC')",
        "time": "Time64(6)",
        "epoch_seconds": "Float64",
        "epoch_milliseconds": "Float64",
    }
    list_form = "array"
    substring_tests: ClassVar[Mapping[Anchor, str]] = {
        "anywhere": "position({}, {}) > 0",
        "start": "startsWith({}, {})",
        "end": "endsWith({}, {})",
    }

    def some_element(self, field: Field, passes: Callable[[Operand], str], *, negated: bool) -> str:
        (kind, form), sql = self.list_kind(field), self.column(field)
        element = "element"
        if form == "json":
            is_text = kind in TEMPORAL_KINDS
            sql = f"JSONExtract(ifNull({sql}, ''), 'Array(Nullable({self.types['string' if is_text else kind]}))')"
            element = self.parsed(element, kind) if is_text else element
        return f"{'NOT ' * negated}arrayExists(element -> {passes(Operand(element, kind))}, {sql})"

    def parsed(self, sql: str, kind: Kind) -> str:
        if kind == "datetime":
            return f"parseDateTime64BestEffortOrNull({sql}, 6, 'UTC')"
        return f"CAST({sql} AS Nullable({self.types[kind]}))"

    def rows(self, sql: str, kind: Kind, form: Form) -> Rows:
        return Rows(f"(SELECT arrayJoin({sql}) AS element)", Operand("element", kind))

    def lower(self, sql: str) -> str:
        return f"lowerUTF8({sql})"

    def array_type(self, type_: str) -> str:
        return f"Array({type_})"

    def quoted(self, name: str) -> str:
        return f"`{name.translate(ESCAPES)}`"


render = Renderer(ClickHouseWriter)
