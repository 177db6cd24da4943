"""DuckDB: lists are of its own type, or JSON."""

from collections.abc import Mapping
from typing import ClassVar

from nlp2filters.core.dialects.sql import DUCKDB
from nlp2filters.core.dialects.sql.arrays import ArrayWriter
from nlp2filters.core.dialects.sql.family import Operand, Renderer, Rows
from nlp2filters.core.dialects.sql.parameters import TEMPORAL_KINDS, Kind
from nlp2filters.core.mapping import Form


class DuckDBWriter(ArrayWriter):
    """A writer for DuckDB."""

    row = DUCKDB
    types: ClassVar[Mapping[Kind, str]] = {
        "string": "VARCHAR",
        "integer": "BIGINT",
        "float": "DOUBLE",
        "boolean": "BOOLEAN",
        "date": "DATE",
        "datetime": "TIMESTAMP",
        "instant": "TIMESTAMPTZ",
        "time": "TIME",
        "epoch_seconds": "DOUBLE",
        "epoch_milliseconds": "DOUBLE",
    }
    list_form = "array"
    converted = TEMPORAL_KINDS

    def rows(self, sql: str, kind: Kind, form: Form) -> Rows:
        if form == "json":
            sql = f"CAST(CAST({sql} AS JSON) AS {self.array_type(self.types[kind])})"
        return Rows(f"unnest({sql}) AS element(value)", Operand("element.value", kind))

    def array_type(self, type_: str) -> str:
        return f"{type_}[]"


render = Renderer(DuckDBWriter)
