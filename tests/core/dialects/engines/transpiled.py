"""Engines that cannot run here, in an emulator: sqlglot reads the statement in the engine's language, DuckDB runs it.

What sqlglot leaves as it is, each adapter puts into DuckDB's words.
"""

import datetime as dt
import json
import re
from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Any, ClassVar

import duckdb
import sqlglot

from nlp2filters.core.dialects import Options
from nlp2filters.core.mapping import EngineMapping
from tests.core.dialects.engines.duckdb_ import DuckDB
from tests.core.dialects.engines.rows import SHOP

FROM_JSON: Mapping[str, Callable[[str], Any]] = {
    "date": dt.date.fromisoformat,
    "datetime": dt.datetime.fromisoformat,
    "datetime2": dt.datetime.fromisoformat,
    "timestamp_ntz": dt.datetime.fromisoformat,
    "time": dt.time.fromisoformat,
}


class Transpiled(DuckDB):
    emulated = True
    # sqlglot's name for the language, and what it does not put into DuckDB's words.
    language: ClassVar[str]
    rewritten: ClassVar[Mapping[str, str]] = {}

    version = f"sqlglot {version('sqlglot')}, duckdb {duckdb.__version__}"

    def select(self, compiled: dict[str, Any]) -> list[int]:
        statement = sqlglot.transpile(compiled["statement"], read=self.language, write="duckdb")[0]
        for pattern, replacement in self.rewritten.items():
            statement = re.sub(pattern, replacement, statement)
        params, types = compiled["params"], compiled["types"]
        typed: Any
        if isinstance(params, dict):
            typed = {name: _typed(value, types[name]) for name, value in params.items()}
        else:
            typed = [_typed(value, type_) for value, type_ in zip(params, types, strict=True)]
        return super().select({"statement": statement, "params": typed})


class BigQuery(Transpiled):
    dialect = "bigquery"
    language = "bigquery"


class Snowflake(Transpiled):
    dialect = "snowflake"
    language = "snowflake"
    options = Options(mappings={"snowflake": EngineMapping(paramstyle="qmark")})
    rewritten: ClassVar[Mapping[str, str]] = {
        r"TABLE\(UNNEST\(INPUT => (\w+)\)\) AS element": r"UNNEST(\1) AS element(value)",
        r"TABLE\(UNNEST\(INPUT => JSON\(\?\)\)\) AS element": (
            "UNNEST(CAST(CAST(? AS JSON) AS VARCHAR[])) AS element(value)"
        ),
    }


class SQLServer(Transpiled):
    """Blanks at the end count in DuckDB, so that it cannot show that they do in the query."""

    dialect = "mssql"
    language = "tsql"
    rewritten: ClassVar[Mapping[str, str]] = {
        r" COLLATE Latin1_General_100_BIN2": "",
        r" \+ N'\.'": " || '.'",
        r"TEXT\(MAX\)": "TEXT",
        r"SWITCHOFFSET\((.*?), '\+00:00'\)": r"\1",
        r"""OPENJSON\(("\w+"|\$\w+)\) WITH \(value (\w+) '\$'\) AS element""": (
            r"UNNEST(CAST(CAST(\1 AS JSON) AS \2[])) AS element(value)"
        ),
        # It has eight bytes in SQL Server, and four in DuckDB.
        r"AS REAL\[\]": "AS DOUBLE[]",
    }

    def column(self, name: str) -> str:
        return f'"{name}" VARCHAR' if SHOP.by_name[name].many else super().column(name)

    def stored(self, value: Any) -> Any:
        if isinstance(value, list):
            return json.dumps([one.isoformat() if isinstance(one, dt.date) else one for one in value])
        return super().stored(value)


def _typed(value: Any, type_: str) -> Any:
    if type_.startswith("ARRAY<"):
        return [_typed(one, type_[len("ARRAY<") : -1]) for one in value]
    from_json = FROM_JSON.get(type_.lower())
    return from_json(value) if from_json else value
