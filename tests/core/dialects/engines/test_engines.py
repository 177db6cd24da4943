"""Every engine selects the records that the reference selects.

Where a dialect reports a loss, the query may select more records, or fewer, as the report says; else it must agree.
"""

import datetime as dt
from collections.abc import Iterator, Sequence

import pytest

from nlp2filters.core.dialects import compile as compile_dialect
from nlp2filters.core.filters import Filter, Not, OneOf
from nlp2filters.core.interpretation import Interpretation
from tests.core.dialects.engines.adapter import Adapter
from tests.core.dialects.engines.django_orm import DjangoORM
from tests.core.dialects.engines.duckdb_ import DuckDB, DuckDBText
from tests.core.dialects.engines.mongomock_find import MongomockFind
from tests.core.dialects.engines.odata_service import ODataService
from tests.core.dialects.engines.pandas_frames import Arrow, Nullable, NumPy
from tests.core.dialects.engines.polars_frames import Polars
from tests.core.dialects.engines.qdrant_local import QdrantLocal
from tests.core.dialects.engines.query_dsl import OpenSearchDSL, QueryDSL
from tests.core.dialects.engines.rows import INSTANTS, ROWS, SHOP, WORDS, sample, selected
from tests.core.dialects.engines.sqlalchemy_sqlite import SQLAlchemy
from tests.core.dialects.engines.sqlite import SQLite, SQLiteNumbers
from tests.core.dialects.engines.transpiled import BigQuery, Snowflake, SQLServer

# `make engines` asks more.
FILTERS_EACH = 300

# Engines that run in the process of the tests.
ADAPTERS: dict[str, type[Adapter]] = {
    "SQLite": SQLite,
    "SQLite, numbers for dates": SQLiteNumbers,
    "DuckDB": DuckDB,
    "DuckDB, text and JSON": DuckDBText,
    "BigQuery": BigQuery,
    "Snowflake": Snowflake,
    "SQL Server": SQLServer,
    "elasticsearch": QueryDSL,
    "opensearch": OpenSearchDSL,
    "mongomock": MongomockFind,
    "qdrant": QdrantLocal,
    "django": DjangoORM,
    "odata": ODataService,
    "polars": Polars,
    "pandas-numpy": NumPy,
    "pandas-nullable": Nullable,
    "pandas-arrow": Arrow,
}


@pytest.fixture(scope="module", params=ADAPTERS)
def adapter(request: pytest.FixtureRequest) -> Iterator[Adapter]:
    with ADAPTERS[request.param]() as adapter:
        adapter.load([row for row in ROWS if adapter.holds(row)])
        yield adapter


def test_agreement(adapter: Adapter) -> None:
    for node in sample(FILTERS_EACH):
        assert_agreement(adapter, node)


# Longer than what is written one by one.
LONG_LISTS: Sequence[OneOf] = [
    OneOf("brand", (*WORDS[:20], *(f"brand {number}" for number in range(300)))),
    OneOf("origin", ("usa", "japan", *(f"place {number}" for number in range(300)))),
    OneOf("order", tuple(range(-1, 300))),
    OneOf("price", tuple(number / 100 for number in range(300))),
    OneOf("released", tuple(dt.date(2026, 2, 28) + dt.timedelta(days) for days in range(300))),
    OneOf("seen", (*INSTANTS[::2], *(INSTANTS[0] + dt.timedelta(minutes=minutes) for minutes in range(300)))),
    OneOf("opens", tuple(dt.time(hour, minute) for hour in range(24) for minute in range(0, 60, 10))),
    OneOf("tags", (*WORDS[:20], *(f"tag {number}" for number in range(300)))),
    OneOf("value", tuple(range(300))),
]


@pytest.mark.parametrize("negated", [False, True], ids=["one of", "none of"])
@pytest.mark.parametrize("node", LONG_LISTS, ids=lambda node: node.field)
def test_long_lists(adapter: Adapter, node: Filter, negated: bool) -> None:
    assert_agreement(adapter, Not(node) if negated else node)


def assert_agreement(adapter: Adapter, node: Filter) -> None:
    compiled = compile_dialect(adapter.dialect, Interpretation(filter=node), SHOP, adapter.options)
    effects = {loss["effect"] for loss in compiled["lossy"]}
    expected = selected(node, adapter.fold) & {row["id"] for row in ROWS if adapter.holds(row)}
    ids = adapter.select(compiled)
    assert len(ids) == len(set(ids))
    if "wider" not in effects:
        assert set(ids) <= expected, compiled
    if "narrower" not in effects:
        assert set(ids) >= expected, compiled


@pytest.fixture(scope="module")
def sqlalchemy() -> Iterator[SQLAlchemy]:
    database = SQLAlchemy(ROWS)
    yield database
    database.engine.dispose()


def test_sqlalchemy(sqlalchemy: SQLAlchemy) -> None:
    for node in sample(FILTERS_EACH):
        assert set(sqlalchemy.select(node)) == selected(node)
