"""SQLite, with dates and instants in all the forms in which programs store them."""

import datetime as dt
import json
import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

from nlp2filters.core.dialects import Options
from nlp2filters.core.mapping import EngineMapping, StoredField
from tests.core.dialects.engines.adapter import Adapter
from tests.core.dialects.engines.rows import Row

# Those of SQLAlchemy, of `datetime()`, of `isoformat()` and of JavaScript.
INSTANTS: tuple[Callable[[dt.datetime], str], ...] = (
    lambda value: value.replace(tzinfo=None).isoformat(" ", "microseconds"),
    lambda value: value.replace(tzinfo=None).isoformat(" "),
    lambda value: value.isoformat(),
    lambda value: value.replace(tzinfo=None).isoformat("T", "milliseconds") + "Z",
)
TIMES: tuple[Callable[[dt.time], str], ...] = (
    lambda value: value.isoformat("microseconds"),
    lambda value: value.isoformat(),
)
DATES: tuple[Callable[[dt.date], str], ...] = (dt.date.isoformat, lambda value: f"{value.isoformat()} 00:00:00")


class SQLite(Adapter):
    dialect = "sqlite"
    version = f"SQLite {sqlite3.sqlite_version}"

    def load(self, rows: Sequence[Row]) -> None:
        self.connection = sqlite3.connect(":memory:")
        names = ", ".join(f"`{name}`" for name in rows[0])
        self.connection.execute(f"CREATE TABLE shop ({names})")
        self.connection.executemany(
            f"INSERT INTO shop VALUES ({', '.join('?' * len(rows[0]))})",
            [[self.stored(name, value, row["id"]) for name, value in row.items()] for row in rows],
        )

    def stored(self, name: str, value: Any, number: int) -> Any:
        match value:
            case list():
                return json.dumps([self.stored(name, one, number + place) for place, one in enumerate(value)])
            case dt.datetime():
                return INSTANTS[number % len(INSTANTS)](value)
            case dt.date():
                return DATES[number % len(DATES)](value)
            case dt.time():
                return TIMES[number % len(TIMES)](value)
            case _:
                return value

    def select(self, compiled: dict[str, Any]) -> list[int]:
        return [row[0] for row in self.connection.execute(compiled["statement"], compiled["params"])]

    def close(self) -> None:
        self.connection.close()


class SQLiteNumbers(SQLite):
    """Instants as seconds and dates as milliseconds, and other names and notations."""

    options = Options(
        mappings={
            "sqlite": EngineMapping(
                paramstyle="qmark",
                fields={
                    "seen": StoredField(form="epoch_seconds"),
                    "released": StoredField(form="epoch_milliseconds"),
                    "opens": StoredField(form="epoch_seconds"),
                },
            )
        }
    )

    def stored(self, name: str, value: Any, number: int) -> Any:
        if value is None or name not in ("seen", "released", "opens"):
            return super().stored(name, value, number)
        if isinstance(value, dt.time):
            return dt.timedelta(hours=value.hour, minutes=value.minute, seconds=value.second,
                                microseconds=value.microsecond).total_seconds()  # fmt: skip
        if name == "seen":
            return value.timestamp()
        return (value - dt.date(1970, 1, 1)).days * 86_400_000
