"""`make engines`: every engine that runs here selects what the reference selects, for 2,000 filters each.

pytest does not collect this module by itself, because it needs servers and more packages. At the end it writes the
table of the run into docs/dialects.md.
"""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import sqlalchemy as sa

from nlp2filters.core.dialects.sql.clauses import where_clause
from nlp2filters.core.filters import Filter, Not, OneOf
from tests.core.dialects.engines import test_engines
from tests.core.dialects.engines.adapter import Adapter, UnsupportedError
from tests.core.dialects.engines.chroma import Chroma
from tests.core.dialects.engines.clickhouse import ClickHouse, ClickHouseText
from tests.core.dialects.engines.elasticsearch import Elasticsearch, OpenSearch
from tests.core.dialects.engines.kibana import Kibana
from tests.core.dialects.engines.mariadb import MariaDB, MariaDBTimestamps
from tests.core.dialects.engines.milvus import Milvus
from tests.core.dialects.engines.postgresql import AsyncPG, PostgreSQL
from tests.core.dialects.engines.rows import ROWS, SHOP, WORDS, sample, selected
from tests.core.dialects.engines.solr import Solr
from tests.core.dialects.engines.test_engines import LONG_LISTS, assert_agreement
from tests.core.dialects.engines.typesense import Typesense
from tools.dialects_table import PAGE, markdown, with_section

FULL_RUN = 2_000
FILTERS_EACH = int(os.environ.get("ENGINE_FILTERS", FULL_RUN))

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
    "Elasticsearch": Elasticsearch,
    "OpenSearch": OpenSearch,
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
    if run.filters.keys() == ADAPTERS.keys() and FILTERS_EACH >= FULL_RUN:
        PAGE.write_text(with_section(PAGE.read_text("utf-8"), "engines", run.table()), "utf-8")


@pytest.fixture(scope="module", params=ADAPTERS)
def named_adapter(run: Run, request: pytest.FixtureRequest) -> Iterator[tuple[str, Adapter]]:
    with ADAPTERS[request.param]() as adapter:
        adapter.load([row for row in ROWS if adapter.holds(row)])
        run.begin(request.param, adapter)
        yield request.param, adapter


@pytest.mark.timeout(1200)
def test_agreement(run: Run, named_adapter: tuple[str, Adapter]) -> None:
    name, adapter = named_adapter
    faults = []
    for node in sample(FILTERS_EACH):
        try:
            assert_agreement(adapter, node)
        except UnsupportedError:
            continue
        except AssertionError as fault:
            faults.append(fault)
        run.filters[name] += 1
    run.differences[name] = len(faults)
    if faults:
        raise faults[0]


# Of the length that a scope may have.
LONGEST_LISTS: Sequence[OneOf] = [
    OneOf("doors", tuple(range(10_000))),
    OneOf("brand", (*WORDS, *(f"id {number}" for number in range(9_900))), exact=True),
]


@pytest.mark.parametrize("negated", [False, True], ids=["one of", "none of"])
@pytest.mark.parametrize("node", [*LONG_LISTS, *LONGEST_LISTS], ids=lambda node: f"{len(node.values)} of {node.field}")
def test_long_lists(named_adapter: tuple[str, Adapter], node: Filter, negated: bool) -> None:
    try:
        assert_agreement(named_adapter[1], Not(node) if negated else node)
    except UnsupportedError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module", params=[(PostgreSQL, "postgresql+psycopg"), (MariaDB, "mysql+pymysql")], ids=str)
def database(request: pytest.FixtureRequest) -> Iterator[tuple[Adapter, sa.Connection]]:
    kind, name = request.param
    with kind() as adapter:
        adapter.load(ROWS)
        engine = sa.create_engine(f"{name}://", creator=lambda: adapter.connection, poolclass=sa.StaticPool)
        with engine.connect() as connection:
            yield adapter, connection


@pytest.mark.timeout(1200)
def test_sqlalchemy(database: tuple[Adapter, sa.Connection]) -> None:
    adapter, connection = database
    table: sa.Select[Any] = sa.select(sa.column("id")).select_from(sa.table("shop"))
    for node in sample(FILTERS_EACH):
        ids = connection.execute(table.where(where_clause(node, SHOP))).scalars()
        assert set(ids) == selected(node, adapter.fold)
