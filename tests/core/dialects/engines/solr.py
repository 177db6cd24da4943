"""Solr's standard query parser by the one of Lucene 8 that it builds on."""

import datetime as dt
from collections.abc import Sequence
from typing import Any, ClassVar

from nlp2filters.core.catalog import FieldType
from nlp2filters.core.dialects import Options
from nlp2filters.core.dialects.stored_values import iso
from nlp2filters.core.mapping import EngineMapping, StoredField
from tests.core.dialects.engines.adapter import Adapter
from tests.core.dialects.engines.programs import Program, lucene_version
from tests.core.dialects.engines.rows import SHOP, Row

TITLE = 'the "title"'
TYPES: dict[FieldType, str] = {
    "keyword": "string",
    "text": "string",
    "time": "string",
    "boolean": "string",
    "integer": "long",
    "date": "date",
    "datetime": "date",
}


class Solr(Adapter):
    dialect = "solr"
    options: ClassVar[Options] = Options(mappings={"solr": EngineMapping(fields={TITLE: StoredField(name="title")})})
    emulated = True

    @staticmethod
    def fold(text: str) -> str:
        """Each letter by itself, if its other case is one letter."""
        return "".join(min({sign, *(case for case in (sign.lower(), sign.upper()) if len(case) == 1)}) for sign in text)

    def load(self, rows: Sequence[Row]) -> None:
        self.program = Program.lucene("Solr")
        types = {_name(field.name): TYPES.get(field.type, "double") for field in SHOP.fields}
        assert self.program.ask({"types": types, "documents": list(map(_document, rows))}) is None

    @property
    def version(self) -> str:
        return lucene_version()

    def select(self, compiled: dict[str, Any]) -> list[int]:
        ids: set[int] | None = None
        for query in compiled.get("fq", ["*:*"]):
            selected = self.program.ask(query)
            assert isinstance(selected, list), (selected, compiled)
            ids = set(selected) if ids is None else ids & set(selected)
        return list(ids or ())

    def close(self) -> None:
        self.program.close()


def _document(row: Row) -> dict[str, Any]:
    fields: dict[str, list[str]] = {}
    for field in SHOP.fields:
        value = row[field.name]
        elements = value if isinstance(value, list) else [] if value is None else [value]
        fields[_name(field.name)] = list(map(_stored, elements))
    return {"id": row["id"], "fields": fields}


def _name(field: str) -> str:
    return "title" if field == TITLE else field


def _stored(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case dt.datetime() | dt.time():
            return iso(value)
        case dt.date():
            return f"{value}T00:00:00Z"
        case _:
            return str(value)
