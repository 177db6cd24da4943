"""MySQL and MariaDB: strings are compared byte by byte, since collations ignore accents and blanks at the end."""

from collections.abc import Mapping
from typing import ClassVar

from nlp2filters.core.dialects.sql import MYSQL
from nlp2filters.core.dialects.sql.family import NullsByCase, Operand, Renderer
from nlp2filters.core.dialects.sql.parameters import TEMPORAL_KINDS, Kind


class MySQLWriter(NullsByCase):
    """A writer for MySQL and MariaDB."""

    row = MYSQL
    types: ClassVar[Mapping[Kind, str]] = {
        "string": "LONGTEXT",
        "integer": "BIGINT",
        "float": "DOUBLE",
        "boolean": "TINYINT",
        "date": "DATE",
        "datetime": "DATETIME(6)",
        "instant": "DATETIME(6)",
        "time": "TIME(6)",
        "epoch_seconds": "DOUBLE",
        "epoch_milliseconds": "DOUBLE",
    }
    converted = TEMPORAL_KINDS
    json_table = "JSON_TABLE({list}, '$[*]' COLUMNS (value {type} PATH '$')) AS element"

    def binary(self, sql: str) -> str:
        # The column and the connection may have different character sets.
        return f"CAST(CONVERT({sql} USING utf8mb4) AS BINARY)"

    def instant(self, sql: str) -> Operand:
        # A TIMESTAMP is shown, and compared, in the time zone of the session.
        return Operand(f"UNIX_TIMESTAMP({sql})", "epoch_seconds")

    def parsed(self, sql: str, kind: Kind) -> str:
        return super().parsed(f"REPLACE({sql}, 'Z', '')" if kind == "datetime" else sql, kind)

    def quoted(self, name: str) -> str:
        # In double quotes, a name would be a string.
        doubled = name.replace("`", "``")
        return f"`{doubled}`"


render = Renderer(MySQLWriter)
