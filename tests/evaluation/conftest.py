"""A small catalog for cases."""

import pytest

from nlp2filters.core import catalog
from nlp2filters.evaluation.cases import Collection


@pytest.fixture
def shop() -> Collection:
    return Collection(
        catalog.parse(
            {
                "name": "shop",
                "fields": [
                    {"name": "brand", "type": "keyword", "closed": True, "values": ["Sony", "Bose"]},
                    {"name": "price", "type": "money", "currency": "USD"},
                    {"name": "released", "type": "date"},
                    {"name": "wireless", "type": "boolean"},
                ],
            }
        )
    )
