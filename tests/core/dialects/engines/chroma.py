"""Chroma in the process. A missing value or an empty list is not there: Chroma stores none of them."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

import chromadb

from nlp2filters.core.dialects import Options
from nlp2filters.core.dialects.stored_values import in_form
from nlp2filters.core.mapping import EngineMapping, StoredField
from tests.core.dialects.engines.adapter import Adapter
from tests.core.dialects.engines.rows import SHOP, Row

_WITH_MILLISECONDS = ("seen", "opens", "shows")


class Chroma(Adapter):
    dialect = "chroma"
    package = "chromadb"
    options = Options(
        mappings={
            "chroma": EngineMapping(fields=dict.fromkeys(_WITH_MILLISECONDS, StoredField(form="epoch_milliseconds")))
        }
    )

    def load(self, rows: Sequence[Row]) -> None:
        self.client = chromadb.EphemeralClient()
        self.collection = self.client.create_collection("shop", embedding_function=None)
        self.collection.add(
            ids=[str(row["id"]) for row in rows],
            embeddings=[[0.0]] * len(rows),
            metadatas=[
                {name: _stored(name, value) for name, value in row.items() if value not in (None, [])} for row in rows
            ],
        )

    def select(self, compiled: dict[str, Any]) -> list[int]:
        found = self.collection.get(where=compiled.get("where"), limit=compiled.get("limit"), include=[])
        return list(map(int, found["ids"]))

    def close(self) -> None:
        self.client.delete_collection("shop")


def _stored(name: str, value: Any) -> Any:
    if isinstance(value, list):
        return [_stored(name, element) for element in value]
    if isinstance(value, dt.date | dt.time):
        return in_form(value, "epoch_milliseconds" if name in _WITH_MILLISECONDS else "epoch_seconds")
    return float(value) if name in SHOP.by_name and SHOP.by_name[name].type in ("money", "number") else value
