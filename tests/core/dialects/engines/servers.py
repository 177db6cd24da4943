"""`make engines`: every engine that runs here selects what the reference selects, for 2,000 filters each.

pytest does not collect this module by itself, because it needs servers and more packages. At the end it writes the
table of the run into docs/dialects.md.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings

from nlp2filters.core.dialects.sql.standard import where_clause
from nlp2filters.core.filters import Filter, Not
from tests.core.dialects.engines import test_engines
from tests.core.dialects.engines.adapter import Adapter
from tests.core.dialects.engines.chroma import Chroma
from tests.core.dialects.engines.clickhouse import ClickHouse, ClickHouseText
from tests.core.dialects.engines.kibana import Kibana
from tests.core.dialects.engines.mariadb import MariaDB, MariaDBTimestamps
from tests.core.dialects.engines.milvus import Milvus
from tests.core.dialects.engines.postgresql import AsyncPG, PostgreSQL
from tests.core.dialects.engines.rows import FILTERS, ROWS, SHOP, selected
from tests.core.dialects.engines.solr import Solr
from tests.core.dialects.engines.test_engines import LONG_LISTS, assert_agreement
from tests.core.dialects.engines.typesense import Typesense
from tools.dialects_table import PAGE, markdown, with_section

FILTERS_EACH = 2_000

ADAPTERS: dict[str, type[Adapter]] = {
    **test_engines.ADAPTERS,
    "PostgreSQL by psycopg, jsonb": PostgreSQL,
    "PostgreSQL by asyncpg, arrays and timestamptz": AsyncPG,
    "MariaDB": MariaDB,
    "MariaDB, TIMESTAMP and another collation": MariaDBTimestamps,
    "Chroma": Chroma,
    "ClickHouse": ClickHouse,
    "ClickHouse, text and JSON": ClickHouseText,
    "Typesense": Typesense,
    "Milvus": Milvus,
    "Solr": Solr,
    "Kibana": Kibana,
}


class Run:
    """The outcome of a run: how many filters each engine was asked, and how many it answered differently."""

    def __init__(self) -> None:
        self.engines: dict[str, list[str]] = {}
        self.filters: Counter[str] = Counter()
        self.differences: Counter[str] = Counter()

    def begin(self, name: str, adapter: Adapter) -> None:
        version = adapter.version + " (emulator)" * adapter.emulated
        self.engines[name] = [name, f"`{adapter.dialect}`", version]

    def add(self, name: str, *, agrees: bool) -> None:
        self.filters[name] += 1
        self.differences[name] += not agrees

    def table(self) -> str:
        header = ["engine", "dialect", "version", "filters", "differences"]
        rows = [
            [*engine, f"{self.filters[name]:,}", str(self.differences[name])] for name, engine in self.engines.items()
        ]
        return markdown(header, rows)


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    run = Run()
    yield run
    if run.filters.keys() == ADAPTERS.keys():
        PAGE.write_text(with_section(PAGE.read_text("utf-8"), "engines", run.table()), "utf-8")


@pytest.fixture(scope="module", params=ADAPTERS)
def named_adapter(run: Run, request: pytest.FixtureRequest) -> Iterator[tuple[str, Adapter]]:
    with ADAPTERS[request.param]() as adapter:
        adapter.load([row for row in ROWS if adapter.holds(row)])
        run.begin(request.param, adapter)
        yield request.param, adapter


@pytest.mark.timeout(1200)
@settings(max_examples=FILTERS_EACH, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(node=FILTERS)
def test_agreement(run: Run, named_adapter: tuple[str, Adapter], node: Filter) -> None:
    name, adapter = named_adapter
    agrees = False
    try:
        assert_agreement(adapter, node)
        agrees = True
    finally:
        run.add(name, agrees=agrees)


@pytest.mark.parametrize("negated", [False, True], ids=["one of", "none of"])
@pytest.mark.parametrize("node", LONG_LISTS, ids=lambda node: node.field)
def test_long_lists(named_adapter: tuple[str, Adapter], node: Filter, negated: bool) -> None:
    assert_agreement(named_adapter[1], Not(node) if negated else node)


@pytest.fixture(scope="module", params=[(PostgreSQL, "postgresql+psycopg"), (MariaDB, "mysql+pymysql")], ids=str)
def database(request: pytest.FixtureRequest) -> Iterator[tuple[Adapter, sa.Connection]]:
    kind, name = request.param
    with kind() as adapter:
        adapter.load(ROWS)
        engine = sa.create_engine(f"{name}://", creator=lambda: adapter.connection, poolclass=sa.StaticPool)
        with engine.connect() as connection:
            yield adapter, connection


@pytest.mark.timeout(1200)
@settings(max_examples=FILTERS_EACH, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(node=FILTERS)
def test_sqlalchemy(database: tuple[Adapter, sa.Connection], node: Filter) -> None:
    adapter, connection = database
    query: sa.Select[Any] = sa.select(sa.column("id")).select_from(sa.table("shop")).where(where_clause(node, SHOP))
    assert sorted(connection.execute(query).scalars()) == selected(node, adapter.fold)
