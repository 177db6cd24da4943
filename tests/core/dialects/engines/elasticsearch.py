"""Elasticsearch's leaves by Lucene 8, on which it builds, over an index as it maps one by itself."""

from collections.abc import Sequence
from typing import Any

from nlp2filters.core.catalog import NUMERIC
from nlp2filters.core.dialects.stored_values import in_form
from tests.core.dialects.engines.adapter import Adapter
from tests.core.dialects.engines.programs import Program, lucene_version
from tests.core.dialects.engines.rows import SHOP, Row


class Elasticsearch(Adapter):
    dialect = "elasticsearch"
    emulated = True

    def load(self, rows: Sequence[Row]) -> None:
        self.program = Program.lucene("Elasticsearch")
        assert self.program.ask(list(map(_document, rows))) is None

    @property
    def version(self) -> str:
        return lucene_version()

    def select(self, compiled: dict[str, Any]) -> list[int]:
        ids: list[int] = self.program.ask(compiled["query"])
        assert isinstance(ids, list), (ids, compiled)
        return ids

    def close(self) -> None:
        self.program.close()


class OpenSearch(Elasticsearch):
    dialect = "opensearch"


def _document(row: Row) -> dict[str, Any]:
    document: dict[str, Any] = {"id": row["id"]}
    for field in SHOP.fields:
        # Numbers with fractions come as such, or the first whole one would make the field a long.
        is_fraction = field.type in NUMERIC and field.type != "integer"
        value = row[field.name]
        elements = value if isinstance(value, list) else [] if value is None else [value]
        document[field.name] = [float(element) if is_fraction else in_form(element, "iso") for element in elements]
    return document
