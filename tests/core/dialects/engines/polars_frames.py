"""polars, by the text of an expression: what a user pastes."""

import datetime
from collections.abc import Sequence
from typing import Any

import polars as pl

from nlp2filters.core.catalog import FieldType
from tests.core.dialects.engines.adapter import Adapter, unicode_fold
from tests.core.dialects.engines.rows import SHOP, Row

TYPES: dict[FieldType, Any] = {
    "keyword": pl.String,
    "text": pl.String,
    "integer": pl.Int64,
    "number": pl.Float64,
    "money": pl.Float64,
    "date": pl.Date,
    "datetime": pl.Datetime("us"),
    "time": pl.Time,
    "boolean": pl.Boolean,
}


class Polars(Adapter):
    dialect = "polars"
    package = "polars"
    fold = staticmethod(unicode_fold)

    def load(self, rows: Sequence[Row]) -> None:
        columns = {field.name: pl.List(TYPES[field.type]) if field.many else TYPES[field.type] for field in SHOP.fields}
        self.df = pl.DataFrame([naive(row) for row in rows], schema={"id": pl.Int64, **columns}, strict=False)

    def select(self, compiled: dict[str, Any]) -> list[int]:
        frame = eval(compiled["expression"], {"pl": pl, "df": self.df, "datetime": datetime})
        return list(frame["id"])


def naive(value: Any) -> Any:
    """Instants without their zone, which is UTC."""
    match value:
        case dict():
            return {name: naive(part) for name, part in value.items()}
        case list():
            return [naive(part) for part in value]
        case datetime.datetime():
            return value.replace(tzinfo=None)
        case _:
            return value
