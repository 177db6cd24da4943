"""Snowflake: FLATTEN, strings searched by functions, and names that are in upper case unless they are quoted."""

import re
from collections.abc import Mapping
from typing import ClassVar

from nlp2filters.core.dialects.sql import SNOWFLAKE
from nlp2filters.core.dialects.sql.family import Operand, Renderer, Rows, SQLWriter
from nlp2filters.core.dialects.sql.parameters import TEMPORAL_KINDS, Kind
from nlp2filters.core.filters import Anchor
from nlp2filters.core.mapping import Form

UNQUOTED = re.compile(r"[a-z_][a-z0-9_]*")


class SnowflakeWriter(SQLWriter):
    """A writer for Snowflake."""

    row = SNOWFLAKE
    types: ClassVar[Mapping[Kind, str]] = {
        "string": "VARCHAR",
        "integer": "BIGINT",
        "float": "FLOAT",
        "boolean": "BOOLEAN",
        "date": "DATE",
        "datetime": "TIMESTAMP_NTZ",
        "instant": "TIMESTAMP_TZ",
        "time": "TIME",
        "epoch_seconds": "FLOAT",
        "epoch_milliseconds": "FLOAT",
    }
    list_form = "array"
    parameter_form = "json"
    converted = TEMPORAL_KINDS
    substring_tests: ClassVar[Mapping[Anchor, str]] = {
        "anywhere": "CONTAINS({}, {})",
        "start": "STARTSWITH({}, {})",
        "end": "ENDSWITH({}, {})",
    }

    def rows(self, sql: str, kind: Kind, form: Form) -> Rows:
        values = f"PARSE_JSON({sql})" if form == "json" else sql
        source = f"TABLE(FLATTEN(INPUT => {values})) AS element"
        # The elements are of the type VARIANT.
        return Rows(source, Operand(f"CAST(element.value AS {self.types[kind]})", kind))

    def quoted(self, name: str) -> str:
        # A column that was created as `brand` is called BRAND, and "brand" is another one.
        return name if UNQUOTED.fullmatch(name) and name.upper() not in RESERVED else super().quoted(name)


# https://docs.snowflake.com/en/sql-reference/reserved-keywords
RESERVED = frozenset(
    """ACCOUNT ALL ALTER AND ANY AS BETWEEN BY CASE CAST CHECK COLUMN CONNECT CONNECTION CONSTRAINT CREATE CROSS CURRENT
    CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP CURRENT_USER DATABASE DELETE DISTINCT DROP ELSE EXISTS FALSE FOLLOWING
    FOR FROM FULL GRANT GROUP GSCLUSTER HAVING ILIKE IN INCREMENT INNER INSERT INTERSECT INTO IS ISSUE JOIN LATERAL LEFT
    LIKE LOCALTIME LOCALTIMESTAMP MINUS NATURAL NOT NULL OF ON OR ORDER ORGANIZATION QUALIFY REGEXP REVOKE RIGHT RLIKE
    ROW ROWS SAMPLE SCHEMA SELECT SET SOME START TABLE TABLESAMPLE THEN TO TRIGGER TRUE TRY_CAST UNION UNIQUE UPDATE
    USING VALUES VIEW WHEN WHENEVER WHERE WITH""".split()  # noqa: SIM905
)

render = Renderer(SnowflakeWriter)
