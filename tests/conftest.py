"""What many tests need: a real Redis with keys of the test's own."""

import os
import secrets
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from nlp2filters import models
from nlp2filters.connection import Client, connect
from nlp2filters.keys import Keys
from nlp2filters.redis_server import running
from nlp2filters.settings import Settings
from tests.service import Service

# A shared machine is slow at times; CI looks at the same examples each time, developers at new ones.
settings.register_profile(
    "here", deadline=None, derandomize="CI" in os.environ, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("here")


def free_port() -> int:
    """A port on loopback that nobody listens on just now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis for all tests; each has keys of its own."""
    with running(tmp_path_factory.mktemp("redis"), free_port()) as server:
        yield server.url


@pytest.fixture(scope="session")
def model_folder() -> Path:
    """The real embedding model, from the user's cache or fetched into it."""
    return models.locate(progress=False)


@pytest.fixture
def keys() -> Keys:
    return Keys(f"test-{secrets.token_hex(4)}")


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Client]:
    client = connect(Settings(redis_url=redis_url), patience_s=60)  # on a slow machine too
    yield client
    await client.aclose()


@pytest.fixture
async def own_redis(tmp_path: Path) -> AsyncIterator[Client]:
    """A Redis of the test's own, which it may fill, stop or misconfigure."""
    with running(tmp_path / "redis", free_port()) as server:
        client = connect(Settings(redis_url=server.url), patience_s=60)
        yield client
        await client.aclose()


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The whole service, as real processes; for tests that leave it as it was."""
    with running(tmp_path_factory.mktemp("service-redis"), free_port()) as server:
        service = Service(tmp_path_factory.mktemp("logs"), port=free_port(), environment={"REDIS_URL": server.url})
        service.start()
        try:
            service.wait_until_ready()
            yield service
        finally:
            service.stop()
