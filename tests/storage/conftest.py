"""A store with keys of the test's own."""

import pytest
from arq.connections import ArqRedis

from nlp2filters.storage.redis_keys import Keys
from nlp2filters.storage.store import Store


@pytest.fixture
def store(redis: ArqRedis, keys: Keys) -> Store:
    return Store(redis, keys, retention_s=60)
