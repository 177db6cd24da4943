"""DuckDB, with lists of its own type and as JSON."""

import datetime as dt
import json
from collections.abc import Sequence
from typing import Any, ClassVar

import duckdb

from nlp2filters.core.catalog import FieldType
from nlp2filters.core.dialects import Options
from nlp2filters.core.mapping import EngineMapping, StoredField
from tests.core.dialects.engines.adapter import Adapter, simple_fold
from tests.core.dialects.engines.rows import SHOP, Row

TYPES: dict[FieldType, str] = {
    "keyword": "VARCHAR",
    "text": "VARCHAR",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "money": "DOUBLE",
    "date": "DATE",
    "datetime": "TIMESTAMP",
    "time": "TIME",
    "boolean": "BOOLEAN",
}


class DuckDB(Adapter):
    dialect = "duckdb"
    package = "duckdb"
    fold = staticmethod(simple_fold)

    def load(self, rows: Sequence[Row]) -> None:
        self.connection = duckdb.connect(":memory:")
        columns = ", ".join(self.column(name) for name in rows[0] if name != "id")
        self.connection.execute(f"CREATE TABLE shop (id INTEGER, {columns})")
        self.connection.executemany(
            f"INSERT INTO shop VALUES ({', '.join('?' * len(rows[0]))})",
            [[self.stored(value) for value in row.values()] for row in rows],
        )

    def column(self, name: str) -> str:
        field = SHOP.by_name[name]
        quoted = name.replace('"', '""')
        return f'"{quoted}" {TYPES[field.type]}{"[]" * field.many}'

    def stored(self, value: Any) -> Any:
        match value:
            case list():
                return [self.stored(one) for one in value]
            case dt.datetime():
                return value.replace(tzinfo=None)
            case _:
                return value

    def select(self, compiled: dict[str, Any]) -> list[int]:
        return [row[0] for row in self.connection.execute(compiled["statement"], compiled["params"]).fetchall()]

    def close(self) -> None:
        self.connection.close()


class DuckDBText(DuckDB):
    """Lists as JSON, instants with a zone, dates and times as text."""

    options: ClassVar[Options] = Options(
        mappings={
            "duckdb": EngineMapping(
                paramstyle="numeric_dollar",
                fields={
                    "seen": StoredField(form="timestamptz"),
                    "released": StoredField(form="iso"),
                    "opens": StoredField(form="iso"),
                    **{field.name: StoredField(form="json") for field in SHOP.fields if field.many},
                },
            )
        }
    )

    def column(self, name: str) -> str:
        form = self.options.mappings["duckdb"].fields.get(name, StoredField()).form
        return super().column(name) if form is None else f'"{name}" {"TIMESTAMPTZ" if name == "seen" else "VARCHAR"}'

    def stored(self, value: Any) -> Any:
        if isinstance(value, list):
            return json.dumps([one.isoformat() if isinstance(one, dt.date) else one for one in value])
        return value
