"""PostgreSQL: lists are `jsonb` or arrays, and parameters have types, which asyncpg needs."""

from collections.abc import Mapping
from typing import ClassVar

from nlp2filters.core.dialects.sql import POSTGRESQL
from nlp2filters.core.dialects.sql.arrays import ArrayWriter
from nlp2filters.core.dialects.sql.family import Operand, Renderer, Rows
from nlp2filters.core.dialects.sql.parameters import Kind
from nlp2filters.core.mapping import Form


class PostgreSQLWriter(ArrayWriter):
    """A writer for PostgreSQL."""

    row = POSTGRESQL
    types: ClassVar[Mapping[Kind, str]] = {
        "string": "text",
        "integer": "bigint",
        "float": "double precision",
        "boolean": "boolean",
        "date": "date",
        "datetime": "timestamp",
        "instant": "timestamptz",
        "time": "time",
        "epoch_seconds": "double precision",
        "epoch_milliseconds": "double precision",
    }
    # A string takes the type of what it is compared with, such as an enumeration.
    converted = frozenset(types) - {"string"}

    def rows(self, sql: str, kind: Kind, form: Form) -> Rows:
        if form == "array":
            return Rows(f"unnest({sql}) AS element(value)", Operand("element.value", kind))
        # A path finds nothing in the JSON null that some libraries store for none, where a function would fail.
        source = f"jsonb_path_query(CAST({sql} AS jsonb), '$[*]') AS element(value)"
        return Rows(source, Operand(self.parsed("(element.value #>> '{}')", kind), kind))

    def array_type(self, type_: str) -> str:
        return f"{type_}[]"


render = Renderer(PostgreSQLWriter)
