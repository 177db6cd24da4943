"""ClickHouse in the process: chdb."""

import datetime as dt
import json
from collections.abc import Sequence
from typing import Any

from chdb.session import Session

from nlp2filters.core.catalog import FieldType
from nlp2filters.core.dialects import Options
from nlp2filters.core.mapping import EngineMapping, StoredField
from tests.core.dialects.engines.adapter import Adapter, unicode_fold
from tests.core.dialects.engines.rows import SHOP, Row

TYPES: dict[FieldType, str] = {
    "keyword": "String",
    "text": "String",
    "integer": "Int64",
    "number": "Float64",
    "money": "Float64",
    "date": "Date32",
    "datetime": "DateTime64(6, 'Europe/Madrid')",
    "time": "Time64(6)",
    "boolean": "Bool",
}


class ClickHouse(Adapter):
    dialect = "clickhouse"
    fold = staticmethod(unicode_fold)

    def load(self, rows: Sequence[Row]) -> None:
        self.session = Session()
        self.session.query("SET enable_time_time64_type = 1")
        columns = ", ".join(self.column(name) for name in rows[0] if name != "id")
        self.session.query(f"CREATE TABLE shop (id Int32, {columns}) ENGINE = Memory")
        lines = [json.dumps({name: self.stored(name, value) for name, value in row.items()}) for row in rows]
        self.session.query("INSERT INTO shop FORMAT JSONEachRow " + "\n".join(lines))

    @property
    def version(self) -> str:
        return f"ClickHouse {self.session.query('SELECT version()', 'TSV')}".strip()

    def column(self, name: str) -> str:
        field, type_ = SHOP.by_name[name], TYPES[SHOP.by_name[name].type]
        return f"`{name}` {f'Array({type_})' if field.many else f'Nullable({type_})'}"

    def stored(self, name: str, value: Any) -> Any:
        match value:
            case None if name in SHOP.by_name and SHOP.by_name[name].many:
                return []
            case list():
                return [self.stored(name, one) for one in value]
            case dt.datetime():
                return value.timestamp()
            case dt.date() | dt.time():
                return value.isoformat()
            case _:
                return value

    def select(self, compiled: dict[str, Any]) -> list[int]:
        params = {name: _text(value) for name, value in compiled["params"].items()}
        rows = str(self.session.query(f"{compiled['statement']} FORMAT JSONCompactEachRow", params=params))
        return [json.loads(line)[0] for line in rows.splitlines()]

    def close(self) -> None:
        self.session.close()


class ClickHouseText(ClickHouse):
    """Lists as JSON, dates as text and instants as numbers."""

    options = Options(
        mappings={
            "clickhouse": EngineMapping(
                fields={
                    "seen": StoredField(form="epoch_milliseconds"),
                    "released": StoredField(form="iso"),
                    "opens": StoredField(form="iso"),
                    **{field.name: StoredField(form="json") for field in SHOP.fields if field.many},
                },
            )
        }
    )

    def column(self, name: str) -> str:
        return (
            f"`{name}` Nullable({'Int64' if name == 'seen' else 'String'})" if self.form(name) else super().column(name)
        )

    def stored(self, name: str, value: Any) -> Any:
        match self.form(name), value:
            case "json", list():
                return json.dumps([one.isoformat() if isinstance(one, dt.date) else one for one in value])
            case "epoch_milliseconds", dt.datetime():
                return int(value.timestamp() * 1000)
            case None, _:
                return super().stored(name, value)
            case _, dt.date() | dt.time():
                return value.isoformat()
        return value

    def form(self, name: str) -> str | None:
        return self.options.mappings["clickhouse"].fields.get(name, StoredField()).form


def _text(value: Any) -> str:
    """A parameter as ClickHouse's clients send it: https://clickhouse.com/docs/interfaces/http#tabs-in-url-parameters"""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, list):
        return f"[{','.join(map(_literal, value))}]"
    return str(value).replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")


def _literal(value: Any) -> str:
    escaped = str(value).replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'" if isinstance(value, str) else escaped
