"""SQL Server: TOP, OPENJSON, and strings that are compared byte by byte, since collations ignore case."""

from collections.abc import Mapping
from typing import ClassVar

from nlp2filters.core.dialects.sql import MSSQL
from nlp2filters.core.dialects.sql.family import NullsByCase, Renderer
from nlp2filters.core.dialects.sql.parameters import TEMPORAL_KINDS, Kind


class MSSQLWriter(NullsByCase):
    """A writer for SQL Server."""

    row = MSSQL
    types: ClassVar[Mapping[Kind, str]] = {
        "string": "nvarchar(max)",
        "integer": "bigint",
        "float": "float",
        "boolean": "bit",
        "date": "date",
        "datetime": "datetime2",
        "instant": "datetimeoffset",
        "time": "time",
        "epoch_seconds": "float",
        "epoch_milliseconds": "float",
    }
    wildcards = "%_["
    converted = TEMPORAL_KINDS
    json_table = "OPENJSON({list}) WITH (value {type} '$') AS element"

    def binary(self, sql: str) -> str:
        return f"{sql} COLLATE Latin1_General_100_BIN2"

    def exact(self, sql: str) -> str:
        # Every collation ignores blanks at the end.
        return self.binary(f"({sql} + N'.')")

    def parsed(self, sql: str, kind: Kind) -> str:
        if kind == "datetime":
            # Text without an offset is read as UTC.
            sql = f"SWITCHOFFSET(CAST({sql} AS datetimeoffset), '+00:00')"
        return super().parsed(sql, kind)

    def quoted(self, name: str) -> str:
        doubled = name.replace("]", "]]")
        return f"[{doubled}]"

    def limit(self, limit: int) -> tuple[str, str]:
        return f" TOP ({limit})", ""


render = Renderer(MSSQLWriter)
