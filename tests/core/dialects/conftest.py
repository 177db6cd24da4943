"""One catalog with a field of every type; a database in memory."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from nlp2filters.core import catalog
from nlp2filters.core.catalog import Catalog


@pytest.fixture(scope="session")
def shop() -> Catalog:
    return catalog.parse(
        {
            "name": "shop",
            "fields": [
                {"name": "brand", "type": "keyword", "values": ["Beats", "Bose"]},
                {"name": "origin", "type": "keyword", "closed": True, "values": ["usa", "japan"]},
                {"name": "title", "type": "text"},
                {"name": "doors", "type": "integer", "nullable": False},
                {"name": "rating", "type": "number"},
                {"name": "price", "type": "money", "currency": "USD"},
                {"name": "released", "type": "date"},
                {"name": "seen", "type": "datetime"},
                {"name": "opens", "type": "time"},
                {"name": "wireless", "type": "boolean"},
                {"name": "place", "type": "geo"},
                {"name": "tags", "type": "keyword", "many": True},
                {"name": "order by", "type": "integer"},
            ],
        }
    )


@pytest.fixture(scope="module")
def connection(request: pytest.FixtureRequest) -> Iterator[sa.Connection]:
    """SQLite with the `TABLE` of the test's module."""
    engine = sa.create_engine("sqlite://")
    request.module.TABLE.metadata.create_all(engine)
    with engine.connect() as connection:
        yield connection
    engine.dispose()
