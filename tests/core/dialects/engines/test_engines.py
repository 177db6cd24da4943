"""Every engine selects the records that the reference selects.

Where a dialect reports a loss, the query may select more records, or fewer, as the report says; else it must agree.
"""

from collections.abc import Iterator

import pytest
from hypothesis import given

from nlp2filters.core.dialects import compile as compile_dialect
from nlp2filters.core.filters import Filter
from nlp2filters.core.interpretation import Interpretation
from tests.core.dialects.agreement import searches_exactly
from tests.core.dialects.engines.adapter import Adapter
from tests.core.dialects.engines.rows import FILTERS, ROWS, SHOP, selected
from tests.core.dialects.engines.sqlalchemy_sqlite import SQLAlchemy

# Engines that run in the process of the tests.
ADAPTERS: dict[str, type[Adapter]] = {}


@pytest.fixture(scope="module", params=ADAPTERS)
def adapter(request: pytest.FixtureRequest) -> Iterator[Adapter]:
    with ADAPTERS[request.param]() as adapter:
        adapter.load(ROWS)
        yield adapter


@given(node=FILTERS)
def test_agreement(adapter: Adapter, node: Filter) -> None:
    assert_agreement(adapter, node)


def assert_agreement(adapter: Adapter, node: Filter) -> None:
    compiled = compile_dialect(adapter.dialect, Interpretation(filter=node), SHOP, adapter.options)
    expected, effects = set(selected(node, adapter.fold)), {loss["effect"] for loss in compiled["lossy"]}
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


@given(node=FILTERS.filter(lambda node: not searches_exactly(node)))
def test_sqlalchemy(sqlalchemy: SQLAlchemy, node: Filter) -> None:
    assert sorted(sqlalchemy.select(node)) == selected(node)
