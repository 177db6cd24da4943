"""pandas, by the text of an expression, over columns of NumPy's types, of its own and of PyArrow's."""

import datetime
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import pandas as pd
import pyarrow as pa

from nlp2filters.core.catalog import Field
from tests.core.dialects.engines.adapter import Adapter, unicode_fold
from tests.core.dialects.engines.polars_frames import naive
from tests.core.dialects.engines.rows import SHOP, Row


class NumPy(Adapter):
    """A missing number or truth is NaN, a missing string or list None."""

    dialect = "pandas"
    package = "pandas"
    fold = staticmethod(unicode_fold)
    types: ClassVar[Mapping[str, Any]] = {
        "keyword": object,
        "text": object,
        "integer": "float64",
        "number": "float64",
        "money": "float64",
        "date": "datetime64[us]",
        "datetime": "datetime64[us]",
        "time": object,
        "boolean": object,
    }

    def load(self, rows: Sequence[Row]) -> None:
        values = [naive(row) for row in rows]
        columns = {field.name: [row[field.name] for row in values] for field in SHOP.fields}
        # Labels are neither unique nor in order.
        labels = [-(row["id"] // 2) for row in rows]
        series = {name: pd.Series(held, dtype=self.dtype(SHOP.by_name[name])) for name, held in columns.items()}
        self.df = pd.DataFrame({"id": [row["id"] for row in rows], **series}).set_axis(labels)

    def dtype(self, field: Field) -> Any:
        return object if field.many else self.types[field.type]

    def select(self, compiled: dict[str, Any]) -> list[int]:
        frame = eval(compiled["expression"], {"df": self.df, "datetime": datetime})
        return list(frame["id"])


class Nullable(NumPy):
    """A missing value is NA, for which logic has three values."""

    types: ClassVar[Mapping[str, Any]] = {
        **NumPy.types,
        "keyword": "string",
        "text": "string",
        "integer": "Int64",
        "number": "Float64",
        "money": "Float64",
        "boolean": "boolean",
    }


class Arrow(NumPy):
    types: ClassVar[Mapping[str, Any]] = {
        "keyword": pa.string(),
        "text": pa.large_string(),
        "integer": pa.int64(),
        "number": pa.float64(),
        "money": pa.float64(),
        "date": pa.date32(),
        "datetime": pa.timestamp("us"),
        "time": pa.time64("us"),
        "boolean": pa.bool_(),
    }

    def dtype(self, field: Field) -> Any:
        type_ = self.types[field.type]
        return pd.ArrowDtype(pa.list_(type_) if field.many else type_)
