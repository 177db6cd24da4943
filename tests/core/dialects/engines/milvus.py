"""Milvus by Milvus Lite.

It takes an escaped sign of a pattern for another one if the pattern has a backslash among other signs, or if the filter
has lists as well; such filters are not asked.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

from pymilvus import DataType, MilvusClient

from nlp2filters.core.catalog import FieldType
from nlp2filters.core.dialects import Options
from nlp2filters.core.dialects.stored_values import in_form
from nlp2filters.core.mapping import EngineMapping, StoredField
from tests.core.dialects.engines.adapter import Adapter, UnsupportedError
from tests.core.dialects.engines.rows import SHOP, Row

TYPES: dict[FieldType, DataType] = {
    "keyword": DataType.VARCHAR,
    "text": DataType.VARCHAR,
    "integer": DataType.INT64,
    "boolean": DataType.BOOL,
}
TITLE = 'the "title"'
_PATTERN = re.compile(r'like "((?:[^"\\]|\\.)*)"')


class Milvus(Adapter):
    dialect = "milvus"
    package = "milvus-lite"
    options: ClassVar[Options] = Options(mappings={"milvus": EngineMapping(fields={TITLE: StoredField(name="title")})})

    @staticmethod
    def fold(text: str) -> str:
        return text

    def load(self, rows: Sequence[Row]) -> None:
        self.folder = TemporaryDirectory()
        self.client = MilvusClient(str(Path(self.folder.name) / "milvus.db"))
        schema = self.client.create_schema()
        schema.add_field("id", DataType.INT64, is_primary=True)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=2)
        for field in SHOP.fields:
            type_ = TYPES.get(field.type, DataType.DOUBLE)
            length = {"max_length": 4000} if type_ == DataType.VARCHAR else {}
            array = {"element_type": type_, "max_capacity": 10} if field.many else {}
            whole = DataType.ARRAY if field.many else type_
            schema.add_field(self.name(field.name), whole, nullable=True, **array, **length)
        index = self.client.prepare_index_params()
        index.add_index("vector", index_type="FLAT", metric_type="L2")
        self.client.create_collection("shop", schema=schema, index_params=index)
        self.client.insert("shop", [self.entity(row) for row in rows])
        self.client.load_collection("shop")

    def entity(self, row: Row) -> dict[str, Any]:
        return {**{self.name(name): self.stored(value) for name, value in row.items()}, "vector": [0.0, 0.0]}

    def stored(self, value: Any) -> Any:
        return (
            [self.stored(element) for element in value] if isinstance(value, list) else in_form(value, "epoch_seconds")
        )

    def name(self, field: str) -> str:
        return "title" if field == TITLE else field

    def select(self, compiled: dict[str, Any]) -> list[int]:
        query = compiled["filter"]
        escaped = [pattern.replace("\\\\", "\\") for pattern in _PATTERN.findall(query) if "\\" in pattern]
        if any("\\\\" in pattern for pattern in escaped) or (escaped and "array_" in query):
            raise UnsupportedError("this version reads backslashes in a pattern otherwise")
        entities = self.client.query("shop", filter=query, output_fields=["id"], limit=compiled.get("limit", 10_000))
        return [entity["id"] for entity in entities]

    def close(self) -> None:
        self.client.close()
        self.folder.cleanup()
