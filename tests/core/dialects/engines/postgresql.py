"""PostgreSQL by psycopg with lists as jsonb, and by asyncpg with arrays and zones."""

import asyncio
import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import asyncpg
import psycopg
from psycopg.types.json import Jsonb

from nlp2filters.core.catalog import FieldType
from nlp2filters.core.dialects import Options
from nlp2filters.core.mapping import EngineMapping, StoredField
from tests.core.dialects.engines.adapter import Adapter, simple_fold
from tests.core.dialects.engines.processes import postgresql
from tests.core.dialects.engines.rows import SHOP, Row

TYPES: dict[FieldType, str] = {
    "keyword": "text",
    "text": "text",
    "integer": "bigint",
    "number": "double precision",
    "money": "numeric",
    "date": "date",
    "datetime": "timestamp",
    "time": "time",
    "boolean": "boolean",
}


class PostgreSQL(Adapter):
    """By psycopg, in a session with another time zone."""

    dialect = "postgresql"
    fold = staticmethod(simple_fold)

    def load(self, rows: Sequence[Row]) -> None:
        self.stack = ExitStack()
        self.port = self.stack.enter_context(postgresql(lambda port: self.connect(port).close()))
        self.connection = self.stack.enter_context(self.connect(self.port))
        columns = ", ".join(self.column(name) for name in rows[0] if name != "id")
        self.connection.execute(f"CREATE TABLE shop (id integer, {columns})".encode())
        places = ", ".join(["%s"] * len(rows[0]))
        for row in rows:
            values = [self.stored(name, value) for name, value in row.items()]
            self.connection.execute(f"INSERT INTO shop VALUES ({places})".encode(), values)

    def connect(self, port: int) -> psycopg.Connection:
        options = "-c TimeZone=Europe/Madrid"
        return psycopg.connect(host="127.0.0.1", port=port, user="postgres", autocommit=True, options=options)

    @property
    def version(self) -> str:
        return f"PostgreSQL {self.connection.info.server_version // 10_000}"

    def column(self, name: str) -> str:
        field, quoted = SHOP.by_name[name], name.replace('"', '""')
        return f'"{quoted}" {"jsonb" if field.many else TYPES[field.type]}'

    def stored(self, name: str, value: Any) -> Any:
        match value:
            case list():
                return Jsonb([one.isoformat() if isinstance(one, dt.date) else one for one in value])
            case dt.datetime():
                return value.replace(tzinfo=None)
            # An empty JSON list, the null of JSON, and none at all.
            case None if SHOP.by_name[name].many and name != "tags":
                return Jsonb(None)
            case _:
                return value

    def select(self, compiled: dict[str, Any]) -> list[int]:
        return [row[0] for row in self.connection.execute(compiled["statement"].encode(), compiled["params"])]

    def close(self) -> None:
        self.stack.close()


# Types in which asyncpg takes no strings.
FROM_JSON: Mapping[str, Callable[[str], Any]] = {
    "date": dt.date.fromisoformat,
    "timestamp": dt.datetime.fromisoformat,
    "timestamptz": dt.datetime.fromisoformat,
    "time": dt.time.fromisoformat,
}


class AsyncPG(PostgreSQL):
    """By asyncpg, which takes no strings for dates."""

    options = Options(
        mappings={
            "postgresql": EngineMapping(
                paramstyle="numeric_dollar",
                schema="public",
                fields={
                    "seen": StoredField(form="timestamptz"),
                    **{field.name: StoredField(form="array") for field in SHOP.fields if field.many},
                },
            )
        }
    )

    def load(self, rows: Sequence[Row]) -> None:
        super().load(rows)
        self.runner = self.stack.enter_context(asyncio.Runner())
        self.client: asyncpg.Connection = self.runner.run(
            asyncpg.connect(
                host="127.0.0.1", port=self.port, user="postgres", server_settings={"TimeZone": "Europe/Madrid"}
            )
        )
        self.stack.callback(lambda: self.runner.run(self.client.close()))

    def column(self, name: str) -> str:
        field, quoted = SHOP.by_name[name], name.replace('"', '""')
        return f'"{quoted}" {"timestamptz" if name == "seen" else TYPES[field.type]}{"[]" * field.many}'

    def stored(self, name: str, value: Any) -> Any:
        match value:
            case list() if SHOP.by_name[name].type == "number":
                return list(map(float, value))
            case list():
                return [one.replace(tzinfo=None) if isinstance(one, dt.datetime) else one for one in value]
            case _:
                return value

    def select(self, compiled: dict[str, Any]) -> list[int]:
        params = [_typed(*pair) for pair in zip(compiled["params"], compiled["types"], strict=True)]
        rows = self.runner.run(self.client.fetch(compiled["statement"], *params))
        return [row["id"] for row in rows]


def _typed(value: Any, type_: str) -> Any:
    if type_.endswith("[]"):
        return [_typed(one, type_.removesuffix("[]")) for one in value]
    return FROM_JSON[type_](value) if type_ in FROM_JSON else value
