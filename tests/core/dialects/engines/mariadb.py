"""MariaDB with its default collation, and with TIMESTAMP columns in a session of another time zone."""

import datetime as dt
import json
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pymysql

from nlp2filters.core.catalog import FieldType
from nlp2filters.core.dialects import Options
from nlp2filters.core.mapping import EngineMapping, StoredField
from tests.core.dialects.engines.adapter import Adapter, simple_fold
from tests.core.dialects.engines.processes import mariadb
from tests.core.dialects.engines.rows import SHOP, Row

TYPES: dict[FieldType, str] = {
    "keyword": "VARCHAR(700)",
    "text": "TEXT",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "money": "DECIMAL(30, 10)",
    "date": "DATE",
    "datetime": "DATETIME(6)",
    "time": "TIME(6)",
    "boolean": "BOOLEAN",
}


class MariaDB(Adapter):
    dialect = "mysql"
    fold = staticmethod(simple_fold)

    def load(self, rows: Sequence[Row]) -> None:
        self.stack = ExitStack()
        self.socket = self.stack.enter_context(mariadb(lambda socket: self.connect(socket).close()))
        self.connection = self.stack.enter_context(self.connect(self.socket))
        columns = ", ".join(self.column(name) for name in rows[0] if name != "id")
        with self.connection.cursor() as cursor:
            cursor.execute("CREATE DATABASE shops CHARACTER SET utf8mb4")
            cursor.execute("USE shops")
            cursor.execute("SET time_zone = '+05:30'")
            cursor.execute(f"CREATE TABLE shop (id INTEGER, {columns})")
            places = ", ".join(["%s"] * len(rows[0]))
            for row in rows:
                cursor.execute(f"INSERT INTO shop VALUES ({places})", [self.stored(*item) for item in row.items()])

    def connect(self, socket: str) -> "pymysql.connections.Connection[Any]":
        # A failed attempt would leave its socket open.
        assert Path(socket).exists()
        return pymysql.connect(unix_socket=socket, user="root", charset="utf8mb4", autocommit=True)

    @property
    def version(self) -> str:
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT version()")
            return f"MariaDB {cursor.fetchone()[0].split('-')[0]}"

    def column(self, name: str) -> str:
        field = SHOP.by_name[name]
        return f"`{name}` {'JSON' if field.many else TYPES[field.type]} NULL"

    def stored(self, name: str, value: Any) -> Any:
        match value:
            case list():
                return json.dumps([_text(one) if isinstance(one, dt.date) else one for one in value])
            case dt.datetime():
                return value.replace(tzinfo=None)
            case _:
                return value

    def select(self, compiled: dict[str, Any]) -> list[int]:
        with self.connection.cursor() as cursor:
            cursor.execute(compiled["statement"], compiled["params"])
            return [row[0] for row in cursor.fetchall()]

    def close(self) -> None:
        self.stack.close()


class MariaDBTimestamps(MariaDB):
    """Instants as TIMESTAMP, texts in another character set and collation, placeholders without names."""

    options = Options(
        mappings={
            "mysql": EngineMapping(
                paramstyle="format",
                schema="shops",
                fields={"seen": StoredField(form="timestamptz"), "released": StoredField(form="iso")},
            )
        }
    )

    @staticmethod
    def holds(row: Row) -> bool:
        """A TIMESTAMP begins in 1970."""
        return row["seen"] is None or row["seen"].year >= 1970

    def column(self, name: str) -> str:
        match name:
            case "seen":
                return "`seen` TIMESTAMP(6) NULL"
            case "released":
                return "`released` VARCHAR(10)"
            case "brand":
                return "`brand` VARCHAR(700) CHARACTER SET utf16 COLLATE utf16_unicode_ci"
        return super().column(name)

    def stored(self, name: str, value: Any) -> Any:
        if name == "seen" and value:
            # In the zone of the session.
            return value.astimezone(dt.timezone(dt.timedelta(hours=5, minutes=30))).replace(tzinfo=None)
        return super().stored(name, value)


def _text(value: dt.date) -> str:
    return value.isoformat().replace("+00:00", "Z")
