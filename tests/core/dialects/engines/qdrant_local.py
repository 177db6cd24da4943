"""Qdrant's language by the local mode of its client."""

import datetime as dt
import warnings
from collections.abc import Sequence
from typing import Any

from qdrant_client import QdrantClient, models

from nlp2filters.core.catalog import NUMERIC
from nlp2filters.core.dialects.stored_values import in_form
from tests.core.dialects.engines.adapter import Adapter
from tests.core.dialects.engines.rows import SHOP, Row


class QdrantLocal(Adapter):
    dialect = "qdrant"
    package = "qdrant-client"
    emulated = True

    def load(self, rows: Sequence[Row]) -> None:
        self.client = QdrantClient(":memory:")
        self.client.create_collection("shop", vectors_config={})
        self.client.upsert(
            "shop",
            [
                models.PointStruct(id=row["id"], vector={}, payload={name: _stored(name, row[name]) for name in row})
                for row in rows
            ],
        )

    def select(self, compiled: dict[str, Any]) -> list[int]:
        filter_ = models.Filter.model_validate(compiled["filter"]) if "filter" in compiled else None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            points, _ = self.client.scroll("shop", filter_, limit=compiled.get("limit", 10_000))
        return [int(point.id) for point in points]

    def close(self) -> None:
        self.client.close()


def _stored(name: str, value: Any) -> Any:
    if isinstance(value, list):
        return [_stored(name, element) for element in value]
    if isinstance(value, dt.date | dt.time):
        return in_form(value, "iso")
    is_fraction = name in SHOP.by_name and SHOP.by_name[name].type in NUMERIC - {"integer"}
    return float(value) if is_fraction and value is not None else value
