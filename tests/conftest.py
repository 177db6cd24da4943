"""What many tests need: a real Redis with keys of the test's own."""

import os
import secrets
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from playwright.sync_api import Browser

import tests.browser
from nlp2filters.embedding.weights import MINILM, MINILM_INT8
from nlp2filters.settings import Settings
from nlp2filters.storage.connection import connect
from nlp2filters.storage.embedded_server import running
from nlp2filters.storage.redis_keys import Keys
from nlp2filters.storage.retrying_redis import RetryingRedis
from tests.peers import gateway as gateways
from tests.peers import llm as llms
from tests.peers import webhook as webhooks
from tests.peers.gateway import Gateway
from tests.peers.llm import LLM
from tests.peers.webhook import Receiver
from tests.ports import free_port
from tests.service import Service, started

# A shared machine is slow at times; CI looks at the same examples each time, developers at new ones.
settings.register_profile(
    "here", deadline=None, derandomize="CI" in os.environ, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("here")

# A run starts hundreds of processes. What they import is compiled once, also where Python is told to keep nothing.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

LONGEST = (
    "test_chaos.py",
    "test_fuzz.py",
    "test_transcriptions.py",
    "test_up.py",
    "test_dynos.py",
    "test_javascript.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where several processes share the files, those that take longest come first: in the end none works alone."""
    assert len({item.nodeid for item in items}) == len(items), "of tests with one id, pytest-xdist runs one only"
    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis for all tests; each has keys of its own."""
    with running(tmp_path_factory.mktemp("redis"), free_port()) as server:
        yield server.url


@pytest.fixture(scope="session")
def model_folder() -> Path:
    """The real embedding model, from the user's cache or fetched into it."""
    return MINILM.locate(progress=False)


@pytest.fixture(scope="session")
def int8_folder() -> Path:
    """The embedding model with int8 weights, made in the user's cache."""
    return MINILM_INT8.locate(progress=False)


@pytest.fixture
def keys() -> Keys:
    return Keys(f"test-{secrets.token_hex(4)}")


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[RetryingRedis]:
    client = connect(Settings(redis_url=redis_url), patience_s=60)  # on a slow machine too
    yield client
    await client.aclose()


@pytest.fixture
async def own_redis(tmp_path: Path) -> AsyncIterator[RetryingRedis]:
    """A Redis of the test's own, which it may fill, stop or misconfigure."""
    with running(tmp_path / "redis", free_port()) as server:
        client = connect(Settings(redis_url=server.url), patience_s=60)
        yield client
        await client.aclose()


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The whole service, as real processes; for tests that leave it as it was."""
    with started(tmp_path_factory.mktemp("service")) as service:
        yield service


@pytest.fixture
def gateway(service: Service) -> Iterator[Gateway]:
    """What stands before the service and may fail."""
    with gateways.before(service.url) as gateway:
        yield gateway


@pytest.fixture(scope="module")
def llm() -> Iterator[LLM]:
    """An LLM that answers as it is told to."""
    with llms.running() as llm:
        yield llm


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    """Who takes webhooks, and answers as it is told to."""
    with webhooks.running() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser for the tests of a file, each of which opens pages of its own."""
    with tests.browser.running() as browser:
        yield browser
