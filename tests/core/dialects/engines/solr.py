"""Solr's standard query parser by the one of Lucene 8 that it builds on."""

import datetime as dt
import json
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

from nlp2filters.core.catalog import FieldType
from nlp2filters.core.dialects import Options
from nlp2filters.core.dialects.stored_values import iso
from nlp2filters.core.mapping import EngineMapping, StoredField
from tests.core.dialects.engines.adapter import Adapter
from tests.core.dialects.engines.rows import SHOP, Row

PROGRAM = Path(__file__).parent / "java" / "Solr.java"
JARS = Path("/usr/share/java")
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
        jars = ":".join(str(_jar(part)) for part in ("core", "queryparser", "analyzers-common"))
        command = ["java", "-Xmx512m", "-cp", jars, str(PROGRAM)]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, encoding="utf-8")
        for field in SHOP.fields:
            self.write("\x1f".join((TYPES.get(field.type, "double"), _name(field.name))))
        for row in rows:
            self.write(f"{row['id']}\x1f\x1f")
            for name, value in _values(row):
                self.write("\x1f".join((str(row["id"]), name, value)))
        assert self.process.stdin
        self.process.stdin.write(".\n")
        assert self.read() == "ready\n"

    @property
    def version(self) -> str:
        return f"Lucene {_jar('core').stem.rpartition('-')[2]}"

    def select(self, compiled: dict[str, Any]) -> list[int]:
        ids: set[int] | None = None
        for query in compiled.get("fq", ["*:*"]):
            self.write(query)
            selected = json.loads(self.read())
            assert isinstance(selected, list), selected
            ids = set(selected) if ids is None else ids & set(selected)
        return list(ids or ())

    def write(self, line: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(f"{line.encode().hex()}\n")

    def read(self) -> str:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.flush()
        return self.process.stdout.readline()

    def close(self) -> None:
        self.process.communicate()


def _values(row: Row) -> Iterator[tuple[str, str]]:
    for field in SHOP.fields:
        value = row[field.name]
        for element in value if isinstance(value, list) else [value]:
            if element is not None:
                yield _name(field.name), _stored(element)


def _jar(part: str) -> Path:
    return max(JARS.glob(f"lucene-{part}-[0-9]*.jar"))


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
