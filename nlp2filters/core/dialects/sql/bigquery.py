"""BigQuery: arrays, strings searched by functions, since LIKE has no ESCAPE, and backslashes in identifiers."""

from collections.abc import Mapping
from typing import ClassVar

from nlp2filters.core.dialects.sql import BIGQUERY
from nlp2filters.core.dialects.sql.arrays import ArrayWriter
from nlp2filters.core.dialects.sql.family import Operand, Renderer, Rows
from nlp2filters.core.dialects.sql.parameters import Kind
from nlp2filters.core.filters import Anchor
from nlp2filters.core.mapping import Form

ESCAPES = str.maketrans({"\\": "\\\\", "`": "\\`", "\n": "\\n", "\r": "\\r"})


class BigQueryWriter(ArrayWriter):
    """A writer for BigQuery."""

    row = BIGQUERY
    types: ClassVar[Mapping[Kind, str]] = {
        "string": "STRING",
        "integer": "INT64",
        "float": "FLOAT64",
        "boolean": "BOOL",
        "date": "DATE",
        "datetime": "DATETIME",
        "instant": "TIMESTAMP",
        "time": "TIME",
        "epoch_seconds": "FLOAT64",
        "epoch_milliseconds": "FLOAT64",
    }
    list_form = "array"
    substring_tests: ClassVar[Mapping[Anchor, str]] = {
        "anywhere": "STRPOS({}, {}) > 0",
        "start": "STARTS_WITH({}, {})",
        "end": "ENDS_WITH({}, {})",
    }

    def parsed(self, sql: str, kind: Kind) -> str:
        # Text without an offset is read as UTC.
        return f"DATETIME(TIMESTAMP({sql}))" if kind == "datetime" else super().parsed(sql, kind)

    def rows(self, sql: str, kind: Kind, form: Form) -> Rows:
        if form == "json":
            return Rows(f"UNNEST(JSON_VALUE_ARRAY({sql})) AS element", Operand(self.parsed("element", kind), kind))
        return Rows(f"UNNEST({sql}) AS element", Operand("element", kind))

    def array_type(self, type_: str) -> str:
        return f"ARRAY<{type_}>"

    def cast_array(self, placeholder: str, type_: str) -> str:
        return placeholder

    def quoted(self, name: str) -> str:
        # No name has a dot: it leads into a STRUCT.
        return ".".join(f"`{part.translate(ESCAPES)}`" for part in name.split("."))


render = Renderer(BigQueryWriter)
